import type { Config } from '../../config.ts';
import { AppError } from '../errors.ts';
import { relaxed } from '../limits.ts';

/** As many as a browser sends at once to one host. */
const OF_ONE_USER = 6;
const OF_ALL = 20;
const RETRY_AFTER_MS = 1_000;

/**
 * Lets a form of this user or address in, and returns what lets it out again: each holds its file in memory from its first
 * byte to its answer. Throws rate_limited and server_busy.
 */
export type FormGate = (sender: string) => () => void;

export function createFormGate(config: Pick<Config, 'RATE_LIMITS'>): FormGate {
  const open = new Map<string, number>();
  let total = 0;
  return sender => {
    const own = open.get(sender) ?? 0;
    if (own >= relaxed(config, OF_ONE_USER)) throw new AppError('rate_limited', { retry_after_ms: RETRY_AFTER_MS });
    if (total >= OF_ALL) throw new AppError('server_busy', { retry_after_ms: RETRY_AFTER_MS });
    total += 1;
    open.set(sender, own + 1);
    return () => {
      total -= 1;
      const left = open.get(sender)! - 1;
      if (left === 0) open.delete(sender);
      else open.set(sender, left);
    };
  };
}
