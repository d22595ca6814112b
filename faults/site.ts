import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Room, readRooms } from '../load/rooms.ts';
import { runCli, seedWorld } from '../load/server.ts';
import { type Closers, openAll } from '../tests/support/closing.ts';
import { startProxy, type TestProxy } from '../tests/support/proxy.ts';
import { createClock } from './clock.ts';
import type { Need } from './fault.ts';
import { type Fleet, watchFleet } from './fleet.ts';
import { type Instance, startInstance } from './instance.ts';
import { type OwnPostgres, startPostgres } from './postgres.ts';
import { type OwnRedis, startOwnRedis } from './redis.ts';

/** Three instances, PostgreSQL, Redis, and the networks between them: a deployment of its own. */
export interface Site {
  instances: readonly Instance[];
  fleet: Fleet;
  /** Where REST is asked: any instance that is ready. */
  front: TestProxy;
  postgres: OwnPostgres;
  redis: OwnRedis;
  /** Where the database lies. */
  folder: string;
  takeRoom(): Room;
  /** What instances have logged as wrong beyond any doubt. */
  complaints(): string[];
  close(): Promise<void>;
}

export interface SiteOptions {
  rooms: number;
  needs: ReadonlySet<Need>;
  drainSec: number;
}

const INSTANCES = ['a', 'b', 'c'];
const SMALL_DISK = '320m';
/** Never expected, whatever fails. */
const COMPLAINT = /unhandled rejection|uncaught|heap out of memory/i;

export async function startSite(options: SiteOptions): Promise<Site> {
  return openAll(async closers => {
    const folder = await mkdtemp(join(tmpdir(), 'parthub-faults-'));
    closers.push(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));
    await chmod(folder, 0o711); // PostgreSQL of root runs as another user
    return build(folder, options, closers);
  });
}

async function build(
  folder: string,
  { rooms, needs, drainSec }: SiteOptions,
  closers: Closers,
): Promise<Omit<Site, 'close'>> {
  const disk = needs.has('small-disk') ? await mountSmallDisk(folder, closers) : folder;
  const postgres = await startPostgres(disk);
  closers.push(postgres.close);
  const redis = await startOwnRedis();
  closers.push(redis.close);
  const env = {
    ...{ DATA_DIR: folder, NODE_ENV: 'test', DEBUG: '1', RATE_LIMITS: 'relaxed', DB_POOL: '5' },
    ...{ SECRET_KEY: 'a secret key of faults, longer than 32 bytes', DRAIN_SECONDS: `${drainSec}` },
  };
  await runCli(['migrate'], { ...env, DATABASE_URL: postgres.url });
  const tokens = join(folder, 'world.ndjson');
  await seedWorld(rooms, tokens, { ...env, DATABASE_URL: postgres.url });
  const complaints: string[] = [];
  const onLine = (line: string) => void (COMPLAINT.test(line) && complaints.push(line));
  const started = INSTANCES.map(async name => {
    const clock = needs.has('clocks') ? await createClock(folder, name) : null;
    return startInstance({ env, databaseUrl: postgres.url, redisUrl: redis.url, clock, onLine });
  });
  const instances = await Promise.all(started);
  closers.push(() => Promise.all(instances.map(one => one.close())));
  const fleet = watchFleet(instances);
  closers.push(fleet.close);
  const front = await startProxy(() => fleet.next()?.url ?? null);
  closers.push(front.close);
  const free = readRooms(tokens, rooms);
  return {
    ...{ instances, fleet, front, postgres, redis, folder: disk },
    takeRoom: () => free.shift()!,
    complaints: () => complaints,
  };
}

/** Only root may, and only on Linux. */
async function mountSmallDisk(folder: string, closers: Closers): Promise<string> {
  const disk = join(folder, 'disk');
  await mkdir(disk);
  const run = promisify(execFile);
  await run('mount', ['-t', 'tmpfs', '-o', `size=${SMALL_DISK},mode=711`, 'tmpfs', disk]);
  closers.push(() => run('umount', [disk]));
  return disk;
}
