import type { ChildProcess } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Client, DatabaseError } from 'pg';
import { findBinaries } from './embedded-postgres/binaries.ts';
import { type Cluster, initialise, isInitialised, NAME, readPassword } from './embedded-postgres/cluster.ts';
import {
  findRunning,
  freePort,
  hasExited,
  type Started,
  startPostmaster,
  stopPostmaster,
} from './embedded-postgres/postmaster.ts';
import { findRunner, giveTo } from './embedded-postgres/runner.ts';

const START_TIMEOUT_MS = 60_000;
const POLL_MS = 10;
const MAX_FAILED_STARTS = 5;

export type EmbeddedPostgresOptions = {
  /** The folder of the cluster; made when missing. Files beside it with its name and a suffix are the launcher's too. */
  dataDir: string;
  /** Server settings (postgresql.conf names), on top of the launcher's own. They do not change a server that already runs. */
  settings?: Record<string, string>;
  /** Gets what the server writes to its log, line by line. */
  log?: (line: string) => void;
};

export type EmbeddedPostgres = {
  /** postgres:// of the database `parthub`, with the password. */
  url: string;
  /** False when a server that already ran on the folder is used. */
  owned: boolean;
  /** Ends the server if this process owns it, and waits until it has ended. */
  stop(): Promise<void>;
};

/**
 * Starts the real PostgreSQL of the npm package on a folder, or uses the server that already runs there.
 * It ends when this process ends, however that happens. Only the main thread may call this.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { dataDir, settings = {}, log = () => {} } = options;
  const cluster = { dataDir: resolve(dataDir), settings, log };
  const { port, child } = await attachOrStart(cluster);
  const url = await urlOf(cluster, port);
  if (!child) return { url, owned: false, stop: async () => {} };
  const endWithProcess = () => child.kill('SIGINT');
  process.once('exit', endWithProcess);
  return {
    url,
    owned: true,
    async stop() {
      process.off('exit', endWithProcess);
      await stopPostmaster(child);
    },
  };
}

type Attached = { port: number; child?: ChildProcess };

async function attachOrStart(cluster: Cluster): Promise<Attached> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  const failures: string[] = [];
  while (Date.now() < deadline && failures.length < MAX_FAILED_STARTS) {
    const running = await findRunning(cluster.dataDir);
    if (running?.isReady && (await answers(cluster, running.port))) return { port: running.port };
    if (running) {
      await pause(POLL_MS); // starting, or shutting down
      continue;
    }
    const started = await start(cluster);
    if (await becomesReady(cluster, started, deadline)) return started;
    // it lost against another start, its port was taken meanwhile, or backends of a killed server are still ending
    failures.push(started.lastLines.join('\n'));
    await pause(POLL_MS * failures.length);
  }
  throw new Error(
    `The embedded PostgreSQL in ${cluster.dataDir} did not start. ${failures.at(-1) ?? 'It never answered.'}`,
  );
}

async function start(cluster: Cluster): Promise<Started> {
  await mkdir(dirname(cluster.dataDir), { recursive: true });
  const binaries = await findBinaries(dirname(cluster.dataDir));
  const runner = await findRunner(binaries, cluster.dataDir);
  if (!(await isInitialised(cluster.dataDir))) await initialise(cluster, binaries, runner);
  await giveTo(runner, cluster.dataDir);
  return startPostmaster(cluster, binaries, runner, await freePort());
}

async function becomesReady(cluster: Cluster, { child, port }: Started, deadline: number): Promise<boolean> {
  while (!hasExited(child)) {
    const running = await findRunning(cluster.dataDir);
    if (running?.pid === child.pid && running?.isReady && (await answers(cluster, port))) return true;
    if (Date.now() > deadline) await stopPostmaster(child);
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
    if (error.code === '57P03') return false; // starting up or shutting down
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

async function urlOf(cluster: Cluster, port: number, database = NAME): Promise<string> {
  return `postgres://${NAME}:${await readPassword(cluster.dataDir)}@127.0.0.1:${port}/${database}`;
}
