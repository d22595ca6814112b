import type { Redis } from 'ioredis';
import type { Config } from '../../config.ts';
import { newId } from '../ids.ts';
import type { Cluster } from '../redis.ts';

/** What other instances have of a user's connections. */
export interface Elsewhere {
  /** `counts`: the connections here, by user; they are told again whenever Redis may have lost them. */
  start(counts: () => [userId: string, count: number][]): void;
  /** Whether a user who has `count` connections here has no more than `max` over all instances. */
  admit(userId: string, count: number, max: number): Promise<boolean>;
  /** Tells how many of a user's connections are here now. */
  tell(userId: string, count: number): void;
  close(): void;
}

const BEAT_EVERY_MS = 1_000;
/** Who has not been heard for so long is gone: its connections count no more, so its clients may come here at once. */
const ALIVE_MS = 3_000;
/** What a lost instance has told is forgotten after this time; who lives tells it again in half of it. */
const KEEP_MS = 600_000;
const USERS_PER_CALL = 500;
const NODES = 'parthub:nodes';
const keyOf = (userId: string) => `parthub:connections:${userId}`;

// `parthub:nodes` is a sorted set of the instances by the end of their lives, in the time of Redis; a user is a hash of counts
// by instance.
const common = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

/** KEYS: the instances. ARGV: who beats, for how long. Answers whether it was known. */
const beatScript = `${common}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local isKnown = redis.call('ZSCORE', KEYS[1], ARGV[1]) and 1 or 0
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
return isKnown`;

/** KEYS: the instances, the user. ARGV: most, this instance, its count, keep. Forgets what is of instances that are gone. */
const admitScript = `${common}
local total = tonumber(ARGV[3])
local counts = redis.call('HGETALL', KEYS[2])
for i = 1, #counts, 2 do
  if counts[i] ~= ARGV[2] then
    local endsAt = redis.call('ZSCORE', KEYS[1], counts[i])
    if endsAt and tonumber(endsAt) > now then total = total + counts[i + 1] else redis.call('HDEL', KEYS[2], counts[i]) end
  end
end
if total > tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return 1`;

interface Scripts {
  beatOfNode(keys: 1, nodes: string, me: string, aliveMs: number): Promise<number>;
  admitConnection(
    keys: 2,
    nodes: string,
    user: string,
    ...rest: [max: number, me: string, count: number, keepMs: number]
  ): Promise<number>;
}

const nowhere: Elsewhere = { start() {}, admit: async () => true, tell() {}, close() {} };

/**
 * Each instance writes how many connections of a user it has; the sum over those that live is what counts. While Redis is
 * away everybody is admitted. Whatever may not have been told then ends with the name that it was told in: under a new one
 * all is told again, so nobody's connections are counted that ended meanwhile.
 */
export function countElsewhere(
  { RATE_LIMITS }: Pick<Config, 'RATE_LIMITS'>,
  { redis, degraded }: Pick<Cluster, 'redis' | 'degraded'>,
): Elsewhere {
  if (!redis || RATE_LIMITS === 'off') return nowhere;
  redis.defineCommand('beatOfNode', { lua: beatScript });
  redis.defineCommand('admitConnection', { lua: admitScript });
  const scripts = redis as unknown as Scripts;
  const timers: NodeJS.Timeout[] = [];
  let me = newId();
  let isInDoubt = true;
  const doubt = () => {
    isInDoubt = true;
  };

  async function beat(counts: () => [string, number][]): Promise<void> {
    // Unknown: away for too long, or Redis was emptied.
    const isKnown = !isInDoubt && (await scripts.beatOfNode(1, NODES, me, ALIVE_MS));
    if (!isKnown) await beginAnew(counts).catch(doubt);
  }

  async function beginAnew(counts: () => [string, number][]): Promise<void> {
    isInDoubt = false;
    await redis!.zrem(NODES, me);
    me = newId();
    await scripts.beatOfNode(1, NODES, me, ALIVE_MS);
    await tellAll(redis!, me, counts());
  }

  return {
    start(counts) {
      const doNow = (work: () => Promise<void>) => void work().catch(() => {});
      const every = (ms: number, work: () => Promise<void>) => timers.push(setInterval(doNow, ms, work).unref());
      const live = () => beat(counts);
      doNow(live);
      every(BEAT_EVERY_MS, live);
      every(KEEP_MS / 2, () => tellAll(redis, me, counts()).catch(doubt));
    },
    async admit(userId, count, max) {
      try {
        if (degraded().length > 0) throw new Error('Redis is away');
        return (await scripts.admitConnection(2, NODES, keyOf(userId), max, me, count, KEEP_MS)) === 1;
      } catch {
        doubt();
        return true;
      }
    },
    tell(userId, count) {
      const told = count === 0 ? redis.hdel(keyOf(userId), me) : tellAll(redis, me, [[userId, count]]);
      told.catch(doubt);
    },
    close() {
      for (const timer of timers) clearInterval(timer);
      redis.zrem(NODES, me).catch(() => {});
    },
  };
}

/** All at once: what changes meanwhile is told after it. */
async function tellAll(redis: Redis, me: string, counts: [userId: string, count: number][]): Promise<void> {
  const told: ReturnType<ReturnType<Redis['pipeline']>['exec']>[] = [];
  for (let from = 0; from < counts.length; from += USERS_PER_CALL) {
    const pipeline = redis.pipeline();
    for (const [userId, count] of counts.slice(from, from + USERS_PER_CALL))
      pipeline.hset(keyOf(userId), me, count).pexpire(keyOf(userId), KEEP_MS);
    told.push(pipeline.exec());
  }
  for (const [error] of (await Promise.all(told)).flatMap(answers => answers ?? [])) if (error) throw error;
}
