import { type ChildProcess, execFile, type SpawnOptions, spawn } from 'node:child_process';
import { chown, lchown, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Binaries } from './binaries.ts';

const NOBODY = 65534;
const TOOL_FOLDERS = ['/usr/bin', '/bin', '/usr/local/bin', '/run/current-system/sw/bin'];
export const LOCALE = process.platform === 'linux' ? 'C.UTF-8' : 'en_US.UTF-8';

/** As whom PostgreSQL runs, and what is put before its command line. */
export type Runner = { prefix: string[]; uid?: number; gid?: number };

/**
 * Finds a way to run PostgreSQL on this folder: it refuses uid 0, and it should end when this process is killed.
 * Tried in order, each by running it: whom the folder belongs to, nobody, whom the package belongs to; and, where none of
 * them can reach the paths (a project under a 0700 /root), root under another name in a user namespace.
 */
export async function findRunner(binaries: Binaries, dataDir: string): Promise<Runner> {
  if (process.platform === 'win32') return { prefix: [] };
  const setpriv = await findTool('setpriv');
  const dying = setpriv ? [[setpriv, '--pdeathsig', 'INT'], []] : [[]];
  const refusals: string[] = [];
  for (const identity of await identities(binaries, dataDir)) {
    for (const prefix of dying) {
      const runner = { ...identity, prefix: [...identity.prefix, ...prefix] };
      const refusal = await tryRunner(runner, binaries, dirname(dataDir));
      if (refusal === undefined) return runner;
      refusals.push(refusal);
    }
  }
  throw new Error(
    `The embedded PostgreSQL cannot be run for ${dataDir}. Use another DATA_DIR or another user, or set DATABASE_URL to a ` +
      `PostgreSQL server of your own. Tried:\n${refusals.join('\n')}`,
  );
}

async function identities(binaries: Binaries, dataDir: string): Promise<Runner[]> {
  if (process.getuid?.() !== 0) return [{ prefix: [] }];
  const [data, program] = await Promise.all([owner(dataDir), owner(binaries.postgres)]);
  const users = [data, { uid: NOBODY, gid: NOBODY }, program].filter(user => user !== undefined && user.uid !== 0);
  const unshare = await findTool('unshare');
  const renamed = unshare ? [{ prefix: [unshare, '--user', '--map-user=1000', '--map-group=1000'] }] : [];
  return [...users.map(user => ({ ...user, prefix: [] })), ...renamed];
}

async function owner(path: string): Promise<{ uid: number; gid: number } | undefined> {
  return stat(path).then(
    ({ uid, gid }) => ({ uid, gid }),
    () => undefined,
  );
}

export async function findTool(name: string): Promise<string | undefined> {
  for (const folder of TOOL_FOLDERS) if (await owner(join(folder, name))) return join(folder, name);
  return undefined;
}

async function tryRunner(runner: Runner, binaries: Binaries, folder: string): Promise<string | undefined> {
  const script = 'cd "$1" && exec "$2" --version';
  const [command, ...args] = [...runner.prefix, '/bin/sh', '-c', script, 'sh', folder, binaries.postgres];
  return promisify(execFile)(command!, args, { ...ids(runner), env: environment(), cwd: '/', encoding: 'utf8' }).then(
    () => undefined,
    (error: Error) => `- ${runner.uid === undefined ? '' : `uid ${runner.uid}: `}${error.message.trim()}`,
  );
}

/** Starts a program of PostgreSQL. Only the main thread may call this: the death signal follows the thread that spawned. */
export function spawnAs(runner: Runner, program: string, args: string[], options: SpawnOptions = {}): ChildProcess {
  const [command, ...rest] = [...runner.prefix, program, ...args];
  return spawn(command!, rest, {
    ...ids(runner),
    env: environment(),
    cwd: '/', // the caller's folder may be out of reach for the runner
    stdio: ['ignore', 'ignore', 'pipe'],
    windowsHide: true,
    ...options,
  });
}

/** Gives a file or folder, with all it holds, to the user PostgreSQL runs as. */
export async function giveTo(runner: Runner, path: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const [uid, gid] = [runner.uid ?? 0, runner.gid ?? 0];
  if ((await stat(path)).uid === uid) return;
  const entries = await readdir(path, { recursive: true }).catch(() => []);
  for (const entry of entries) await lchown(join(path, entry), uid, gid);
  await chown(path, uid, gid);
}

function ids({ uid, gid }: Runner): { uid?: number; gid?: number } {
  return uid === undefined ? {} : { uid, gid };
}

/** Not ours: it holds secrets, and PG* variables of the machine's own PostgreSQL. Windows needs some of it to open sockets. */
function environment(): NodeJS.ProcessEnv | undefined {
  return process.platform === 'win32' ? undefined : { LC_ALL: LOCALE, PATH: TOOL_FOLDERS.join(':') };
}
