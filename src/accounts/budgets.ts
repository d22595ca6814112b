import { sql } from 'kysely';
import type { Actor, Context } from '../common/context.ts';
import { rows } from '../common/database.ts';
import { AppError, type ErrorCode } from '../common/errors.ts';
import { HOUR_MS } from '../common/time.ts';

type Scope = Pick<Context<Actor | null>, 'em' | 'now'>;

const MINUTE_MS = 60_000;

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

/** What is guessed: a code, a code of the staff's login (whose password was right already), a password. */
export type Guessed = 'code' | 'staff-code' | 'password';
/** Whose failures are counted together: a phone's, or a known device's for itself, so that a stranger locks nobody out. */
export type Subject = `${Guessed}:${string}` | `${Guessed}-device:${string}`;

export function subjectOf(guessed: Guessed, phone: string, deviceId: string | null): Subject {
  return deviceId ? `${guessed}-device:${deviceId}` : `${guessed}:${phone}`;
}

const ruleOf = (subject: Subject): Rule => (subject.startsWith('password') ? passwordRule : codeRule);

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

/**
 * Counts a failure; the one that is too many locks. Must be committed. Failures of one subject wait for each other, and
 * throw otp_locked or login_locked once there were too many: of parallel guesses no more are answered than of single ones.
 */
export async function recordFailure(scope: Scope, subject: Subject): Promise<void> {
  const { em, now } = scope;
  const { threshold, windowMs, firstLockMs, longestLockMs, kept } = ruleOf(subject);
  const windowStart = new Date(now.getTime() - windowMs);
  const counted = await rows(
    em,
    sql`insert into failure_budgets as b (subject, started_at, failures) values (${subject}, ${now}, 1)
        on conflict (subject) do update set
          failures = case when b.started_at <= ${windowStart} then 1 else b.failures + 1 end,
          started_at = case when b.started_at <= ${windowStart} then ${now} else b.started_at end,
          lock_level = case when b.started_at <= ${windowStart} and b.locked_until < ${windowStart} then 0 else b.lock_level end
        where b.locked_until is null or b.locked_until <= ${now} returning subject`,
  );
  if (counted.length === 0) await ensureUnlocked(scope, subject);
  await rows(
    em,
    sql`update failure_budgets set failures = ${kept}, lock_level = lock_level + 1, started_at = ${now},
          locked_until = ${now}::timestamptz + least(${firstLockMs} * power(2, lock_level), ${longestLockMs}) * interval '1 millisecond'
        where subject = ${subject} and failures >= ${threshold}`,
  );
}

/** A right answer ends the count. Of parallel guesses it waits for the wrong ones; throws like `ensureUnlocked`. */
export async function recordSuccess(scope: Scope, subject: Subject): Promise<void> {
  const { em, now } = scope;
  await rows(
    em,
    sql`delete from failure_budgets where subject = ${subject} and (locked_until is null or locked_until <= ${now})`,
  );
  await ensureUnlocked(scope, subject);
}

export async function forgetFailures({ em }: Pick<Scope, 'em'>, subjects: readonly Subject[]): Promise<void> {
  await rows(em, sql`delete from failure_budgets where subject = any(${subjects}::text[])`);
}
