import { z } from 'zod';
import type { Context } from '../../common/context.ts';
import type { Input, Output } from '../../common/operations.ts';
import { readCursor, writeCursor } from '../../common/paging.ts';
import type { operations } from '../contract.ts';
import { reachThread } from '../policy.ts';
import { loadRange } from './message-rows.ts';

type Window = Omit<Input<typeof operations.history>, 'thread_id'>;

/** Messages before, after or around a position, else the newest; ascending. Throws not_found. */
export async function readHistory(
  ctx: Context,
  { thread_id, ...window }: Input<typeof operations.history>,
): Promise<Output<typeof operations.history>> {
  const { lastSeq } = await reachThread(ctx, thread_id);
  const [from, to] = rangeOf(window, lastSeq);
  const messages = await loadRange(ctx, thread_id, from, to);
  return { messages, has_more_before: from > 1 && lastSeq > 0, has_more_after: to < lastSeq };
}

/** As `readHistory`, with a cursor that leads to older messages; throws not_found, invalid_cursor. */
export async function listMessages(
  ctx: Context,
  { cursor, ...window }: Input<typeof operations.listMessages>,
): Promise<Output<typeof operations.listMessages>> {
  const { thread_id, limit } = window;
  const scope = ['messages', ctx.actor.userId, { thread_id }] as const;
  const before = readCursor(ctx, scope, cursor, z.int());
  const asked = before === null ? window : { thread_id, limit, before_seq: before };
  const { messages, ...more } = await readHistory(ctx, asked);
  const first = messages[0];
  const next_cursor = more.has_more_before && first ? writeCursor(ctx, scope, first.seq) : null;
  return { results: messages, ...more, next_cursor };
}

/** `seq` has no holes, so every window is a range of it. */
function rangeOf({ before_seq, after_seq, around_seq, limit }: Window, lastSeq: number): [number, number] {
  const within = (to: number): [number, number] => [Math.max(1, to - limit + 1), Math.max(0, to)];
  if (before_seq !== undefined) return within(Math.min(before_seq - 1, lastSeq));
  if (after_seq !== undefined) {
    const from = Math.min(after_seq, lastSeq) + 1;
    return [from, Math.min(from + limit - 1, Math.max(lastSeq, from - 1))];
  }
  if (around_seq === undefined) return within(lastSeq);
  return within(Math.min(lastSeq, Math.max(around_seq + Math.ceil(limit / 2) - 1, limit)));
}
