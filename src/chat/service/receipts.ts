import type { Answer, Call, SharedContext } from '../../common/context.ts';
import { AppError } from '../../common/errors.ts';
import type { Input, Output } from '../../common/operations.ts';
import { events, facts, type operations } from '../contract.ts';
import { presentMe } from './present.ts';
import { type Moved, movePositions } from './receipt-writer.ts';
import { lockThreads } from './revisions.ts';

type Read = Input<typeof operations.readThread>;
type Delivered = Input<typeof operations.markDelivered>;

/**
 * Moves the callers' read positions forward, clamped to what there is; the others hear of it, unless read receipts are
 * off on either side or one blocks the other. Many reads of one thread by one user are one write.
 * Answers every caller: where it stands now and what is unread, or not_found.
 */
export async function readThreads(
  ctx: SharedContext,
  calls: Call<Read>[],
): Promise<Answer<Output<typeof operations.readThread>>[]> {
  const positions = calls.map(({ actor, input }, call) => {
    const { thread_id: threadId, seq } = input;
    return { threadId, seq, userId: actor.userId, call };
  });
  const moved = await move(ctx, 'read', positions);
  return calls.map(({ actor, input }) => {
    const found = moved.get(keyOf(input.thread_id, actor.userId));
    return found ? { read_seq: found.seq, unread: found.last_seq - found.seq } : new AppError('not_found');
  });
}

/**
 * Moves the callers' delivered positions forward; the others hear of it, unless one blocks the other.
 * Answers every caller: nothing, or not_found where one of the threads is not the caller's.
 */
export async function markDelivered(
  ctx: SharedContext,
  calls: Call<Delivered>[],
): Promise<Answer<Output<typeof operations.markDelivered>>[]> {
  const positions = calls.flatMap(({ actor, input }, call) =>
    input.items.map(({ thread_id, seq }) => ({ threadId: thread_id, seq, userId: actor.userId, call })),
  );
  const moved = await move(ctx, 'delivered', positions);
  return calls.map(({ actor, input }) =>
    input.items.every(({ thread_id }) => moved.has(keyOf(thread_id, actor.userId))) ? {} : new AppError('not_found'),
  );
}

const keyOf = (threadId: string, userId: string): string => `${threadId} ${userId}`;

async function move(
  ctx: SharedContext,
  kind: 'read' | 'delivered',
  positions: Parameters<typeof movePositions>[2],
): Promise<ReadonlyMap<string, Moved>> {
  if (positions.length === 0) return new Map();
  await lockThreads(
    ctx,
    positions.map(one => one.threadId),
  );
  const moved = await movePositions(ctx, kind, positions);
  for (const one of moved) announce(ctx, kind, one);
  return new Map(moved.map(one => [keyOf(one.thread_id, one.user_id), one]));
}

function announce(ctx: SharedContext, kind: 'read' | 'delivered', moved: Moved): void {
  const { thread_id, user_id, rev, seq, recipient_ids } = moved;
  const at = ctx.now.toISOString();
  const position = kind === 'read' ? { read_seq: seq } : { delivered_seq: seq };
  if (rev !== null)
    ctx.emit(events.receiptUpdated, { thread_id, rev, at, user_id, ...position }, { to: recipient_ids });
  if (moved.is_private)
    ctx.emit(events.meUpdated, { thread_id, me: presentMe(moved, moved.last_seq), at }, { to: [user_id] });
  // Told even where nothing moved: a note may have been written just after a message of one's own read up to here.
  if (kind === 'read') ctx.emit(facts.threadRead, { threadId: thread_id, userId: user_id, seq });
}
