import { sql } from 'kysely';
import type { SharedContext } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { daysAfter } from '../../common/time.ts';
import { removeNotes } from './notes.ts';

/** A device that was logged out is told nothing more. */
export async function forgetSessions({ em }: SharedContext, sessionIds: readonly string[]): Promise<void> {
  await rows(em, sql`delete from push_subscriptions where session_id = any(${sessionIds}::uuid[])`);
}

/** Of a deleted account nothing is kept. */
export async function forgetUsers({ em }: SharedContext, userIds: readonly string[]): Promise<void> {
  for (const table of ['notifications', 'notification_preferences', 'push_subscriptions'])
    await rows(em, sql`delete from ${sql.table(table)} where user_id = any(${userIds}::uuid[])`);
}

export const searchGroup = (searchId: string): string => `search:${searchId}`;

/** What a search has found is nothing any more, once it is deleted. */
export async function forgetSearch(
  ctx: SharedContext,
  { userId, searchId }: { userId: string; searchId: string },
): Promise<void> {
  await removeNotes(ctx, sql`n.user_id = ${userId} and n.group_key = ${searchGroup(searchId)}`);
}

/** What one transaction removes; the rest waits for the next run. */
const MOST = 5_000;

/** Forgets what was read long ago; a job's work. Nobody is told: no number changes, and no list shows so much. */
export async function forgetRead({ em, now, config }: SharedContext): Promise<{ forgotten: number }> {
  const before = daysAfter(now, -config.NOTIFICATION_DAYS);
  const forgotten = await rows(
    em,
    sql`delete from notifications where id in (
          select id from notifications where read_at <= ${before} order by read_at limit ${MOST} for update skip locked)
        returning 1`,
  );
  return { forgotten: forgotten.length };
}
