import { type RawBuilder, sql } from 'kysely';
import { z } from 'zod';
import type { Context, SharedContext } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import type { Input, Output } from '../../common/operations.ts';
import { type CursorScope, cutPage, readCursor, writeCursor } from '../../common/paging.ts';
import { events, type operations } from '../contract.ts';
import { countBadges, type NotificationRow, presentNotifications } from './present.ts';

type Changed = Output<typeof operations.readNotifications>;

const Position = z.tuple([z.string(), z.uuid()]);

/** The caller's notifications, latest first. The first page counts as seen. Throws invalid_cursor. */
export async function listNotifications(
  ctx: Context,
  input: Input<typeof operations.listNotifications>,
): Promise<Output<typeof operations.listNotifications>> {
  const { userId } = ctx.actor;
  const { limit, cursor, ...filters } = input;
  const scope: CursorScope = ['notifications', userId, filters];
  const after = readCursor(ctx, scope, cursor, Position);
  const found = await rows<NotificationRow & { position: string }>(
    ctx.em,
    sql`select *, updated_at::text as position from notifications where user_id = ${userId}
        ${filters.unread_only ? sql`and read_at is null` : sql``}
        ${filters.types ? sql`and type = any(${filters.types}::text[])` : sql``}
        ${after ? sql`and (updated_at, id) < (${after[0]}::timestamptz, ${after[1]}::uuid)` : sql``}
        order by updated_at desc, id desc limit ${limit + 1}`,
  );
  if (!after) await markSeen(ctx);
  const { page, last } = cutPage(found, limit);
  return {
    results: await presentNotifications(ctx, page),
    next_cursor: last && writeCursor(ctx, scope, [last.position, last.id]),
    badge: (await countBadges(ctx, [userId])).get(userId)!,
  };
}

async function markSeen(ctx: Context): Promise<void> {
  const { userId } = ctx.actor;
  const seen = await rows(
    ctx.em,
    sql`update notifications set seen_at = ${ctx.now} where user_id = ${userId} and read_at is null and seen_at is null returning id`,
  );
  if (seen.length > 0) await tellBadges(ctx, [userId]);
}

/** Marks the caller's notifications as read; those of others are not counted. */
export async function readNotifications(
  ctx: Context,
  input: Input<typeof operations.readNotifications>,
): Promise<Changed> {
  const chosen = 'ids' in input ? sql`id = any(${input.ids}::uuid[])` : sql`group_key = ${input.group_key}`;
  return presentChange(ctx, await markRead(ctx, sql`user_id = ${ctx.actor.userId} and ${chosen}`));
}

/** Marks all as read that were there at a moment; what arrives meanwhile stays unread. */
export async function readAllNotifications(
  ctx: Context,
  { before }: Input<typeof operations.readAllNotifications>,
): Promise<Changed> {
  const { userId } = ctx.actor;
  const until = before === undefined ? ctx.now : new Date(before);
  const read = await rows(
    ctx.em,
    sql`update notifications set read_at = ${ctx.now}, seen_at = coalesce(seen_at, ${ctx.now}), rev = rev + 1
        where user_id = ${userId} and read_at is null and updated_at <= ${until} returning id`,
  );
  if (read.length > 0) await tellBadges(ctx, [userId]);
  return { updated: read.length, badge: (await countBadges(ctx, [userId])).get(userId)! };
}

/** Reads the notes of threads that were read, for each reader. */
export async function readThreadNotes(
  ctx: SharedContext,
  read: readonly { threadId: string; userId: string }[],
): Promise<void> {
  const users = read.map(one => one.userId);
  const groups = read.map(one => `thread:${one.threadId}`);
  await markRead(ctx, sql`(user_id, group_key) in (select * from unnest(${users}::uuid[], ${groups}::text[]))`);
}

/** Pushes every row that changed, with the badge, to all devices of its user. */
async function markRead(ctx: SharedContext, which: RawBuilder<unknown>): Promise<NotificationRow[]> {
  const read = await rows<NotificationRow>(
    ctx.em,
    sql`update notifications set read_at = ${ctx.now}, seen_at = coalesce(seen_at, ${ctx.now}), rev = rev + 1
        where ${which} and read_at is null returning *`,
  );
  if (read.length === 0) return read;
  const badges = await countBadges(ctx, [...new Set(read.map(row => row.user_id))]);
  const views = await presentNotifications(ctx, read);
  for (const [index, row] of read.entries())
    ctx.emit(
      events.updated,
      { notification: views[index]!, badge: badges.get(row.user_id)!, alert: false },
      { to: [row.user_id] },
    );
  return read;
}

async function presentChange(ctx: Context, read: readonly NotificationRow[]): Promise<Changed> {
  const { userId } = ctx.actor;
  return { updated: read.length, badge: (await countBadges(ctx, [userId])).get(userId)! };
}

async function tellBadges(ctx: SharedContext, userIds: readonly string[]): Promise<void> {
  for (const [userId, badge] of await countBadges(ctx, userIds)) ctx.emit(events.badge, { badge }, { to: [userId] });
}
