import { type RawBuilder, sql } from 'kysely';
import { presentPublicUsers } from '../../accounts/service/users.ts';
import type { SharedContext } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import type { SharedThread, Thread, Unread } from '../contract/shapes.ts';
import {
  type MeRow,
  meColumns,
  positionOf,
  presentSharedThread,
  presentThread,
  type ThreadRow,
  threadColumns,
} from './present.ts';

/** The threads of a user that a query over `threads t` and `participants me` picks, as that user sees them. */
export async function selectThreads(
  ctx: SharedContext,
  userId: string,
  rest: RawBuilder<unknown>,
): Promise<(ThreadRow & MeRow)[]> {
  return rows<ThreadRow & MeRow>(
    ctx.em,
    sql`select ${threadColumns}, ${meColumns}
        from participants me join threads t on t.id = me.thread_id
        left join messages l on l.thread_id = t.id and l.seq = t.last_seq
        where me.user_id = ${userId} and me.removed_at is null ${rest}`,
  );
}

/** Views in the order of the rows. */
export async function presentThreads(ctx: SharedContext, found: (ThreadRow & MeRow)[]): Promise<Thread[]> {
  const people = await presentPublicUsers(ctx, peopleOf(found));
  return found.map(row => presentThread(row, people));
}

/** One thread as the user sees it; the caller knows that the user may. */
export async function loadThread(ctx: SharedContext, userId: string, threadId: string): Promise<Thread> {
  const [thread] = await presentThreads(ctx, await selectThreads(ctx, userId, sql`and t.id = ${threadId}`));
  return thread!;
}

/** What all participants may know of these threads, by id. */
export async function loadSharedThreads(
  ctx: SharedContext,
  threadIds: readonly string[],
): Promise<ReadonlyMap<string, SharedThread>> {
  const found = await rows<ThreadRow>(
    ctx.em,
    sql`select ${threadColumns} from threads t left join messages l on l.thread_id = t.id and l.seq = t.last_seq
        where t.id = any(${threadIds}::uuid[])`,
  );
  const people = await presentPublicUsers(ctx, peopleOf(found));
  return new Map(found.map(row => [row.id, presentSharedThread(row, people)]));
}

/** How much is unread in the threads of each user that are not archived. */
export async function countUnread(
  ctx: Pick<SharedContext, 'em'>,
  userIds: readonly string[],
): Promise<ReadonlyMap<string, Unread>> {
  const found = await rows<Unread & { user_id: string }>(
    ctx.em,
    sql`select user_id, count(*)::int as threads, sum(unread)::int as messages
        from (select me.user_id, t.last_seq - ${positionOf('read', 'me')} as unread, me.is_marked_unread
              from participants me join threads t on t.id = me.thread_id
              where me.user_id = any(${userIds}::uuid[]) and me.removed_at is null and not me.is_archived) me
        where unread > 0 or is_marked_unread group by user_id`,
  );
  return new Map(found.map(({ user_id, ...unread }) => [user_id, unread]));
}

export async function unreadOfUser(ctx: Pick<SharedContext, 'em'>, userId: string): Promise<Unread> {
  return (await countUnread(ctx, [userId])).get(userId) ?? { threads: 0, messages: 0 };
}

function peopleOf(found: readonly ThreadRow[]): string[] {
  return found.flatMap(row => row.participants.map(one => one.user_id));
}
