import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type Binaries, exists } from './binaries.ts';
import { giveTo, LOCALE, type Runner, spawnAs } from './runner.ts';

export const NAME = 'parthub';
const PASSWORD_FILE = 'parthub.password';

export type Cluster = { dataDir: string; settings: Record<string, string>; log: (line: string) => void };

export async function isInitialised(dataDir: string): Promise<boolean> {
  return exists(join(dataDir, 'PG_VERSION'));
}

/** Kept inside the data folder (0700), so that whoever may open the folder may log in, and a moved folder keeps its password. */
export async function readPassword(dataDir: string): Promise<string> {
  return (await readFile(join(dataDir, PASSWORD_FILE), 'utf8')).trim();
}

/**
 * Makes the data folder. It appears whole or not at all: a killed start leaves only a draft, which the next one removes;
 * of two starts at the same moment one wins and the other uses what it made.
 */
export async function initialise(cluster: Cluster, binaries: Binaries, runner: Runner): Promise<void> {
  const { dataDir } = cluster;
  const draft = await mkdtemp(`${dataDir}.new-${process.pid}-`);
  try {
    const passwordFile = join(draft, 'password');
    await writeFile(passwordFile, randomBytes(24).toString('hex'), { mode: 0o600 });
    await giveTo(runner, draft);
    await runInitdb(cluster, binaries, runner, { folder: join(draft, 'data'), passwordFile });
    await rename(passwordFile, join(draft, 'data', PASSWORD_FILE));
    await rename(join(draft, 'data'), dataDir).catch(async error => {
      if (!(await isInitialised(dataDir))) throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

type Draft = { folder: string; passwordFile: string };

async function runInitdb(cluster: Cluster, binaries: Binaries, runner: Runner, draft: Draft): Promise<void> {
  const args = [
    ...['-D', draft.folder, `--username=${NAME}`, `--pwfile=${draft.passwordFile}`, '--auth=scram-sha-256'],
    ...['--encoding=UTF8', `--locale=${LOCALE}`],
    // the password is random: hashing it thousands of times protects nothing and slows every connection
    ...['--set', 'scram_iterations=1'],
  ];
  if (cluster.settings['fsync'] === 'off') args.push('--no-sync');
  const child = spawnAs(runner, binaries.initdb, args);
  const [complaint, [code, signal]] = await Promise.all([text(child.stderr!), once(child, 'exit')]);
  if (code !== 0) throw new Error(`initdb of ${cluster.dataDir} failed (${code ?? signal}): ${complaint.trim()}`);
}

/** Its initdb may be ending only now, and put a file into a folder that is just being emptied. */
export async function removeAbandonedDrafts(dataDir: string): Promise<void> {
  const prefix = `${basename(dataDir)}.new-`;
  for (const name of await readdir(dirname(dataDir))) {
    if (!name.startsWith(prefix)) continue;
    const pid = Number.parseInt(name.slice(prefix.length), 10);
    if (isAlive(pid)) continue;
    await rm(join(dirname(dataDir), name), { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
  }
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
