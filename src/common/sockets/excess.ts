import type { LimitState } from '../limits.ts';

const MAX_DEBT_MS = 5_000;

/** What a connection asks of the limits that have refused it. */
export interface Excess {
  /** Counts a call that this limit counts, whatever becomes of it. */
  ask(name: string, now: number): void;
  /** This limit has refused a call; true once more than three times of it has been asked for all that time. */
  refuse(limit: Pick<LimitState, 'name' | 'points' | 'windowSec'>, now: number, patienceMs: number): boolean;
}

interface Debt {
  perCallMs: number;
  leftMs: number;
  at: number;
  since: number;
}

/**
 * Each call is a debt of the time in which three times its limit would allow it: whoever stays in debt asks for more than
 * that all the time. Calls that are let through count too: a window lets all of its first part through, and refuses all
 * of its second one. Those of a limit that has refused nothing cost nothing.
 */
export function createExcess(): Excess {
  const debts = new Map<string, Debt>();
  return {
    ask(name, now) {
      const debt = debts.get(name);
      if (!debt) return;
      const leftMs = Math.max(0, debt.leftMs - (now - debt.at));
      if (leftMs === 0) debt.since = now;
      debt.leftMs = Math.min(MAX_DEBT_MS, leftMs + debt.perCallMs);
      debt.at = now;
    },
    refuse({ name, points, windowSec }, now, patienceMs) {
      const debt = debts.get(name);
      if (debt) return debt.at - debt.since >= patienceMs;
      const perCallMs = (windowSec * 1000) / (3 * points);
      debts.set(name, { perCallMs, leftMs: Math.min(MAX_DEBT_MS, perCallMs), at: now, since: now });
      return false;
    },
  };
}
