import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { Config } from '../config.ts';
import type { Budgets } from './budgets.ts';
import { AppError } from './errors.ts';
import type { RawCall } from './execute.ts';
import { senderOf } from './networks.ts';
import type { Limit, Operation } from './operations.ts';
import type { Cluster } from './redis.ts';

/** A limit under RATE_LIMITS: as it is, times 100, or none. */
export function relaxed({ RATE_LIMITS }: Pick<Config, 'RATE_LIMITS'>, limit: number): number {
  return RATE_LIMITS === 'on' ? limit : RATE_LIMITS === 'relaxed' ? limit * 100 : Number.POSITIVE_INFINITY;
}

/** What a call left of a budget; REST tells it in `RateLimit` headers. */
export interface LimitState {
  name: string;
  points: number;
  windowSec: number;
  remaining: number;
  resetSec: number;
  isRefused?: boolean;
}

type Caller = Pick<RawCall, 'actor' | 'ip' | 'raw' | 'reportLimit'>;

/** Both throw rate_limited. */
export interface Limits {
  /** Spends one call of each budget the operation names, per user or IP address. */
  spend(operation: Operation, call: Caller): void | Promise<void>;
  /** Spends one REST request, whatever it asks for and whatever it is answered. */
  spendRequest(call: Omit<Caller, 'raw'>): void;
}

const restOfUser: Limit = { name: 'rest', by: 'user', points: 600, windowSec: 60, isHot: true };
const restOfAddress: Limit = { name: 'rest-ip', by: 'ip', points: 300, windowSec: 60, isHot: true };

/**
 * Budgets of one name are shared by both doors of an operation and by all instances: the hot ones without waiting
 * (`budgets`), the others exactly, in Redis. Without Redis, or while it is away, each instance counts for itself.
 */
export function createLimits(config: Config, cluster: Pick<Cluster, 'redis' | 'degraded'>, budgets: Budgets): Limits {
  const spendShared = createSharedLimits(config, cluster);

  function spendHere(limit: Limit, key: string, { reportLimit }: Pick<Caller, 'reportLimit'>): void {
    const { remaining, resetMs, retryAfterMs, isRefused } = budgets.spend(limit, key);
    reportLimit?.({
      ...{ name: limit.name, windowSec: limit.windowSec, points: relaxed(config, limit.points) },
      ...{ remaining, resetSec: Math.ceil(resetMs / 1000), isRefused },
    });
    if (isRefused) throw new AppError('rate_limited', { retry_after_ms: retryAfterMs });
  }

  async function spendExactly(limits: readonly Limit[], call: Caller): Promise<void> {
    for (const limit of limits) {
      const key = keyOf(limit, call);
      if (key !== undefined && !(await spendShared(limit, key, call))) spendHere(limit, key, call);
    }
  }

  if (config.RATE_LIMITS === 'off') return { spend() {}, spendRequest() {} };
  return {
    spend({ limits }, call) {
      if (!limits) return;
      const isAlone = !cluster.redis || cluster.degraded().length > 0;
      for (const limit of limits) {
        if (!limit.isHot && !isAlone) continue;
        const key = keyOf(limit, call);
        if (key !== undefined) spendHere(limit, key, call);
      }
      const exact = isAlone ? [] : limits.filter(limit => !limit.isHot);
      if (exact.length > 0) return spendExactly(exact, call);
    },
    spendRequest(call) {
      if (call.actor) spendHere(restOfUser, call.actor.userId, call);
      else spendHere(restOfAddress, senderOf(call.ip), call);
    },
  };
}

/** Whose budget it is; undefined where this call spends nothing of it. */
function keyOf({ by, field }: Limit, { actor, ip, raw }: Caller): string | undefined {
  if (field !== undefined && !Object.hasOwn((raw as object) ?? {}, field)) return undefined;
  return by === 'ip' ? senderOf(ip) : (actor?.userId ?? (by === 'caller' ? senderOf(ip) : undefined));
}

/** Spends in Redis; false when it did not answer. */
function createSharedLimits(
  config: Config,
  { redis }: Pick<Cluster, 'redis'>,
): (limit: Limit, key: string, call: Caller) => Promise<boolean> {
  const limiters = new Map<string, RateLimiterRedis>();

  function limiterOf({ name, points, windowSec }: Limit): RateLimiterRedis {
    const known = limiters.get(name);
    if (known) return known;
    const options = { keyPrefix: `limit:${name}`, points: relaxed(config, points), duration: windowSec };
    const made = new RateLimiterRedis({ ...options, storeClient: redis });
    limiters.set(name, made);
    return made;
  }

  return async (limit, key, { reportLimit }) => {
    const tell = ({ remainingPoints: remaining, msBeforeNext }: RateLimiterRes, isRefused: boolean) => {
      const points = relaxed(config, limit.points);
      const resetSec = Math.ceil(msBeforeNext / 1000);
      reportLimit?.({ name: limit.name, points, windowSec: limit.windowSec, remaining, resetSec, isRefused });
    };
    try {
      tell(await limiterOf(limit).consume(key), false);
      return true;
    } catch (refused) {
      if (!(refused instanceof RateLimiterRes)) return false;
      tell(refused, true);
      throw new AppError('rate_limited', { retry_after_ms: Math.max(1, refused.msBeforeNext) });
    }
  };
}
