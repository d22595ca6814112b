import { sql } from 'kysely';
import type { Context, SharedContext } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { type ReachedThread, reachThread } from '../policy.ts';

/** Everything that changes a thread locks its row first, in id order: numbers have no holes, blocks let nothing slip by. */
export async function lockThreads(ctx: Pick<SharedContext, 'em'>, threadIds: readonly string[]): Promise<void> {
  await rows(
    ctx.em,
    sql`select from threads where id = any(${[...new Set(threadIds)]}::uuid[]) order by id for update`,
  );
}

/** The caller's thread, locked until the commit; throws not_found. */
export async function reachThreadLocked(ctx: Context, threadId: string): Promise<ReachedThread> {
  await lockThreads(ctx, [threadId]);
  return reachThread(ctx, threadId);
}

/** What every durable push of a thread starts with, and who hears it. */
export interface Revision {
  rev: number;
  at: string;
  /** The participants at this moment; whoever was removed hears nothing any more (G10). */
  userIds: string[];
}

/** One durable change of each of these threads; they are locked already. */
export async function raiseRevs(
  ctx: SharedContext,
  threadIds: readonly string[],
): Promise<ReadonlyMap<string, Revision>> {
  const raised = await rows<{ id: string; rev: number; user_ids: string[] }>(
    ctx.em,
    sql`with raised as (
          update threads set rev = rev + 1, updated_at = greatest(updated_at, ${ctx.now})
          where id = any(${threadIds}::uuid[]) returning id, rev)
        select r.id, r.rev, array(select p.user_id from participants p where p.thread_id = r.id and p.removed_at is null)
          as user_ids from raised r order by r.id`,
  );
  const at = ctx.now.toISOString();
  return new Map(raised.map(({ id, rev, user_ids }) => [id, { rev, at, userIds: user_ids }]));
}

/** As `raiseRevs`, of one thread. */
export async function raiseRev(ctx: SharedContext, threadId: string): Promise<Revision> {
  return (await raiseRevs(ctx, [threadId])).get(threadId)!;
}
