import { type RawBuilder, sql } from 'kysely';
import type { Context } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import type { Input } from '../../common/operations.ts';
import type { Thread } from '../contract/shapes.ts';
import { events, type operations } from '../contract.ts';
import { reachThreadLocked } from './revisions.ts';
import { loadThread } from './thread-rows.ts';

/** Marks a thread as unread for the caller alone; throws not_found. */
export async function markUnread(ctx: Context, { thread_id }: Input<typeof operations.markUnread>) {
  return changeMe(ctx, thread_id, sql`is_marked_unread = true`, sql`not is_marked_unread`);
}

/** Keeps a thread quiet for the caller until a moment, or no longer; throws not_found. */
export async function muteThread(ctx: Context, { thread_id, until }: Input<typeof operations.muteThread>) {
  const moment = until === null ? null : new Date(until);
  return changeMe(
    ctx,
    thread_id,
    sql`muted_until = ${moment}`,
    sql`muted_until is distinct from ${moment}::timestamptz`,
  );
}

/** Puts a thread away for the caller, or back; throws not_found. */
export async function archiveThread(ctx: Context, { thread_id, archived }: Input<typeof operations.archiveThread>) {
  return changeMe(ctx, thread_id, sql`is_archived = ${archived}`, sql`is_archived <> ${archived}`);
}

/** Only the caller's own devices hear of it, and `me.rev` numbers it. What is so already changes nothing. */
async function changeMe(
  ctx: Context,
  threadId: string,
  change: RawBuilder<unknown>,
  isChange: RawBuilder<unknown>,
): Promise<{ thread: Thread }> {
  const { userId } = ctx.actor;
  await reachThreadLocked(ctx, threadId);
  const changed = await rows(
    ctx.em,
    sql`update participants set ${change}, me_rev = me_rev + 1, me_changed_at = greatest(me_changed_at, ${ctx.now})
        where thread_id = ${threadId} and user_id = ${userId} and ${isChange} returning 1 as changed`,
  );
  const thread = await loadThread(ctx, userId, threadId);
  const push = { thread_id: threadId, me: thread.me, at: ctx.now.toISOString() };
  if (changed.length > 0) ctx.emit(events.meUpdated, push, { to: [userId] });
  return { thread };
}
