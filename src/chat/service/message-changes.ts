import { type RawBuilder, sql } from 'kysely';
import type { Context } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { AppError } from '../../common/errors.ts';
import type { EventDeclaration, Input } from '../../common/operations.ts';
import type { Message } from '../contract/shapes.ts';
import { events, type operations } from '../contract.ts';
import { ensureOwn, ensureRecent, ensureWritable, reachMessage } from '../policy.ts';
import { releaseDeleted } from './attachments.ts';
import { loadMessage } from './message-rows.ts';
import { partNumbersOf } from './part-numbers.ts';
import { raiseRev, reachThreadLocked } from './revisions.ts';

const EDIT_WINDOW_MS = 15 * 60_000;
const DELETE_WINDOW_MS = 24 * 3_600_000;
/** Different emoji of one user under one message. */
const MOST_REACTIONS = 20;

type Changed = Promise<{ message: Message }>;

/**
 * Replaces the text of an own message within 15 minutes; the same text again changes nothing.
 * Throws not_found, permission_denied, invalid_state, thread_locked, recipient_unavailable, edit_window_closed, conflict.
 */
export async function editMessage(ctx: Context, input: Input<typeof operations.editMessage>): Changed {
  const thread = await reachThreadLocked(ctx, input.thread_id);
  const message = await reachMessage(ctx, input);
  ensureOwn(ctx, message);
  if (message.type !== 'text') throw new AppError('invalid_state', { state: message.type });
  if (message.text === input.text) return { message };
  await ensureWritable(ctx, thread);
  ensureRecent(ctx, message, EDIT_WINDOW_MS);
  if (input.expected_rev !== undefined && input.expected_rev !== message.rev)
    throw new AppError('conflict', { current: message });
  const numbers = partNumbersOf(input.text);
  return change(ctx, message, events.messageEdited, [
    sql`text = ${input.text}, edited_at = ${ctx.now}`,
    sql`part_numbers = ${numbers.length > 0 ? numbers : null}`,
  ]);
}

/**
 * Leaves a tombstone of an own message, within 24 hours; again it changes nothing. Its images go with the orphans.
 * Throws not_found, permission_denied, edit_window_closed.
 */
export async function deleteMessage(ctx: Context, input: Input<typeof operations.deleteMessage>): Changed {
  await reachThreadLocked(ctx, input.thread_id);
  const message = await reachMessage(ctx, input);
  ensureOwn(ctx, message);
  if (message.type === 'deleted') return { message };
  ensureRecent(ctx, message, DELETE_WINDOW_MS);
  const deleted = await change(ctx, message, events.messageDeleted, [
    sql`type = 'deleted', deleted_at = ${ctx.now}, text = null, attachments = null, reactions = null`,
    sql`part_numbers = null, reply_to_id = null`,
  ]);
  if (message.attachments.length > 0) await releaseDeleted(ctx, [message.id]);
  return deleted;
}

/**
 * Adds or removes the caller's reaction; what is so already changes nothing.
 * Throws not_found, invalid_state, thread_locked, recipient_unavailable.
 */
export async function reactToMessage(ctx: Context, input: Input<typeof operations.reactToMessage>): Changed {
  const thread = await reachThreadLocked(ctx, input.thread_id);
  const message = await reachMessage(ctx, input);
  if (message.type !== 'text') throw new AppError('invalid_state', { state: message.type });
  const reactions = withReaction(message.reactions, ctx.actor.userId, input);
  if (reactions === null) return { message };
  await ensureWritable(ctx, thread);
  return change(ctx, message, events.messageReacted, [
    sql`reactions = ${reactions.length > 0 ? JSON.stringify(reactions) : null}`,
  ]);
}

/** null: nothing changes. */
function withReaction(
  reactions: Message['reactions'],
  userId: string,
  { emoji, op }: { emoji: string; op: 'add' | 'remove' },
): Message['reactions'] | null {
  const users = reactions.find(one => one.emoji === emoji)?.user_ids ?? [];
  if (users.includes(userId) === (op === 'add')) return null;
  if (op === 'remove')
    return reactions
      .map(one => (one.emoji === emoji ? { emoji, user_ids: one.user_ids.filter(id => id !== userId) } : one))
      .filter(one => one.user_ids.length > 0);
  if (reactions.filter(one => one.user_ids.includes(userId)).length >= MOST_REACTIONS)
    throw new AppError('invalid_state', { state: 'too_many_reactions' });
  return users.length > 0
    ? reactions.map(one => (one.emoji === emoji ? { emoji, user_ids: [...users, userId] } : one))
    : [...reactions, { emoji, user_ids: [userId] }];
}

type MessageEvent = typeof events.messageEdited | typeof events.messageDeleted | typeof events.messageReacted;

async function change(
  ctx: Context,
  { id, thread_id }: Message,
  event: MessageEvent,
  to: RawBuilder<unknown>[],
): Changed {
  const { rev, at, userIds } = await raiseRev(ctx, thread_id);
  await rows(ctx.em, sql`update messages set rev = ${rev}, changed_at = ${ctx.now}, ${sql.join(to)} where id = ${id}`);
  const message = (await loadMessage(ctx, id))!;
  ctx.emit(
    event as EventDeclaration<(typeof events.messageEdited)['schema']>,
    { thread_id, rev, at, message },
    { to: userIds },
  );
  return { message };
}
