import { sql } from 'kysely';
import { ensureFeedAccess, reachPostForThread } from '../../b2b/service/threads.ts';
import type { Context } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { AppError } from '../../common/errors.ts';
import { newId } from '../../common/ids.ts';
import type { Output } from '../../common/operations.ts';
import type { Message } from '../contract/shapes.ts';
import type { OpenThread } from '../contract/threads.ts';
import { events, type operations, readReceipts } from '../contract.ts';
import { ensureReachable, lockPair } from './blocks.ts';
import { sendMessages } from './messages.ts';
import { loadSharedThreads, loadThread } from './thread-rows.ts';

type ReachedPost = Awaited<ReturnType<typeof reachPostForThread>>;

/**
 * Opens the caller's one thread about a post, or finds it again, and sends the first message into it, all or nothing.
 * Parallel calls give one thread. Throws b2b_not_enabled, not_found, own_post, post_unavailable, recipient_unavailable,
 * and what a send may.
 */
export async function openThread(ctx: Context, input: OpenThread): Promise<Output<typeof operations.openThread>> {
  await ensureFeedAccess(ctx);
  const { id, created } = await findOrCreate(ctx, input.post_id);
  const message = await sendFirst(ctx, id, input);
  return { thread: await loadThread(ctx, ctx.actor.userId, id), ...(message && { message }), created };
}

/** A thread that there is stays, whatever became of its post. */
async function findOrCreate(ctx: Context, postId: string): Promise<{ id: string; created: boolean }> {
  const known = await findThread(ctx, postId);
  if (known) return { id: known, created: false };
  const post = await reachPostForThread(ctx, postId);
  if (post.authorId === ctx.actor.userId) throw new AppError('own_post');
  if (post.status !== 'published') throw new AppError('post_unavailable');
  await lockPair(ctx, ctx.actor.userId, post.authorId);
  await ensureReachable(ctx, ctx.actor.userId, post.authorId);
  const created = await insertThread(ctx, post);
  if (!created) return { id: (await findThread(ctx, postId))!, created: false };
  await insertParticipants(ctx, created, post.authorId);
  const thread = (await loadSharedThreads(ctx, [created])).get(created)!;
  const at = ctx.now.toISOString();
  ctx.emit(events.threadCreated, { thread_id: created, rev: 1, at, thread }, { to: [ctx.actor.userId, post.authorId] });
  return { id: created, created: true };
}

async function findThread(ctx: Context, postId: string): Promise<string | null> {
  const [found] = await rows<{ id: string; is_removed: boolean }>(
    ctx.em,
    sql`select t.id, me.removed_at is not null as is_removed
        from threads t join participants me on me.thread_id = t.id and me.user_id = t.buyer_id
        where t.post_id = ${postId} and t.buyer_id = ${ctx.actor.userId}`,
  );
  // There is one thread per post and buyer for ever: who was removed from it gets no second one.
  if (found?.is_removed) throw new AppError('recipient_unavailable');
  return found?.id ?? null;
}

/** null: a parallel call was faster. */
async function insertThread(ctx: Context, { snapshot, authorId }: ReachedPost): Promise<string | null> {
  const id = newId();
  const [created] = await rows<{ id: string }>(
    ctx.em,
    sql`insert into threads (id, post_id, buyer_id, seller_id, post, activity_id, created_at, updated_at)
        values (${id}, ${snapshot.id}, ${ctx.actor.userId}, ${authorId}, ${JSON.stringify(snapshot)}, ${id}, ${ctx.now}, ${ctx.now})
        on conflict (post_id, buyer_id) do nothing returning id`,
  );
  return created?.id ?? null;
}

async function insertParticipants(ctx: Context, threadId: string, sellerId: string): Promise<void> {
  const buyerId = ctx.actor.userId;
  const showsReceipts = await ctx.slot(readReceipts, [buyerId, sellerId]);
  await rows(
    ctx.em,
    sql`insert into participants (thread_id, user_id, side, hides_receipts)
        values (${threadId}, ${buyerId}, 'buyer', ${!showsReceipts.get(buyerId)}),
          (${threadId}, ${sellerId}, 'seller', ${!showsReceipts.get(sellerId)})`,
  );
}

async function sendFirst(ctx: Context, thread_id: string, input: OpenThread): Promise<Message | null> {
  const { first_message, text } = input;
  if (!first_message && text === undefined) return null;
  const { client_id = input.client_id ?? newId(), ...content } = first_message ?? {};
  const { actor, now } = ctx;
  const call = { actor, now, input: { thread_id, client_id, text, ...content } };
  const [answer] = await sendMessages(ctx, [call]);
  if (answer instanceof AppError) throw answer;
  return answer!.message;
}
