import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { startEmbeddedPostgres } from '../src/common/embedded-postgres.ts';
import { eventually } from '../tests/support/eventually.ts';

/** The only store, durable as in production; whatever ends it, it is started again on the same port. */
export interface OwnPostgres {
  url: string;
  /** On a connection of an operator, beside the networks that fail. */
  query(sql: string): Promise<unknown[]>;
  connect(): Promise<Client>;
  /** kill -9 of all its processes. */
  kill(): Promise<void>;
  /** A fast shutdown; open transactions are rolled back. */
  shutDown(): Promise<void>;
  /** SIGSTOP of all its processes. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Resolves once it answers. */
  answers(): Promise<void>;
  close(): Promise<void>;
}

/** Few, so that they can be used up. */
export const MAX_CONNECTIONS = 60;

export async function startPostgres(folder: string): Promise<OwnPostgres> {
  const dataDir = join(folder, 'pg');
  const postgres = await startEmbeddedPostgres({ dataDir, settings: { max_connections: `${MAX_CONNECTIONS}` } });
  const postmaster = async () => Number.parseInt(await readFile(join(dataDir, 'postmaster.pid'), 'utf8'), 10);
  let stopped: number[] = [];

  async function connect(): Promise<Client> {
    const client = new Client({ connectionString: postgres.url, connectionTimeoutMillis: 5_000 });
    client.on('error', () => {});
    await client.connect();
    return client;
  }

  async function query(sql: string): Promise<unknown[]> {
    const client = await connect();
    return client
      .query(sql)
      .then(({ rows }) => rows)
      .finally(() => client.end().catch(() => {}));
  }

  return {
    ...{ url: postgres.url, query, connect },
    kill: async () => signal(await withChildren(await postmaster()), 'SIGKILL'),
    shutDown: async () => signal([await postmaster()], 'SIGINT'),
    async pause() {
      stopped = await withChildren(await postmaster());
      signal(stopped, 'SIGSTOP');
    },
    resume: async () => signal(stopped, 'SIGCONT'),
    answers: async () => void (await eventually(() => query('select 1'), 30_000)),
    close: postgres.stop,
  };
}

/** The parent first: it starts nothing new meanwhile. */
async function withChildren(pid: number): Promise<number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return [pid, ...children.split(' ').filter(Boolean).map(Number)];
}

function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // it has ended meanwhile
    }
  }
}
