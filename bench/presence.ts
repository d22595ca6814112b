/**
 * What presence costs the server: connected users that each watch others, some of whom come and go.
 * `npm run bench -- presence [--users 5000] [--watched 20] [--percent 2] [--seconds 10] [--warm-up 25]`
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { startEmbeddedPostgres } from '../src/common/embedded-postgres.ts';
import { startRedis } from '../tests/support/redis.ts';
import { readUsers, type SeededUser } from './baselines/threads.ts';
import type { Load, Measured } from './presence/load.ts';
import { cpuSeconds } from './support/cpu.ts';
import { runNode, startNode } from './support/processes.ts';
import { percentile, table } from './support/stats.ts';

const root = join(import.meta.dirname, '..');
const SECRET_KEY = 'a secret key of benchmarks, longer than 32 bytes';
const GOALS = { memory: 15, redis: 30 };

type Store = keyof typeof GOALS;

interface Row extends Measured {
  store: Store;
  serverCpu: number;
}

export async function run(options: string[]): Promise<void> {
  const { values } = parseArgs({
    args: options,
    options: {
      users: { type: 'string', default: '5000' },
      watched: { type: 'string', default: '20' },
      percent: { type: 'string', default: '2' },
      seconds: { type: 'string', default: '10' },
      'warm-up': { type: 'string', default: '25' },
      only: { type: 'string' },
    },
  });
  const number = (name: 'users' | 'watched' | 'percent' | 'seconds' | 'warm-up') => Number(values[name]);
  const folder = await mkdtemp(join(tmpdir(), 'parthub-bench-presence-'));
  const postgres = await startEmbeddedPostgres({ dataDir: join(folder, 'pg') });
  try {
    const users = await seed(folder, postgres.url, number('users'), number('watched'));
    const load = {
      users,
      changesPerSecond: (users.length * number('percent')) / 100,
      warmUpMs: number('warm-up') * 1000,
      measureMs: number('seconds') * 1000,
    };
    process.stdout.write(
      `${cpus().length} cores, ${cpus()[0]?.model}; ${users.length} users, each watches ${number('watched')}; ${load.changesPerSecond} changes/s\n`,
    );
    const stores = (['memory', 'redis'] as const).filter(store => !values.only || values.only === store);
    const rows: Row[] = [];
    for (const store of stores) rows.push(...(await measureStore(store, folder, postgres.url, load)));
    process.stdout.write(`${describe(rows)}\n`);
  } finally {
    await postgres.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

const environment = (folder: string, url: string): Record<string, string> => ({
  ...{ DATABASE_URL: url, DATA_DIR: folder, SECRET_KEY, DEBUG: '1', HOST: '127.0.0.1', PORT: '0' },
  ...{ RATE_LIMITS: 'off', ACCESS_TTL: '86400', LOG_LEVEL: 'info' },
});

/** User n shares threads with the next ones, and so with as many before. */
async function seed(folder: string, url: string, count: number, watched: number): Promise<Load['users']> {
  const cli = join(root, 'src/cli.ts');
  const env = environment(folder, url);
  const seedFile = join(folder, 'seed.ndjson');
  await runNode(cli, ['migrate'], env);
  await runNode(cli, ['seed:load', '--users', `${count}`, '--out', seedFile], env);
  const users = [...readUsers(seedFile).values()];
  const at = (n: number) => users[(n + users.length) % users.length]!;
  const offsets = Array.from({ length: Math.ceil(watched / 2) }, (_, index) => index + 1);
  const pairs = users.flatMap((user, n) => offsets.map(offset => [user.user_id, at(n + offset).user_id] as const));
  await insertThreads(url, pairs);
  const around = (n: number) => offsets.flatMap(offset => [at(n + offset), at(n - offset)]).slice(0, watched);
  return users.map(({ user_id, access }: SeededUser, n) => ({
    ...{ user_id, access },
    watched: around(n).map(one => one.user_id),
  }));
}

async function insertThreads(url: string, pairs: readonly (readonly [string, string])[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(
    `insert into threads (id, post_id, buyer_id, seller_id, post, activity_id, created_at, updated_at)
     select gen_random_uuid(), gen_random_uuid(), buyer, seller, '{}', gen_random_uuid(), now(), now()
     from unnest($1::uuid[], $2::uuid[]) as pair (buyer, seller)`,
    [pairs.map(pair => pair[0]), pairs.map(pair => pair[1])],
  );
  await client.query('analyze');
  await client.end();
}

async function measureStore(store: Store, folder: string, url: string, load: Omit<Load, 'url'>): Promise<Row[]> {
  const redis = store === 'redis' ? await startRedis() : null;
  const env = { ...environment(folder, url), ...(redis && { REDIS_URL: redis.url }) };
  const server = await startNode(join(root, 'src/main.ts'), [], env, /listens on (http:[^ ]+)/);
  try {
    const child = spawn(process.execPath, [join(root, 'bench/presence/load.ts')], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    child.stdin.end(JSON.stringify({ ...load, url: server.match }));
    const used = new Map<string, number>();
    let measured: Measured[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      const [word, phase] = line.split(' ') as [string, string];
      if (word === 'begin') used.set(phase, -cpuSeconds(server.pid));
      else if (word === 'end') used.set(phase, used.get(phase)! + cpuSeconds(server.pid));
      else measured = JSON.parse(line);
    }
    if (measured.length === 0) throw new Error('the load ended without a result');
    return measured.map(one => ({ ...one, store, serverCpu: used.get(one.phase)! }));
  } finally {
    await server.stop();
    await redis?.stop();
  }
}

function describe(rows: readonly Row[]): string {
  const header = [
    'leases in',
    'users',
    'of one core',
    'goal',
    'changes/s',
    'pushes/s',
    'states/s',
    'told after p50',
    'p95 ms',
  ];
  const titles = { idle: 'connected', unwatched: 'come and go', watched: 'come and go, watched' };
  const lines = rows.map(row => [
    row.store,
    titles[row.phase],
    `${((row.serverCpu / row.seconds) * 100).toFixed(1)} %`,
    row.phase === 'watched' ? `< ${GOALS[row.store]} %` : '',
    (row.changes / row.seconds).toFixed(0),
    (row.pushes / row.seconds).toFixed(0),
    (row.states / row.seconds).toFixed(0),
    ...[50, 95].map(percent => (row.delayMs.length > 0 ? percentile(row.delayMs, percent).toFixed(0) : '')),
  ]);
  return table([header, ...lines]);
}
