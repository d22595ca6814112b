import { mkdir, readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Client, DatabaseError } from 'pg';
import { findBinaries } from './binaries.ts';
import { type Cluster, initialise, isInitialised, NAME, readPassword, removeAbandonedDrafts } from './cluster.ts';
import { choosePort, findRunning, hasExited, type Started, startPostmaster, stopPostmaster } from './postmaster.ts';
import { findRunner, giveTo } from './runner.ts';

const START_TIMEOUT_MS = 60_000;
const POLL_MS = 10;
const RETRY_MS = 50;
/** Another start was faster, backends of a killed server are still ending, or the port was taken meanwhile. */
const PASSING_TROUBLE = /lock file|shared memory|could not bind/;
/** Why the lock file cannot be written is for somebody to change. */
const LASTING_TROUBLE = /Read-only file system|Permission denied|No space left/;

/** A server that answers; with `child` it is ours. */
export type Attached = { pid: number; port: number; child?: Started['child'] };

/** Uses the server that runs on the folder, or starts one. */
export async function attachOrStart(cluster: Cluster): Promise<Attached> {
  await ensureReadable(cluster.dataDir);
  const deadline = performance.now() + START_TIMEOUT_MS;
  let lastWords = '';
  while (performance.now() < deadline) {
    const running = await findRunning(cluster.dataDir);
    if (running?.isReady && (await answers(cluster, running.port))) return running;
    if (running) {
      await pause(POLL_MS); // starting, or shutting down
      continue;
    }
    const started = await start(cluster);
    if (await becomesReady(cluster, started, deadline)) return { ...started, pid: started.child.pid! };
    lastWords = started.lastLines.join('\n');
    if (!PASSING_TROUBLE.test(lastWords) || LASTING_TROUBLE.test(lastWords)) break;
    await pause(RETRY_MS);
  }
  throw new Error(`The embedded PostgreSQL in ${cluster.dataDir} did not start.\n${lastWords}`.trimEnd());
}

async function ensureReadable(dataDir: string): Promise<void> {
  await readdir(dataDir).catch(error => {
    if (error.code === 'ENOENT') return;
    throw new Error(
      `The data folder ${dataDir} cannot be read (${error.code}). It was probably made by another user: ` +
        'start as that user, or name another DATA_DIR.',
      { cause: error },
    );
  });
}

async function start(cluster: Cluster): Promise<Started> {
  await mkdir(dirname(cluster.dataDir), { recursive: true });
  await removeAbandonedDrafts(cluster.dataDir);
  const binaries = await findBinaries(dirname(cluster.dataDir));
  const runner = await findRunner(binaries, cluster.dataDir);
  if (!(await isInitialised(cluster.dataDir))) await initialise(cluster, binaries, runner);
  await giveTo(runner, cluster.dataDir);
  return startPostmaster(cluster, binaries, runner, await choosePort(cluster.dataDir));
}

async function becomesReady(cluster: Cluster, { child, port }: Started, deadline: number): Promise<boolean> {
  while (!hasExited(child)) {
    const running = await findRunning(cluster.dataDir);
    if (running?.pid === child.pid && running?.isReady && (await answers(cluster, port))) return true;
    if (performance.now() > deadline) await stopPostmaster(child);
    else await pause(POLL_MS);
  }
  return false;
}

/** True when the server answers and our database exists. */
async function answers(cluster: Cluster, port: number): Promise<boolean> {
  try {
    await query(await urlOf(cluster, port), 'select 1');
    return true;
  } catch (error) {
    if (!(error instanceof DatabaseError)) return false;
    if (error.code === '3D000') return createDatabase(await urlOf(cluster, port, 'postgres'));
    if (error.code?.startsWith('57P')) return false; // starting up or shutting down
    throw error;
  }
}

async function createDatabase(adminUrl: string): Promise<true> {
  await query(adminUrl, `create database ${NAME}`).catch(error => {
    if (error.code !== '42P04' && error.code !== '23505') throw error; // a start at the same moment made it
  });
  return true;
}

async function query(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  client.on('error', () => {}); // a server that shuts down meanwhile also rejects the query
  try {
    await client.connect();
    await client.query(sql);
  } finally {
    await client.end();
  }
}

export async function urlOf(cluster: Cluster, port: number, database = NAME): Promise<string> {
  return `postgres://${NAME}:${await readPassword(cluster.dataDir)}@127.0.0.1:${port}/${database}`;
}
