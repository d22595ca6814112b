import { sql } from 'kysely';
import type { Actor, Context } from '../common/context.ts';
import { rows } from '../common/database.ts';
import { AppError, type ErrorCode } from '../common/errors.ts';

type Scope = Pick<Context<Actor | null>, 'em' | 'now'>;

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** So many failures within a window lock for a time that doubles with every further lock. */
interface Rule {
  refusal: ErrorCode;
  threshold: number;
  windowMs: number;
  firstLockMs: number;
  longestLockMs: number;
  /** What stays counted after a lock: the next lock needs `threshold` − this many failures. */
  kept: number;
}

const codeRule: Rule = {
  refusal: 'otp_locked',
  threshold: 10,
  windowMs: HOUR_MS,
  firstLockMs: 15 * MINUTE_MS,
  longestLockMs: 24 * HOUR_MS,
  kept: 0,
};
const passwordRule: Rule = {
  refusal: 'login_locked',
  threshold: 5,
  windowMs: 24 * HOUR_MS,
  firstLockMs: MINUTE_MS,
  longestLockMs: 15 * MINUTE_MS,
  kept: 4,
};

/**
 * Whose failures are counted together: a phone's over all of its codes, a known device's for itself (so that a stranger
 * locks nobody out), a phone's wrong passwords.
 */
export type Subject = `code:${string}` | `device:${string}` | `password:${string}`;

const ruleOf = (subject: Subject): Rule => (subject.startsWith('password:') ? passwordRule : codeRule);

/** Throws otp_locked or login_locked, with the time that is left. */
export async function ensureUnlocked({ em, now }: Scope, subject: Subject): Promise<void> {
  const [locked] = await rows<{ locked_until: string }>(
    em,
    sql`select locked_until from failure_budgets where subject = ${subject} and locked_until > ${now}`,
  );
  if (locked)
    throw new AppError(ruleOf(subject).refusal, {
      retry_after_ms: new Date(locked.locked_until).getTime() - now.getTime(),
    });
}

/** Counts a failure; the one that is too many locks. Must be committed. */
export async function recordFailure({ em, now }: Scope, subject: Subject): Promise<void> {
  const { threshold, windowMs, firstLockMs, longestLockMs, kept } = ruleOf(subject);
  const windowStart = new Date(now.getTime() - windowMs);
  await rows(
    em,
    sql`insert into failure_budgets as b (subject, started_at, failures) values (${subject}, ${now}, 1)
        on conflict (subject) do update set
          failures = case when b.started_at <= ${windowStart} then 1 else b.failures + 1 end,
          started_at = case when b.started_at <= ${windowStart} then ${now} else b.started_at end,
          lock_level = case when b.started_at <= ${windowStart} and b.locked_until < ${windowStart} then 0 else b.lock_level end`,
  );
  await rows(
    em,
    sql`update failure_budgets set failures = ${kept}, lock_level = lock_level + 1, started_at = ${now},
          locked_until = ${now}::timestamptz + least(${firstLockMs} * power(2, lock_level), ${longestLockMs}) * interval '1 millisecond'
        where subject = ${subject} and failures >= ${threshold}`,
  );
}

export async function forgetFailures({ em }: Pick<Scope, 'em'>, subject: Subject): Promise<void> {
  await rows(em, sql`delete from failure_budgets where subject = ${subject}`);
}
