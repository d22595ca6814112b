import { sql } from 'kysely';
import { z } from 'zod';
import type { Context } from '../../common/context.ts';
import type { Input, Output } from '../../common/operations.ts';
import { cutPage, readCursor, writeCursor } from '../../common/paging.ts';
import type { operations } from '../contract.ts';
import { reachThread } from '../policy.ts';
import { positionOf } from './present.ts';
import { loadThread, presentThreads, selectThreads, unreadOfUser } from './thread-rows.ts';

type List = Input<typeof operations.listThreads>;

/** Lists the caller's threads, newest activity first; throws invalid_cursor. */
export async function listThreads(ctx: Context, input: List): Promise<Output<typeof operations.listThreads>> {
  const { userId } = ctx.actor;
  const { limit, cursor, ...filters } = input;
  const scope = ['threads', userId, filters] as const;
  const before = readCursor(ctx, scope, cursor, z.uuid());
  const found = await selectThreads(
    ctx,
    userId,
    sql`${conditionsOf(filters)} and (${before}::uuid is null or t.activity_id < ${before})
        order by t.activity_id desc limit ${limit + 1}`,
  );
  const { page, last } = cutPage(found, limit);
  return {
    results: await presentThreads(ctx, page),
    next_cursor: last && writeCursor(ctx, scope, last.activity_id),
    unread: await unreadOfUser(ctx, userId),
  };
}

function conditionsOf({ box, role, unread_only, post_id }: Omit<List, 'limit' | 'cursor'>) {
  return sql`and (${box} = 'all' or me.is_archived = (${box} = 'archived'))
    and (${role ?? null}::text is null or me.side = ${role ?? null})
    and (not ${unread_only} or t.last_seq > ${positionOf('read', 'me')} or me.is_marked_unread)
    and (${post_id ?? null}::uuid is null or t.post_id = ${post_id ?? null}::uuid)`;
}

/** One thread of the caller; throws not_found. */
export async function getThread(ctx: Context, { thread_id }: Input<typeof operations.getThread>) {
  await reachThread(ctx, thread_id);
  return { thread: await loadThread(ctx, ctx.actor.userId, thread_id) };
}
