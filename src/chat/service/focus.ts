import { sql } from 'kysely';
import type { Context } from '../../common/context.ts';
import { type Orm, rows } from '../../common/database.ts';
import type { Input, Output } from '../../common/operations.ts';
import type { operations } from '../contract.ts';

const LEASE_MS = 60_000;

type Focus = typeof operations.focusThread;

/** This connection shows a thread of the caller for the next 60 s, or none; of a foreign one nothing is kept. */
export async function focusThread(ctx: Context, { thread_id }: Input<Focus>): Promise<Output<Focus>> {
  const { actor, connection, now } = ctx;
  if (connection === undefined) return {};
  await rows(
    ctx.em,
    sql`delete from focus_leases where connection = ${connection} or (user_id = ${actor.userId} and expires_at < ${now})`,
  );
  await rows(
    ctx.em,
    sql`insert into focus_leases (connection, user_id, thread_id, expires_at)
        select ${connection}, user_id, thread_id, ${new Date(now.getTime() + LEASE_MS)} from participants
        where thread_id = ${thread_id} and user_id = ${actor.userId} and removed_at is null`,
  );
  return {};
}

/** A connection that is gone shows nothing any more. */
export function createEndFocus(orm: Orm): (connection: string) => void {
  return connection => {
    // A lease that stays because of an outage ends by itself.
    void rows(orm.em.fork(), sql`delete from focus_leases where connection = ${connection}`).catch(() => {});
  };
}
