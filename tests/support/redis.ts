import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { glob } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { freePort, hasExited } from '../../src/common/embedded-postgres/postmaster.ts';
import { findTool } from '../../src/common/embedded-postgres/runner.ts';
import { endWithUs } from './children.ts';
import { findUnpacked } from './debian.ts';

const run = promisify(execFile);
const PACKAGES = ['redis-server', 'redis-tools', 'libjemalloc2', 'liblzf1', 'libatomic1'];
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
  endWithUs(child);
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
  return installed ?? findUnpacked({ name: 'redis', packages: PACKAGES, find: findBelow }).catch(refuse);
}

function refuse(error: Error): never {
  throw new Error(
    'The tests need a Redis of version 7 or newer. Set REDIS_URL, or put redis-server or valkey-server on PATH, ' +
      `or let apt-get reach the distribution's archive (tried just now: ${error.message.trim()})`,
    { cause: error },
  );
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

async function findBelow(folder: string): Promise<Program | undefined> {
  const libraries = await Array.fromAsync(glob('usr/lib/*/', { cwd: folder }));
  const program = { file: join(folder, 'usr/bin/redis-server'), libraries: libraries.map(path => join(folder, path)) };
  return (await majorVersion(program)) >= 7 ? program : undefined;
}
