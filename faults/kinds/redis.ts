import { ensure, pause } from '../../conformance/stage.ts';
import type { Fault } from '../fault.ts';
import { makeHalfOpen } from '../networks.ts';

/** Nobody's send fails or waits, and readers of other instances hear a little later. */
const reach = { slowerMs: 100, behindMs: 5_000, refusals: [] };

const EVERY_MS = 1_000;

const killed = (name: string, lastsSec?: number): Fault => ({
  name,
  sentence: `Redis is killed${lastsSec ? ` and away for ${lastsSec} s` : ''}: no send fails or slows down, readers elsewhere are at most 5 s behind.`,
  ...(lastsSec !== undefined && { lastsSec }),
  reach,
  async inflict({ site }) {
    await site.redis.kill();
    return site.redis.start;
  },
});

export const redisFaults: Fault[] = [
  killed('redis-killed'),
  killed('redis-away', 100),
  {
    name: 'redis-flapping',
    sentence: 'Redis that comes and goes each second disturbs nobody.',
    reach,
    async inflict({ site, lastsMs }) {
      for (let spent = 0; spent < lastsMs; spent += 2 * EVERY_MS) {
        await site.redis.kill();
        await pause(EVERY_MS);
        await site.redis.start();
        await pause(EVERY_MS);
      }
      return () => {};
    },
  },
  {
    name: 'redis-paused',
    sentence: 'Redis that stands still is as good as away: no send waits for it.',
    reach,
    inflict({ site }) {
      site.redis.pause();
      return site.redis.resume;
    },
  },
  {
    name: 'redis-half-open',
    sentence: 'Connections to Redis over which nothing passes are given up, and no send waits for them.',
    reach,
    inflict({ site }) {
      return makeHalfOpen(site.instances.map(one => one.redis));
    },
  },
  {
    name: 'redis-one-cut-off',
    sentence: 'An instance that alone cannot reach Redis serves its clients, who are at most 5 s behind.',
    reach,
    inflict({ victim }) {
      victim.redis.cut();
      return () => victim.redis.resume();
    },
  },
  {
    name: 'redis-out-of-memory',
    sentence: 'Redis that takes no more writes stops no send.',
    reach,
    async inflict({ site }) {
      await site.redis.command('config', 'set', 'maxmemory', '1');
      const refusal = await site.redis.command('set', 'a', 'b').catch((error: Error) => error.message);
      ensure(/OOM/.test(`${refusal}`), 'Redis still has memory');
      return () => site.redis.command('config', 'set', 'maxmemory', '0');
    },
  },
  {
    name: 'redis-flushed',
    sentence: 'Redis that is emptied again and again loses nothing that is needed.',
    reach,
    async inflict({ site, lastsMs }) {
      for (let spent = 0; spent < lastsMs; spent += EVERY_MS) {
        await site.redis.command('flushall');
        await pause(EVERY_MS);
      }
      return () => {};
    },
  },
];
