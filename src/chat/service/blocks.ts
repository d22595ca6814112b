import { sql } from 'kysely';
import type { SharedContext } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { AppError } from '../../common/errors.ts';

/**
 * Until the commit nobody else opens a thread or sets a block between these two: a new thread could not know of a block
 * that is being written at the same moment.
 */
export async function lockPair(ctx: SharedContext, a: string, b: string): Promise<void> {
  const pair = [a, b].sort().join(' ');
  await rows(ctx.em, sql`select pg_advisory_xact_lock(hashtextextended(${pair}, 0))`);
}

/** Throws recipient_unavailable: blocked either way, or the other's account is closed. One code on purpose. */
export async function ensureReachable(ctx: SharedContext, userId: string, otherId: string): Promise<void> {
  const [found] = await rows<{ is_unavailable: boolean }>(
    ctx.em,
    sql`select blocked_at is not null or exists (
          select from blocks where (blocker_id, blocked_id) in ((${userId}, ${otherId}), (${otherId}, ${userId}))
        ) as is_unavailable from users where id = ${otherId}`,
  );
  if (!found || found.is_unavailable) throw new AppError('recipient_unavailable');
}
