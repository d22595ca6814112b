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

/** What is left of a budget after this call; REST tells it in `RateLimit` headers. */
export interface LimitState {
  name: string;
  points: number;
  windowSec: number;
  remaining: number;
  resetSec: number;
}

/** Spends one call of each budget the operation names, per user or IP address. Throws rate_limited. */
export type SpendLimit = (operation: Operation, call: RawCall) => void | Promise<void>;

/** What every REST call spends beside the operation's own limits. */
const restOfUser: Limit = { name: 'rest', by: 'user', points: 600, windowSec: 60 };
const restOfAddress: Limit = { name: 'rest-ip', by: 'ip', points: 300, windowSec: 60 };

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

  async function spendOne(limit: Limit, { actor, ip, raw, reportLimit }: RawCall): Promise<void> {
    const key = limit.by === 'ip' ? ip : (actor?.userId ?? (limit.by === 'caller' ? ip : undefined));
    if (key === undefined || (limit.field !== undefined && !Object.hasOwn((raw as object) ?? {}, limit.field))) return;
    const tell = ({ remainingPoints, msBeforeNext }: RateLimiterRes) => {
      const points = relaxed(config, limit.points);
      reportLimit?.({
        name: limit.name,
        points,
        windowSec: limit.windowSec,
        remaining: remainingPoints,
        resetSec: Math.ceil(msBeforeNext / 1000),
      });
    };
    try {
      tell(await limiterOf(limit).consume(key));
    } catch (refused) {
      if (!(refused instanceof RateLimiterRes)) throw refused;
      tell(refused);
      throw new AppError('rate_limited', { retry_after_ms: Math.max(1, refused.msBeforeNext) });
    }
  }

  if (config.RATE_LIMITS === 'off') return () => {};
  return async (operation, call) => {
    const isRest = call.connection === undefined;
    const general = isRest ? [call.actor ? restOfUser : restOfAddress] : [];
    for (const limit of [...general, ...(operation.limits ?? [])]) await spendOne(limit, call);
  };
}
