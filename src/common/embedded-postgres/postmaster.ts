import type { ChildProcess } from 'node:child_process';
import { readFile, readlink, realpath, rename, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import type { Binaries } from './binaries.ts';
import { type Cluster, isAlive } from './cluster.ts';
import { type Runner, spawnAs } from './runner.ts';

const FAST_SHUTDOWN_MS = 30_000;
const KEPT_LINES = 20;

/** What postmaster.pid tells of a server that runs on the folder. */
export type Running = { pid: number; port: number; isReady: boolean };
export type Started = { child: ChildProcess; port: number; lastLines: string[] };

/** The server that runs on this folder, also while it starts or shuts down; undefined if there is none. */
export async function findRunning(dataDir: string): Promise<Running | undefined> {
  const file = join(dataDir, 'postmaster.pid');
  const content = await readFile(file, 'utf8').catch(() => '');
  const lines = content.split('\n').map(line => line.trim());
  const pid = Number(lines[0]);
  if (!(pid > 0) || !isAlive(pid)) return undefined; // postgres removes the file of a dead process by itself
  if (await belongsTo(pid, dataDir)) return { pid, port: Number(lines[3]), isReady: lines[7] === 'ready' };
  await removeStaleFile(file, content);
  return undefined;
}

/** After a crash of the machine or container the same pid may be somebody else's, and postgres would refuse to start. */
async function belongsTo(pid: number, dataDir: string): Promise<boolean> {
  if (process.platform !== 'linux') return true;
  try {
    return (await readlink(`/proc/${pid}/cwd`)) === (await realpath(dataDir));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOENT'; // a zombie has no folder; another user's cannot be seen
  }
}

/** Taken aside first: in between another start may have put its own in place. */
async function removeStaleFile(file: string, stale: string): Promise<void> {
  const aside = `${file}.stale-${process.pid}`;
  await rename(file, aside).catch(() => {});
  if ((await readFile(aside, 'utf8').catch(() => stale)) === stale) await rm(aside, { force: true });
  else await rename(aside, file);
}

export async function startPostmaster(
  cluster: Cluster,
  binaries: Binaries,
  runner: Runner,
  port: number,
): Promise<Started> {
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...cluster.settings,
  };
  const args = [
    '-D',
    cluster.dataDir,
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
  // detached: Ctrl+C in a terminal goes to the whole process group, and the database must outlive the drain
  const child = spawnAs(runner, binaries.postgres, args, { detached: process.platform !== 'win32' });
  child.on('error', error => cluster.log(error.message));
  const lastLines: string[] = [];
  createInterface({ input: child.stderr! }).on('line', line => {
    if (lastLines.push(line) > KEPT_LINES) lastLines.shift();
    cluster.log(line);
  });
  // a database alone keeps no process alive; --pdeathsig or the exit listener ends it
  child.unref();
  (child.stderr as Socket).unref();
  return { child, port, lastLines };
}

export function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
}

/** Fast shutdown: open transactions are rolled back, a checkpoint is written. */
export async function stopPostmaster(child: ChildProcess): Promise<void> {
  if (hasExited(child)) return;
  child.ref();
  const exited = new Promise(resolve => child.once('exit', resolve));
  child.kill('SIGINT');
  const late = new AbortController();
  const limit = pause(FAST_SHUTDOWN_MS, 'late', { signal: late.signal }).catch(() => {});
  // an immediate shutdown loses nothing: the next start recovers
  if ((await Promise.race([exited, limit])) === 'late') child.kill('SIGQUIT');
  await exited;
  late.abort();
}

/** The one of the last run if it is free, so that the URL others hold stays true when the server is started again. */
export async function choosePort(dataDir: string): Promise<number> {
  const lastOptions = await readFile(join(dataDir, 'postmaster.opts'), 'utf8').catch(() => '');
  const last = Number(/"port=(\d+)"/.exec(lastOptions)?.[1] ?? 0);
  return listenBriefly(last).catch(() => freePort());
}

export function freePort(): Promise<number> {
  return listenBriefly(0);
}

async function listenBriefly(wanted: number): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(wanted, '127.0.0.1', resolve);
  });
  const { port } = server.address() as { port: number };
  await new Promise(resolve => server.close(resolve));
  return port;
}
