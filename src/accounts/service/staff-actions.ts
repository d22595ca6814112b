import { sql } from 'kysely';
import type { Context } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { AppError } from '../../common/errors.ts';
import type { StaffActionOutput } from '../contract/staff-actions.ts';

// Every module has things that only staff does, and policies are closed to others.
export { ensureStaff } from '../policy.ts';

/**
 * Does one thing to each of these objects, in id order, and answers each by itself: what one refusal (an `AppError`) has
 * written is undone, the rest stays. `act` announces last, after all that may refuse, and writes the audit row.
 */
export async function actOnEach(
  { em }: Pick<Context, 'em'>,
  ids: readonly string[],
  act: (id: string) => Promise<void>,
): Promise<StaffActionOutput> {
  const results: StaffActionOutput['results'] = [];
  for (const id of [...new Set(ids)].sort()) {
    await rows(em, sql`savepoint one_of_many`);
    try {
      await act(id);
      results.push({ id, ok: true });
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      await rows(em, sql`rollback to savepoint one_of_many`);
      em.clear();
      results.push({ id, ok: false, code: error.code });
    }
  }
  return { results };
}

/** Throws validation_failed: what takes something from somebody is explained. */
export function ensureReason(reason: string | undefined): string {
  if (reason === undefined) throw new AppError('validation_failed', { fields: [{ path: 'reason', code: 'required' }] });
  return reason;
}

/** The moment until which something is taken from somebody. Throws validation_failed: in the past it would take nothing. */
export function ensureAhead(now: Date, until: string | undefined): Date | null {
  if (until === undefined) return null;
  if (new Date(until) <= now)
    throw new AppError('validation_failed', { fields: [{ path: 'params.until', code: 'too_small' }] });
  return new Date(until);
}
