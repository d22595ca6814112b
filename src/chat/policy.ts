import { sql } from 'kysely';
import type { Context } from '../common/context.ts';
import { rows } from '../common/database.ts';
import { AppError } from '../common/errors.ts';

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
export async function reachThread(ctx: Pick<Context, 'em' | 'actor'>, threadId: string): Promise<ReachedThread> {
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
