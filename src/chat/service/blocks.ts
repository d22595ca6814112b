import { sql } from 'kysely';
import type { Context, SharedContext } from '../../common/context.ts';
import { lockName, rows } from '../../common/database.ts';
import { AppError } from '../../common/errors.ts';
import type { Input, Output } from '../../common/operations.ts';
import { facts, type operations } from '../contract.ts';
import { isUserClosed } from './closed-accounts.ts';
import { changeThreads } from './thread-changes.ts';

/** Stops all writing between the caller and another user, in every thread of the two; throws not_found. */
export async function blockUser(
  ctx: Context,
  { user_id }: Input<typeof operations.blockUser>,
): Promise<Output<typeof operations.blockUser>> {
  const { userId } = ctx.actor;
  await ensureOther(ctx, user_id);
  await lockPair(ctx, userId, user_id);
  await rows(
    ctx.em,
    sql`insert into blocks (blocker_id, blocked_id, created_at) values (${userId}, ${user_id}, ${ctx.now})
        on conflict do nothing`,
  );
  await applyBlock(ctx, userId, user_id, true);
  return { user_id, blocked: true };
}

/** Takes back the caller's own block; where the other one blocks too, nothing can be written still. Throws not_found. */
export async function unblockUser(
  ctx: Context,
  { user_id }: Input<typeof operations.unblockUser>,
): Promise<Output<typeof operations.unblockUser>> {
  const { userId } = ctx.actor;
  await ensureOther(ctx, user_id);
  await lockPair(ctx, userId, user_id);
  await rows(ctx.em, sql`delete from blocks where blocker_id = ${userId} and blocked_id = ${user_id}`);
  if (!(await isBlocked(ctx, userId, user_id))) await applyBlock(ctx, userId, user_id, false);
  return { user_id, blocked: false };
}

async function ensureOther(ctx: Context, userId: string): Promise<void> {
  const [found] = await rows(ctx.em, sql`select 1 as found from users where id = ${userId}`);
  if (!found || userId === ctx.actor.userId) throw new AppError('not_found');
}

/** The threads of the two keep the block, so that no message needs to look for it and none slips past its commit. */
async function applyBlock(ctx: Context, a: string, b: string, isBlocked: boolean): Promise<void> {
  const threads = await rows<{ id: string }>(
    ctx.em,
    sql`select p.thread_id as id from participants p join participants q using (thread_id)
        where p.user_id = ${a} and q.user_id = ${b}`,
  );
  await changeThreads(
    ctx,
    threads.map(one => one.id),
    sql`is_blocked = ${isBlocked}`,
    sql`t.is_blocked <> ${isBlocked}`,
  );
  ctx.emit(facts.blockChanged, { userIds: [a, b], isBlocked });
}

/**
 * Until the commit nobody else opens a thread or sets a block between these two: a new thread could not know of a block
 * that is being written at the same moment.
 */
export async function lockPair(ctx: Pick<SharedContext, 'em'>, a: string, b: string): Promise<void> {
  await lockName(ctx.em, [a, b].sort().join(' '));
}

async function isBlocked(ctx: Pick<SharedContext, 'em'>, a: string, b: string): Promise<boolean> {
  const found = await rows(
    ctx.em,
    sql`select 1 as found from blocks
        where (blocker_id, blocked_id) in ((${a}::uuid, ${b}::uuid), (${b}::uuid, ${a}::uuid)) limit 1`,
  );
  return found.length > 0;
}

/** Throws recipient_unavailable: blocked either way, or the other's account is closed. One code on purpose. */
export async function ensureReachable(
  ctx: Pick<SharedContext, 'em' | 'now'>,
  userId: string,
  otherId: string,
): Promise<void> {
  if ((await isUserClosed(ctx, otherId)) || (await isBlocked(ctx, userId, otherId)))
    throw new AppError('recipient_unavailable');
}
