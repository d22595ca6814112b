import { sql } from 'kysely';
import type { Context } from '../common/context.ts';
import { rows } from '../common/database.ts';
import { AppError } from '../common/errors.ts';
import type { Message } from './contract/shapes.ts';
import { isUserClosed } from './service/closed-accounts.ts';
import { loadMessage } from './service/message-rows.ts';

type Asked = Pick<Context, 'em' | 'actor'>;

export interface ReachedThread {
  id: string;
  rev: number;
  lastSeq: number;
  isLocked: boolean;
  isBlocked: boolean;
  /** Whom the actor talks to. */
  peerId: string;
}

/** The thread, through its participant: for everybody else it does not exist (`not_found`). */
export async function reachThread(ctx: Asked, threadId: string): Promise<ReachedThread> {
  const { userId } = ctx.actor;
  const [found] = await rows<ReachedThread>(
    ctx.em,
    sql`select t.id, t.rev, t.last_seq as "lastSeq", t.is_locked as "isLocked", t.is_blocked as "isBlocked",
          case when t.buyer_id = ${userId} then t.seller_id else t.buyer_id end as "peerId"
        from threads t join participants me on me.thread_id = t.id and me.user_id = ${userId} and me.removed_at is null
        where t.id = ${threadId}`,
  );
  if (!found) throw new AppError('not_found');
  return found;
}

/** A message of a thread that the actor has reached; throws not_found. */
export async function reachMessage(
  ctx: Asked,
  { thread_id, message_id }: { thread_id: string; message_id: string },
): Promise<Message> {
  const message = await loadMessage(ctx, message_id);
  if (message?.thread_id !== thread_id) throw new AppError('not_found');
  return message;
}

export function ensureOwn(ctx: Asked, message: Message): void {
  if (message.sender.id !== ctx.actor.userId) throw new AppError('permission_denied');
}

/** Throws edit_window_closed for a message that is older. */
export function ensureRecent({ now }: Pick<Context, 'now'>, message: Message, windowMs: number): void {
  if (now.getTime() - Date.parse(message.created_at) > windowMs) throw new AppError('edit_window_closed');
}

/** Whatever would bring the other something new to read; throws thread_locked, recipient_unavailable. */
export async function ensureWritable(ctx: Asked & Pick<Context, 'now'>, thread: ReachedThread): Promise<void> {
  if (thread.isLocked) throw new AppError('thread_locked');
  if (thread.isBlocked || (await isUserClosed(ctx, thread.peerId))) throw new AppError('recipient_unavailable');
}
