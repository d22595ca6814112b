import { type RawBuilder, sql } from 'kysely';
import { z } from 'zod';
import { readThreads } from '../../chat/service/receipts.ts';
import { lockThreads } from '../../chat/service/revisions.ts';
import type { Context, SharedContext } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import type { Input, Output } from '../../common/operations.ts';
import { type CursorScope, cutPage, readCursor, writeCursor } from '../../common/paging.ts';
import { facts, type NotificationType, type operations } from '../contract.ts';
import { changeNotes } from './notes.ts';
import { countBadges, type NotificationRow, presentNotifications } from './present.ts';

type Changed = Output<typeof operations.readNotifications>;

/** More than any thread has: chat takes the last there is. */
const WHOLE_THREAD = 2_147_483_647;

const Position = z.tuple([z.string(), z.uuid()]);

/** The caller's notifications, latest first. The first page counts as seen, of the types that were asked for. Throws invalid_cursor. */
export async function listNotifications(
  ctx: Context,
  input: Input<typeof operations.listNotifications>,
): Promise<Output<typeof operations.listNotifications>> {
  const { userId } = ctx.actor;
  const { limit, cursor, ...filters } = input;
  const scope: CursorScope = ['notifications', userId, filters];
  const after = readCursor(ctx, scope, cursor, Position);
  // First: what comes meanwhile may be shown, and is still told.
  if (!after) await markSeen(ctx, filters.types);
  const found = await rows<NotificationRow & { position: string }>(
    ctx.em,
    sql`select *, updated_at::text as position from notifications where user_id = ${userId}
        ${filters.unread_only ? sql`and read_at is null` : sql``}
        ${filters.types ? sql`and type = any(${filters.types}::text[])` : sql``}
        ${after ? sql`and (updated_at, id) < (${after[0]}::timestamptz, ${after[1]}::uuid)` : sql``}
        order by updated_at desc, id desc limit ${limit + 1}`,
  );
  const { page, last } = cutPage(found, limit);
  return {
    results: await presentNotifications(ctx, page),
    next_cursor: last && writeCursor(ctx, scope, [last.position, last.id]),
    badge: (await countBadges(ctx, [userId])).get(userId)!,
  };
}

/** What was not asked for was not looked at: it still counts, and is still told by web push. */
async function markSeen(ctx: Context, types: readonly NotificationType[] | undefined): Promise<void> {
  const { userId } = ctx.actor;
  const seen = await rows(
    ctx.em,
    sql`update notifications set seen_at = ${ctx.now} where user_id = ${userId} and read_at is null and seen_at is null
        ${types ? sql`and type = any(${types}::text[])` : sql``} returning id`,
  );
  if (seen.length > 0) ctx.emit(facts.badgesChanged, [userId]);
}

/** Marks the caller's notifications as read, and the threads of messages with them; those of others are not counted. */
export async function readNotifications(
  ctx: Context,
  input: Input<typeof operations.readNotifications>,
): Promise<Changed> {
  return readOwn(ctx, 'ids' in input ? sql`id = any(${input.ids}::uuid[])` : sql`group_key = ${input.group_key}`);
}

/** Marks all as read that were there at a moment; what arrives meanwhile stays unread. */
export async function readAllNotifications(
  ctx: Context,
  { before }: Input<typeof operations.readAllNotifications>,
): Promise<Changed> {
  return readOwn(ctx, sql`updated_at <= ${before === undefined ? ctx.now : new Date(before)}`);
}

/**
 * The threads are locked first, as every message does: until the commit no message comes into them that its note would
 * not count. A note that has come since is left unread.
 */
async function readOwn(ctx: Context, chosen: RawBuilder<unknown>): Promise<Changed> {
  const own = sql`user_id = ${ctx.actor.userId} and read_at is null and ${chosen}`;
  const talks = await rows<{ thread_id: string }>(
    ctx.em,
    sql`select data->>'thread_id' as thread_id from notifications where ${own} and type = 'chat_message'`,
  );
  const threadIds = talks.map(one => one.thread_id);
  if (threadIds.length > 0) await lockThreads(ctx, threadIds);
  const read = await markRead(
    ctx,
    sql`${own} and (type <> 'chat_message' or data->>'thread_id' = any(${threadIds}::text[]))`,
  );
  const calls = read.flatMap(({ data }) =>
    data.thread_id ? [{ ...ctx, input: { thread_id: data.thread_id, seq: WHOLE_THREAD } }] : [],
  );
  if (calls.length > 0) await readThreads(ctx, calls);
  return { updated: read.length, badge: (await countBadges(ctx, [ctx.actor.userId])).get(ctx.actor.userId)! };
}

/**
 * Reads the notes of threads in which nothing is left to read, for each reader; of one that was read in part the rest is
 * counted: as in a note, neither words of the system nor what was deleted. The threads are locked by their reader.
 */
export async function readThreadNotes(
  ctx: SharedContext,
  read: readonly { threadId: string; userId: string; seq: number }[],
): Promise<void> {
  const list = <T>(value: (one: (typeof read)[number]) => T) => read.map(value);
  const positions = sql`(
    select user_id, thread_id, 'thread:' || thread_id as group_key, max(seq) as seq
    from unnest(${list(one => one.userId)}::uuid[], ${list(one => one.threadId)}::uuid[], ${list(one => one.seq)}::int[])
      as r(user_id, thread_id, seq) group by user_id, thread_id)`;
  const left = sql`from messages m
    where m.thread_id = r.thread_id and m.seq > r.seq and m.type = 'text' and m.sender_id <> r.user_id`;
  // One look at an index for each position: as a join it might read all messages there are.
  await markRead(
    ctx,
    sql`(user_id, group_key) in (
      select user_id, group_key from ${positions} r where (select m.seq ${left} order by m.seq limit 1) is null)`,
  );
  await changeNotes(
    ctx,
    sql`with rest as materialized (
          select n.id, (select count(*)::int ${left}) as count
          from ${positions} r join notifications n using (user_id, group_key) where n.read_at is null)
        update notifications n set count = rest.count, rev = n.rev + 1 from rest
        where n.id = rest.id and n.read_at is null and rest.count between 1 and n.count - 1 returning n.id, n.user_id`,
  );
}

function markRead(ctx: SharedContext, which: RawBuilder<unknown>): Promise<NotificationRow[]> {
  return changeNotes(
    ctx,
    sql`update notifications set read_at = ${ctx.now}, seen_at = coalesce(seen_at, ${ctx.now}), rev = rev + 1
        where ${which} and read_at is null returning *`,
  );
}
