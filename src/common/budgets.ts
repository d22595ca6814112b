import type { Config } from '../config.ts';
import { relaxed } from './limits.ts';
import type { Limit } from './operations.ts';
import type { Cluster } from './redis.ts';

/** What one call did to a budget. */
export interface Spent {
  isRefused: boolean;
  remaining: number;
  /** Until a call is let through again, at least 1 when refused. */
  retryAfterMs: number;
  /** Until the budget is whole again. */
  resetMs: number;
}

export interface Budgets {
  /** Spends one call, at once and without waiting for anybody. */
  spend(limit: Limit, key: string): Spent;
  close(): void;
}

interface Account {
  left: number;
  /** Of a window its beginning, of a bucket the last refill; monotonic, so that a step of the clock refuses nobody. */
  at: number;
  usedAt: number;
  limit: Limit;
  key: string;
  /** Spent here since the other instances were told last. */
  untold: number;
  /** What all instances had spent when they were asked last. */
  total: number;
}

const TELL_EVERY_MS = 250;
const FORGET_EVERY_MS = 30_000;
/** Who spends less of a budget than this share costs Redis nothing; ten connections of a user are all there may be. */
const TOLD_FROM = 0.1;

/**
 * Budgets in the memory of this instance. The other instances hear a little later what was spent here, and the other way
 * round, so that one user has one budget over all of them; while Redis is away each instance counts for itself.
 */
export function createBudgets(config: Config, cluster: Pick<Cluster, 'redis' | 'degraded'>): Budgets {
  const accounts = new Map<string, Map<string, Account>>();
  const dirty = new Set<Account>();
  let isTelling = false;

  const capacity = ({ burst, points }: Limit) => relaxed(config, burst ?? points);

  function accountOf(limit: Limit, key: string, now: number): Account {
    const byKey = accounts.get(limit.name) ?? new Map<string, Account>();
    if (byKey.size === 0) accounts.set(limit.name, byKey);
    let account = byKey.get(key);
    if (!account) {
      account = { left: capacity(limit), at: now, usedAt: now, limit, key, untold: 0, total: 0 };
      byKey.set(key, account);
    }
    return account;
  }

  function refill(account: Account, now: number): void {
    const { limit } = account;
    const full = capacity(limit);
    const elapsedMs = now - account.at;
    if (limit.burst !== undefined) {
      account.left = Math.min(full, account.left + elapsedMs * perMs(limit));
      account.at = now;
    } else if (elapsedMs >= limit.windowSec * 1000) {
      account.left = full;
      account.at = now;
    }
    if (account.left === full) account.untold = 0;
  }

  const perMs = (limit: Limit) => relaxed(config, limit.points) / (limit.windowSec * 1000);

  function spentOf({ limit, left, at }: Account, now: number, isRefused: boolean): Spent {
    const windowLeftMs = at + limit.windowSec * 1000 - now;
    const [retryMs, resetMs] =
      limit.burst === undefined
        ? [windowLeftMs, windowLeftMs]
        : [(1 - left) / perMs(limit), (capacity(limit) - left) / perMs(limit)];
    const retryAfterMs = isRefused ? Math.max(1, Math.ceil(retryMs)) : 0;
    return { isRefused, remaining: Math.max(0, Math.floor(left)), retryAfterMs, resetMs };
  }

  async function tell(): Promise<void> {
    if (isTelling || dirty.size === 0 || !cluster.redis || cluster.degraded().length > 0) return;
    isTelling = true;
    const told = [...dirty];
    dirty.clear();
    try {
      const sent = told.map(account => account.untold);
      for (const account of told) account.untold = 0;
      const totals = await addAll(cluster.redis, told, sent);
      for (const [index, account] of told.entries()) hear(account, totals[index]!, sent[index]!);
    } catch {
      // Redis went away meanwhile: each instance counts for itself.
    } finally {
      isTelling = false;
    }
  }

  /** Takes off what the others have spent since they were heard last; a smaller total is that of a new window. */
  function hear(account: Account, total: number, told: number): void {
    const before = total - told < account.total ? 0 : account.total;
    const byOthers = Math.max(0, total - told - before);
    account.total = total;
    account.left = Math.max(account.left - byOthers, -capacity(account.limit));
  }

  /** Only when its total in Redis has ended too: what was spent here would be taken for what others spent. */
  function forgetUnused(): void {
    const now = performance.now();
    for (const byKey of accounts.values())
      for (const [key, { usedAt, limit }] of byKey) if (now - usedAt > 2_000 * lifeSecOf(limit)) byKey.delete(key);
  }

  const teller = setInterval(() => void tell(), TELL_EVERY_MS).unref();
  const forgetter = setInterval(forgetUnused, FORGET_EVERY_MS).unref();
  return {
    spend(limit, key) {
      const now = performance.now();
      const account = accountOf(limit, key, now);
      refill(account, now);
      account.usedAt = now;
      if (account.left < 1) return spentOf(account, now, true);
      account.left -= 1;
      account.untold += 1;
      if (limit.by !== 'connection' && account.untold >= capacity(limit) * TOLD_FROM) dirty.add(account);
      return spentOf(account, now, false);
    },
    close() {
      clearInterval(teller);
      clearInterval(forgetter);
    },
  };
}

/** After so long an unused budget is whole. */
function lifeSecOf({ windowSec, points, burst = 0 }: Limit): number {
  return windowSec * Math.max(1, Math.ceil(burst / points));
}

/** Adds to each total in one round trip; a total lives as long as the window that its first call began. */
async function addAll(
  redis: NonNullable<Cluster['redis']>,
  accounts: readonly Account[],
  spent: readonly number[],
): Promise<number[]> {
  const pipeline = redis.pipeline();
  for (const [index, { key, limit }] of accounts.entries()) {
    const redisKey = `budget:${limit.name}:${key}`;
    pipeline.incrby(redisKey, spent[index]!).expire(redisKey, lifeSecOf(limit), 'NX');
  }
  const replies = (await pipeline.exec()) ?? [];
  return accounts.map((_, index) => {
    const [error, total] = replies[index * 2]!;
    if (error) throw error;
    return total as number;
  });
}
