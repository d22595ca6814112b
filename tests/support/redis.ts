import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { glob, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { isAlive } from '../../src/common/embedded-postgres/cluster.ts';
import { freePort, hasExited } from '../../src/common/embedded-postgres/postmaster.ts';
import { findTool } from '../../src/common/embedded-postgres/runner.ts';

const run = promisify(execFile);
const PACKAGES = ['redis-server', 'redis-tools', 'libjemalloc2', 'liblzf1', 'libatomic1'];
const FETCH_TIMEOUT_MS = 180_000;
const MAX_PORT_TRIES = 5;

/** `libraries` are needed by a program that was unpacked, not installed. */
type Program = { file: string; libraries: string[] };

export type TestRedis = {
  url: string;
  /** Undefined for a server named by REDIS_URL: it is not ours to kill. */
  pid: number | undefined;
  stop(): Promise<void>;
};

/**
 * A real Redis (7 or newer) for one test file, on a port of its own: REDIS_URL, else redis-server or valkey-server from PATH,
 * else from the cache, else fetched into the cache from the distribution's archive, which needs no root. Never a skip.
 * `port` brings a killed server back to where it was.
 */
export async function startRedis({ port }: { port?: number } = {}): Promise<TestRedis> {
  const { REDIS_URL } = process.env;
  if (REDIS_URL) return { url: REDIS_URL, pid: undefined, stop: async () => {} };
  const program = await findProgram();
  let failure = '';
  for (let tries = 0; tries < MAX_PORT_TRIES; tries++) {
    const chosen = port ?? (await freePort());
    const { child, output } = await launch(program, chosen);
    if (!hasExited(child)) return { url: `redis://127.0.0.1:${chosen}`, pid: child.pid, stop: () => kill(child) };
    failure = output;
  }
  throw new Error(`${program.file} did not start: ${failure}`);
}

async function launch(program: Program, port: number): Promise<{ child: ChildProcess; output: string }> {
  const setpriv = await findTool('setpriv');
  const dying = setpriv ? [setpriv, '--pdeathsig', 'KILL'] : [];
  const settings = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', tmpdir()];
  const [command, ...args] = [...dying, program.file, ...settings];
  const child = spawn(command!, args, { env: environment(program), stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  await new Promise<void>(resolve => {
    child.once('error', error => {
      output += error.message;
      resolve();
    });
    child.once('exit', () => resolve());
    createInterface({ input: child.stdout }).on('line', line => {
      output += `${line}\n`;
      if (/ready to accept connections/i.test(line)) resolve();
    });
  });
  process.once('exit', () => child.kill('SIGKILL'));
  return { child, output };
}

async function kill(child: ChildProcess): Promise<void> {
  if (hasExited(child)) return;
  const exited = new Promise(resolve => child.once('exit', resolve));
  child.kill('SIGKILL'); // it keeps nothing, and a stopped one hears nothing else
  await exited;
}

function environment({ libraries }: Program): NodeJS.ProcessEnv {
  return libraries.length ? { ...process.env, LD_LIBRARY_PATH: libraries.join(':') } : process.env;
}

async function findProgram(): Promise<Program> {
  const installed = await findInstalled();
  if (installed) return installed;
  const folder = join(await cacheFolder(), 'redis');
  return (await findUnpacked(folder)) ?? (await fetchOnce(folder));
}

async function findInstalled(): Promise<Program | undefined> {
  for (const name of ['redis-server', 'valkey-server']) {
    for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
      const program = { file: join(folder, name), libraries: [] };
      if ((await majorVersion(program)) >= 7) return program;
    }
  }
  return undefined;
}

async function majorVersion(program: Program): Promise<number> {
  return run(program.file, ['--version'], { env: environment(program) }).then(
    ({ stdout }) => Number(/v=(\d+)/.exec(stdout)?.[1] ?? 0),
    () => 0,
  );
}

/** The first folder that this user owns or can make: in a shared one somebody else could have put a program. */
async function cacheFolder(): Promise<string> {
  const uid = process.getuid?.() ?? 0;
  const home = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  for (const folder of [join(home, 'parthub'), join(tmpdir(), `parthub-cache-${uid}`)]) {
    await mkdir(folder, { recursive: true, mode: 0o700 }).catch(() => {});
    if (await stat(folder).then(found => found.uid === uid && found.mode & 0o200, () => false)) return folder; // biome-ignore format: one line reads better
  }
  throw new Error(`No cache folder: neither ${home} nor ${tmpdir()} can be written.`);
}

async function findUnpacked(folder: string): Promise<Program | undefined> {
  const libraries = await Array.fromAsync(glob('usr/lib/*/', { cwd: folder }));
  const program = { file: join(folder, 'usr/bin/redis-server'), libraries: libraries.map(path => join(folder, path)) };
  return (await majorVersion(program)) >= 7 ? program : undefined;
}

/** One of several test files fetches, the others wait for it. */
async function fetchOnce(folder: string): Promise<Program> {
  const lock = `${folder}.lock`;
  const deadline = Date.now() + FETCH_TIMEOUT_MS;
  while (!(await takeLock(lock))) {
    if (Date.now() > deadline) throw new Error(`Another process fetches Redis for too long; it holds ${lock}.`);
    await pause(100);
  }
  try {
    return (await findUnpacked(folder)) ?? (await fetchInto(folder));
  } finally {
    await rm(lock, { force: true });
  }
}

async function takeLock(lock: string): Promise<boolean> {
  try {
    const file = await open(lock, 'wx');
    await file.write(String(process.pid));
    await file.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const holder = Number(await readFile(lock, 'utf8').catch(() => ''));
  // two that remove it at once both fetch, which harms nothing: the result is put in place by a rename
  if (holder > 0 && !isAlive(holder)) await rm(lock, { force: true });
  return false;
}

async function fetchInto(folder: string): Promise<Program> {
  const draft = `${folder}.new-${process.pid}`;
  try {
    await rm(draft, { recursive: true, force: true });
    await download(draft);
    for await (const archive of glob('*.deb', { cwd: draft })) {
      await run('dpkg-deb', ['-x', join(draft, archive), join(draft, 'root')]);
    }
    await rm(folder, { recursive: true, force: true });
    await rename(join(draft, 'root'), folder);
    const program = await findUnpacked(folder);
    if (program) return program;
    throw new Error(`${folder} holds no Redis 7 that runs here.`);
  } catch (error) {
    throw new Error(
      'The tests need a Redis of version 7 or newer. Set REDIS_URL, or put redis-server or valkey-server on PATH, ' +
        `or let apt-get reach the distribution's archive (tried just now: ${(error as Error).message.trim()})`,
      { cause: error },
    );
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Lists and archives of its own: the machine's belong to root. */
async function download(draft: string): Promise<void> {
  for (const part of ['lists/partial', 'cache/archives/partial']) await mkdir(join(draft, part), { recursive: true });
  const own = ['-q', '-o', `Dir::State::lists=${join(draft, 'lists')}`, '-o', `Dir::Cache=${join(draft, 'cache')}`];
  const options = { cwd: draft, timeout: FETCH_TIMEOUT_MS / 2, maxBuffer: 1 << 24 };
  await run('apt-get', [...own, 'update'], options);
  await run('apt-get', [...own, 'download', ...PACKAGES], options);
}
