import { sql } from 'kysely';
import type { Context } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import type { Input, Output } from '../../common/operations.ts';
import { facts, type operations } from '../contract.ts';

/** Whether the caller can be seen at all, on all devices; whoever watches hears the change, not its reason. */
export async function setMode(
  ctx: Context,
  { mode }: Input<typeof operations.setMode>,
): Promise<Output<typeof operations.setMode>> {
  const isInvisible = mode === 'invisible';
  const changed = await rows(
    ctx.em,
    sql`insert into presences (user_id, is_invisible) values (${ctx.actor.userId}, ${isInvisible})
        on conflict (user_id) do update set is_invisible = excluded.is_invisible
        where presences.is_invisible <> excluded.is_invisible returning user_id`,
  );
  if (changed.length > 0) ctx.emit(facts.modeChanged, { userId: ctx.actor.userId, isInvisible });
  return { mode };
}
