import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../src/common/embedded-postgres.ts';
import { untilInterrupted } from '../../tests/support/interrupt.ts';
import { readThreads, readUsers, type SeededThread, type SeededUser } from '../baselines/threads.ts';
import { runNode, type Started, startNode } from './processes.ts';

export const root = join(import.meta.dirname, '../..');
const LISTENS = /listens on (http:[^ ]+)/;

interface Wish {
  users?: number;
  posts?: number;
  threads?: number;
}

/** A folder, a durable PostgreSQL in it with what `seed:load` makes, and the servers that were started on it. */
export interface World {
  folder: string;
  url: string;
  /** The pid of the PostgreSQL. */
  databasePid: number;
  env: Record<string, string>;
  seedFile: string;
  users: SeededUser[];
  threads: SeededThread[];
  startParthub(more?: Record<string, string>, flags?: string[]): Promise<Started>;
  /** A small server of bench/baselines; it gets the file of `seed:load`. */
  startBaseline(name: string, env?: Record<string, string>, args?: string[]): Promise<Started>;
  /** An empty one on the same PostgreSQL; returns its URL. */
  createDatabase(name: string): Promise<string>;
  query(text: string, values?: unknown[]): Promise<void>;
}

/** Pairs who talk: a buyer who writes, a seller who hears. */
export function talksOf({ users, threads }: World, count: number) {
  const byId = new Map(users.map(user => [user.user_id, user]));
  return threads.slice(0, count).map(({ thread_id, buyer_id, seller_id }) => ({
    ...{ thread_id, sender: byId.get(buyer_id)!, recipient: byId.get(seller_id)! },
  }));
}

/** Without a wish nothing is migrated or made. Nothing of it is left, also when it fails or is interrupted. */
export async function inWorld<T>(wish: Wish | null, work: (world: World) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'parthub-bench-'));
  const starting = startEmbeddedPostgres({ dataDir: join(folder, 'pg') });
  const started: Started[] = [];
  const workInside = async () => {
    const world = await build(folder, (await starting).url, started);
    return work(wish ? await seed(world, wish) : world);
  };
  try {
    return await untilInterrupted(workInside());
  } finally {
    for (const server of started) await server.stop();
    await starting.then(
      postgres => postgres.stop(),
      () => {},
    );
    await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

async function build(folder: string, url: string, started: Started[]): Promise<World> {
  const env = {
    ...{ DATABASE_URL: url, DATA_DIR: folder, SECRET_KEY: 'a secret key of benchmarks, longer than 32 bytes' },
    ...{ DEBUG: '1', HOST: '127.0.0.1', PORT: '0', RATE_LIMITS: 'off', ACCESS_TTL: '86400', LOG_LEVEL: 'info' },
  };
  const start = async (file: string, args: string[], environment: Record<string, string>, flags?: string[]) => {
    const server = await startNode(join(root, file), args, environment, LISTENS, flags);
    started.push(server);
    return server;
  };
  const seedFile = join(folder, 'seed.ndjson');
  const createDatabase = async (name: string) => {
    await query(url, `create database ${name}`);
    return Object.assign(new URL(url), { pathname: name }).href;
  };
  return {
    ...{ folder, url, env, seedFile, users: [], threads: [], createDatabase },
    databasePid: Number((await readFile(join(folder, 'pg/postmaster.pid'), 'utf8')).split('\n')[0]),
    startParthub: (more, flags) => start('src/main.ts', [], { ...env, ...more }, flags),
    startBaseline: (name, own = {}, args = [seedFile]) => start(`bench/baselines/${name}.ts`, args, own),
    query: (text, values) => query(url, text, values),
  };
}

async function seed(world: World, { users = 0, posts = 0, threads = 0 }: Wish): Promise<World> {
  const cli = join(root, 'src/cli.ts');
  const counts = ['--users', `${users}`, '--posts', `${posts}`, '--threads', `${threads}`];
  await runNode(cli, ['migrate'], world.env);
  await runNode(cli, ['seed:load', ...counts, '--out', world.seedFile], world.env);
  const [made, joined] = [readUsers(world.seedFile), readThreads(world.seedFile)];
  return { ...world, users: [...made.values()], threads: [...joined.values()] };
}

async function query(url: string, text: string, values?: unknown[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(text, values);
  await client.end();
}
