import type { Redis } from 'ioredis';
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { Config } from '../config.ts';
import { AppError } from './errors.ts';
import type { RawCall } from './execute.ts';
import type { Limit, Operation } from './operations.ts';

/** A limit under RATE_LIMITS: as it is, times 100, or none. */
export function relaxed({ RATE_LIMITS }: Pick<Config, 'RATE_LIMITS'>, limit: number): number {
  return RATE_LIMITS === 'on' ? limit : RATE_LIMITS === 'relaxed' ? limit * 100 : Number.POSITIVE_INFINITY;
}

/** Spends one call of each budget the operation names, per user or IP address. Throws rate_limited. */
export type SpendLimit = (operation: Operation, call: RawCall) => void | Promise<void>;

/**
 * Over all instances in Redis; without it, or while it is away, each instance counts for itself. Budgets of one name are
 * shared by both doors of an operation.
 */
export function createLimits(config: Config, redis: Redis | undefined): SpendLimit {
  const limiters = new Map<string, RateLimiterAbstract>();

  function limiterOf({ name, points, windowSec }: Limit): RateLimiterAbstract {
    const known = limiters.get(name);
    if (known) return known;
    const options = { keyPrefix: `limit:${name}`, points: relaxed(config, points), duration: windowSec };
    const memory = new RateLimiterMemory(options);
    const made = redis ? new RateLimiterRedis({ ...options, storeClient: redis, insuranceLimiter: memory }) : memory;
    limiters.set(name, made);
    return made;
  }

  async function spend(limits: readonly Limit[], { actor, ip }: RawCall): Promise<void> {
    for (const limit of limits) {
      const key = limit.by === 'ip' ? ip : actor?.userId;
      if (key === undefined) continue;
      try {
        await limiterOf(limit).consume(key);
      } catch (refused) {
        if (!(refused instanceof RateLimiterRes)) throw refused;
        throw new AppError('rate_limited', { retry_after_ms: Math.max(1, refused.msBeforeNext) });
      }
    }
  }

  if (config.RATE_LIMITS === 'off') return () => {};
  return (operation, call) => (operation.limits ? spend(operation.limits, call) : undefined);
}
