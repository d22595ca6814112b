import { type RawBuilder, sql } from 'kysely';
import type { facts as postFacts } from '../../b2b/contract.ts';
import type { Announcement } from '../../common/announcements.ts';
import type { SharedContext } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { AppError } from '../../common/errors.ts';
import { newId } from '../../common/ids.ts';
import type { Fact } from '../../common/operations.ts';
import { events, facts } from '../contract.ts';
import { loadMessage } from './message-rows.ts';
import { lockThreads, type Revision, raiseRev, raiseRevs } from './revisions.ts';
import { loadSharedThreads } from './thread-rows.ts';

/** Words of the system in a conversation; clients say them in the language of their user. */
export type SystemWord = 'thread_locked' | 'thread_unlocked' | 'participant_removed';
type PostChange = typeof postFacts.postChanged extends Fact<infer P> ? P : never;

/** Raises the rev of these threads, which are locked and changed already, and tells their participants. */
async function announceThreads(
  ctx: SharedContext,
  threadIds: readonly string[],
): Promise<ReadonlyMap<string, Revision>> {
  if (threadIds.length === 0) return new Map();
  const raised = await raiseRevs(ctx, threadIds);
  const threads = await loadSharedThreads(ctx, threadIds);
  for (const [id, { rev, at, userIds }] of raised)
    ctx.emit(events.threadUpdated, { thread_id: id, rev, at, thread: threads.get(id)! }, { to: userIds });
  return raised;
}

/** Changes those of the threads that a condition on `threads t` picks, and tells their participants. */
export async function changeThreads(
  ctx: SharedContext,
  threadIds: readonly string[],
  change: RawBuilder<unknown>,
  isChange: RawBuilder<unknown>,
): Promise<string[]> {
  await lockThreads(ctx, threadIds);
  const changed = await rows<{ id: string }>(
    ctx.em,
    sql`update threads t set ${change} where t.id = any(${threadIds}::uuid[]) and ${isChange} returning t.id`,
  );
  const ids = changed.map(one => one.id);
  await announceThreads(ctx, ids);
  return ids;
}

/** Keeps the copies of posts in their threads current; what not everybody may read, or not yet, does not come into them. */
export async function updatePosts(announced: Announcement<PostChange>[], ctx: SharedContext): Promise<void> {
  // Of several changes of one post in a transaction the last one counts.
  const changes = new Map(announced.map(({ payload }) => [payload.post.id, payload]));
  for (const [postId, { post, isShown }] of changes) {
    const threads = await rows<{ id: string }>(ctx.em, sql`select id from threads where post_id = ${postId}`);
    const shown = JSON.stringify(isShown ? post : { status: post.status, thumb_url: null });
    await changeThreads(
      ctx,
      threads.map(one => one.id),
      sql`post = t.post || ${shown}::jsonb`,
      sql`t.post <> t.post || ${shown}::jsonb`,
    );
  }
}

/** Locks or unlocks a thread: in a locked one nobody writes. Says so in it. Throws not_found. */
export async function setThreadLock(ctx: SharedContext, threadId: string, isLocked: boolean): Promise<void> {
  const changed = await changeThreads(ctx, [threadId], sql`is_locked = ${isLocked}`, sql`t.is_locked <> ${isLocked}`);
  if (changed.length > 0) return postSystemMessage(ctx, threadId, isLocked ? 'thread_locked' : 'thread_unlocked');
  const [known] = await rows(ctx.em, sql`select 1 as known from threads where id = ${threadId}`);
  if (!known) throw new AppError('not_found');
}

/**
 * Takes a participant out of a thread: from this commit on they hear nothing of it but this, and it is gone for them.
 * Throws not_found.
 */
export async function removeParticipant(
  ctx: SharedContext,
  { threadId, userId, reason }: { threadId: string; userId: string; reason: string },
): Promise<void> {
  await lockThreads(ctx, [threadId]);
  const removed = await rows(
    ctx.em,
    sql`with removed as (
          update participants set removed_at = ${ctx.now}
          where thread_id = ${threadId} and user_id = ${userId} and removed_at is null returning side)
        update threads set is_buyer_removed = is_buyer_removed or side = 'buyer',
          is_seller_removed = is_seller_removed or side = 'seller'
        from removed where id = ${threadId} returning id`,
  );
  if (removed.length === 0) throw new AppError('not_found');
  const { rev, at, userIds } = (await announceThreads(ctx, [threadId])).get(threadId)!;
  ctx.emit(events.accessRevoked, { thread_id: threadId, rev, at, reason }, { to: [userId] });
  ctx.emit(facts.participantRemoved, { userId, remainingIds: userIds });
  await postSystemMessage(ctx, threadId, 'participant_removed');
}

/** Writes a word of the system into a thread that is locked by this transaction. It notifies nobody. */
async function postSystemMessage(ctx: SharedContext, threadId: string, word: SystemWord): Promise<void> {
  const { rev, at, userIds } = await raiseRev(ctx, threadId);
  const id = newId();
  await rows(
    ctx.em,
    sql`with moved as (
          update threads set last_seq = last_seq + 1, activity_id = ${id} where id = ${threadId} returning last_seq)
        insert into messages (id, thread_id, seq, rev, client_id, content_hash, type, text, created_at)
        select ${id}, ${threadId}, last_seq, ${rev}, ${newId()}, '', 'system', ${word}, ${ctx.now} from moved`,
  );
  const message = (await loadMessage(ctx, id))!;
  ctx.emit(events.messageCreated, { thread_id: threadId, rev, at, message }, { to: userIds });
}

/** Whether others may see from now on what this user reads. */
export async function setReadReceipts(ctx: SharedContext, userId: string, isVisible: boolean): Promise<void> {
  const threads = await rows<{ id: string }>(
    ctx.em,
    sql`select thread_id as id from participants where user_id = ${userId} and hides_receipts = ${isVisible}`,
  );
  const ids = threads.map(one => one.id);
  await lockThreads(ctx, ids);
  await rows(
    ctx.em,
    sql`update participants set hides_receipts = ${!isVisible} where user_id = ${userId} and thread_id = any(${ids}::uuid[])`,
  );
  await announceThreads(ctx, ids);
}
