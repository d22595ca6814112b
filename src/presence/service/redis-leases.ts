import type { Redis } from 'ioredis';
import { newId } from '../../common/ids.ts';
import type { Cluster } from '../../common/redis.ts';
import { within } from '../../common/time.ts';
import type { Leases, OnChange, Sighting } from './leases.ts';
import type { Times } from './times.ts';

const PREFIX = 'parthub:presence:';
const MARK = 'parthub:presence-mark';
/** Redis that takes longer is as good as away; a wait for an answer, so it is not scaled in tests. */
const ANSWER_MS = 1_000;
const LEASES_PER_CALL = 500;

// A user is a sorted set: a member per connection, by the end of its lease, and `*`, by the end of the user's activity.
// The same word is the name of the channel on which changes of that user are told. Time is that of Redis, so that the
// clocks of nodes may differ.
const common = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function sighting(key)
  local endsAt, activeUntil = 0, 0
  local members = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  for i = 1, #members, 2 do
    local at = tonumber(members[i + 1])
    if members[i] == '*' then activeUntil = at else endsAt = math.max(endsAt, at) end
  end
  return endsAt, activeUntil
end`;

/** ARGV: lease, grace, keep; then for each key a connection and for how long the user counts as active. */
const holdScript = `${common}
local lease, grace, keep = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local function status(key)
  local endsAt, activeUntil = sighting(key)
  if now >= endsAt + grace then return 'offline' end
  return now < activeUntil and 'online' or 'away'
end
for i, key in ipairs(KEYS) do
  local before = status(key)
  local activeFor = tonumber(ARGV[3 + 2 * i])
  redis.call('ZREMRANGEBYSCORE', key, '-inf', '(' .. (now - grace))
  redis.call('ZADD', key, now + lease, ARGV[2 + 2 * i])
  if activeFor > 0 then redis.call('ZADD', key, 'GT', now + activeFor, '*') end
  redis.call('PEXPIRE', key, lease + keep)
  if status(key) ~= before then redis.call('PUBLISH', key, '') end
end`;

/** ARGV: a connection. */
const endScript = `${common}
if redis.call('ZADD', KEYS[1], 'XX', 'LT', 'CH', now, ARGV[1]) == 1 and sighting(KEYS[1]) <= now then
  redis.call('PUBLISH', KEYS[1], '')
end`;

/** Now, then two numbers for each key. */
const lookScript = `${common}
local found = { now }
for i, key in ipairs(KEYS) do found[2 * i], found[2 * i + 1] = sighting(key) end
return found`;

interface Scripts {
  holdLeases(keys: number, ...rest: (string | number)[]): Promise<unknown>;
  endLease(keys: number, ...rest: (string | number)[]): Promise<unknown>;
  lookAtLeases(keys: number, ...rest: string[]): Promise<number[]>;
}

interface Parts {
  cluster: Cluster;
  redis: Redis;
  times: Times;
  onChange: OnChange;
}

/** For any number of nodes on one Redis. */
export function redisLeases({ cluster, redis, times, onChange }: Parts): Leases {
  redis.defineCommand('holdLeases', { lua: holdScript });
  redis.defineCommand('endLease', { lua: endScript });
  redis.defineCommand('lookAtLeases', { lua: lookScript });
  const scripts = redis as unknown as Scripts;
  const topics = cluster.topics(PREFIX, onChange);
  const wholeMs = [times.lease, times.grace, times.keep].map(Math.ceil);
  const keyOf = (userId: string) => PREFIX + userId;

  return {
    async hold(leases) {
      for (let from = 0; from < leases.length; from += LEASES_PER_CALL) {
        const some = leases.slice(from, from + LEASES_PER_CALL);
        const args = some.flatMap(({ connection, activeForMs }) => [connection, Math.ceil(activeForMs)]);
        const keys = some.map(({ userId }) => keyOf(userId));
        await answered(scripts.holdLeases(keys.length, ...keys, ...wholeMs, ...args));
      }
    },
    async end({ userId, connection }) {
      await answered(scripts.endLease(1, keyOf(userId), connection));
    },
    async look(userIds) {
      const [now, ...ends] = await answered(scripts.lookAtLeases(userIds.length, ...userIds.map(keyOf)));
      const sightings = new Map<string, Sighting>();
      for (const [index, userId] of userIds.entries()) {
        const [endsAt, activeUntil] = [ends[2 * index]!, ends[2 * index + 1]!];
        if (endsAt > 0) sightings.set(userId, { endsAt, activeUntil });
      }
      return { now: now!, sightings };
    },
    follow: userIds => answered(topics.follow(userIds)),
    unfollow: topics.unfollow,
    async epoch() {
      if (cluster.degraded().includes('presence')) return null;
      // Whichever node finds none lays the mark: with it the leases were lost.
      const found = Promise.all([redis.setnx(MARK, newId()), redis.get(MARK), cluster.subscribed()]);
      return answered(found).then(
        ([, mark]) => `${mark} ${cluster.interruptions()}`,
        () => null,
      );
    },
  };
}

function answered<T>(call: Promise<T>): Promise<T> {
  // Read what has arrived before giving up: this process may be what was slow.
  const giveUp = () =>
    new Promise<never>((_resolve, reject) => setImmediate(() => reject(new Error('Redis does not answer'))));
  return within(ANSWER_MS, call, giveUp);
}
