import { sql } from 'kysely';
import type { SharedContext } from '../../common/context.ts';
import { rows } from '../../common/database.ts';

/** A device that was logged out is told nothing more. */
export async function forgetSessions({ em }: SharedContext, sessionIds: readonly string[]): Promise<void> {
  await rows(em, sql`delete from push_subscriptions where session_id = any(${sessionIds}::uuid[])`);
}

/** Of a deleted account nothing is kept. */
export async function forgetUsers({ em }: SharedContext, userIds: readonly string[]): Promise<void> {
  for (const table of ['notifications', 'notification_preferences', 'push_subscriptions'])
    await rows(em, sql`delete from ${sql.table(table)} where user_id = any(${userIds}::uuid[])`);
}
