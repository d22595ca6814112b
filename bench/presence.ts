/**
 * What presence costs the server: connected users that each watch others, some of whom come and go.
 * `npm run bench -- presence [--users 5000] [--watched 20] [--percent 2] [--seconds 10] [--warm-up 25]`
 */
import { join } from 'node:path';
import { startRedis } from '../tests/support/redis.ts';
import type { Load, Measured } from './presence/load.ts';
import { totalOf } from './support/cpu.ts';
import { runLoad } from './support/load.ts';
import { readSettings } from './support/options.ts';
import type { Outcome } from './support/outcome.ts';
import { percentile } from './support/stats.ts';
import { inWorld, root, type World } from './support/world.ts';

const goals = { memory: 15, redis: 30 };
type Store = keyof typeof goals;

interface Row extends Measured {
  store: Store;
  /** Of one core, percent. */
  serverCpu: number;
}

export async function run(args: string[]): Promise<Outcome> {
  const presets = { users: 5_000, watched: 20, percent: 2, seconds: 10, 'warm-up': 25 };
  const settings = readSettings(args, presets);
  return inWorld({ users: settings.users }, async world => {
    const users = await makeWatched(world, settings.watched);
    const load = {
      users,
      changesPerSecond: (users.length * settings.percent) / 100,
      warmUpMs: settings['warm-up'] * 1000,
      measureMs: settings.seconds * 1000,
    };
    const rows: Row[] = [];
    for (const store of ['memory', 'redis'] as const) rows.push(...(await measureStore(store, world, load)));
    return { settings, ...describe(rows) };
  });
}

/** User n shares threads with the next ones, and so with as many before. */
async function makeWatched({ users, query }: World, watched: number): Promise<Load['users']> {
  const at = (n: number) => users[(n + users.length) % users.length]!;
  const offsets = Array.from({ length: Math.ceil(watched / 2) }, (_, index) => index + 1);
  const pairs = users.flatMap((user, n) => offsets.map(offset => [user.user_id, at(n + offset).user_id] as const));
  await query(
    `insert into threads (id, post_id, buyer_id, seller_id, post, activity_id, created_at, updated_at)
     select gen_random_uuid(), gen_random_uuid(), buyer, seller, '{}', gen_random_uuid(), now(), now()
     from unnest($1::uuid[], $2::uuid[]) as pair (buyer, seller)`,
    [pairs.map(pair => pair[0]), pairs.map(pair => pair[1])],
  );
  await query('analyze');
  const around = (n: number) => offsets.flatMap(offset => [at(n + offset), at(n - offset)]).slice(0, watched);
  return users.map(({ user_id, access }, n) => ({ user_id, access, watched: around(n).map(one => one.user_id) }));
}

async function measureStore(store: Store, world: World, load: Omit<Load, 'url'>): Promise<Row[]> {
  const redis = store === 'redis' ? await startRedis() : null;
  const server = await world.startParthub(redis ? { REDIS_URL: redis.url } : {});
  try {
    const file = join(root, 'bench/presence/load.ts');
    const { result, cpu } = await runLoad<Measured[]>(file, [], { ...load, url: server.match }, { server: server.pid });
    return result.map(one => {
      const used = totalOf(cpu.get(one.phase)!['server']!);
      return { ...one, store, serverCpu: (used / one.seconds) * 100 };
    });
  } finally {
    await server.stop();
    await redis?.stop();
  }
}

const titles = { idle: 'connected', unwatched: 'come and go', watched: 'come and go, watched' };

function describe(rows: readonly Row[]): Pick<Outcome, 'measured' | 'goals'> {
  const told = ({ delayMs }: Row, percent: number) => (delayMs.length > 0 ? percentile(delayMs, percent) : null);
  const lines = rows.map(row => ({
    name: `in ${row.store}: ${titles[row.phase]}`,
    cells: [
      row.serverCpu,
      ...[row.changes, row.pushes, row.states].map(count => count / row.seconds),
      ...[told(row, 50), told(row, 95)],
    ],
  }));
  const columns = ['% of one core', 'changes/s', 'pushes/s', 'states/s', 'told after p50 ms', 'p95'];
  const watched = rows.filter(({ phase }) => phase === 'watched');
  return {
    measured: [{ title: 'leases and users', columns, rows: lines }],
    goals: watched.map(({ store, serverCpu }) => ({
      what: `leases in ${store}, ${titles.watched}: server`,
      ...{ unit: '% of one core', atMost: goals[store], measured: serverCpu },
    })),
  };
}
