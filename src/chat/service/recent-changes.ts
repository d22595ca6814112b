import { sql } from 'kysely';
import { uuidArray } from '../../common/binary-arrays.ts';
import { type Orm, rows } from '../../common/database.ts';
import type { Me } from '../contract/shapes.ts';
import { REMOVED_BY_STAFF } from '../contract/staff.ts';
import { iso, type MeRow, meColumns, presentMe } from './present.ts';

/** As long as `threads.changed_within` is. */
const WITHIN_MS = 10 * 60_000;

interface ChangedThread {
  id: string;
  rev: number;
  user_ids: string[];
}

/** [thread_id, rev] of each user's threads that changed since. */
export async function findChanged(
  orm: Orm,
  userIds: readonly string[],
  since: Date,
): Promise<ReadonlyMap<string, [string, number][]>> {
  const users = uuidArray(userIds);
  const found = await rows<ChangedThread>(
    orm.em.fork(),
    sql`select t.id, t.rev, array_remove(array[case when not t.is_buyer_removed then t.buyer_id end,
          case when not t.is_seller_removed then t.seller_id end], null) as user_ids
        from threads t where t.changed_within >= ${new Date(since.getTime() - WITHIN_MS)} and t.updated_at > ${since}
          and (t.buyer_id = any(${users}::uuid[]) or t.seller_id = any(${users}::uuid[]))`,
  );
  const heads = new Map<string, [string, number][]>(userIds.map(userId => [userId, []]));
  for (const { id, rev, user_ids } of found) for (const userId of user_ids) heads.get(userId)?.push([id, rev]);
  return heads;
}

type ChangedMe = { userId: string; thread_id: string; me: Me; at: string };

/** What is each user's own of a thread and changed since: `rev` does not tell it. */
export async function findChangedMe(orm: Orm, userIds: readonly string[], since: Date): Promise<ChangedMe[]> {
  const found = await rows<MeRow & { user_id: string; thread_id: string; last_seq: number; changed_at: string }>(
    orm.em.fork(),
    sql`select me.user_id, me.thread_id, t.last_seq, me.me_changed_at as changed_at, ${meColumns}
        from participants me join threads t on t.id = me.thread_id
        where me.me_changed_at > ${since} and me.user_id = any(${uuidArray(userIds)}::uuid[]) and me.removed_at is null`,
  );
  return found.map(row => ({
    ...{ userId: row.user_id, thread_id: row.thread_id },
    ...{ me: presentMe(row, row.last_seq), at: iso(row.changed_at) },
  }));
}

type Removal = { userId: string; thread_id: string; rev: number; at: string; reason: string };

/** Who of these users was taken out of a thread since; no revision tells them, for they hear of none any more. */
export async function findRemoved(orm: Orm, userIds: readonly string[], since: Date): Promise<Removal[]> {
  // The revision of the removal, not that of today: what came after it is the others'.
  const found = await rows<{ user_id: string; thread_id: string; removed_at: string; rev: number }>(
    orm.em.fork(),
    sql`select p.user_id, p.thread_id, p.removed_at, (select said.rev - 1 from messages said
          where said.thread_id = t.id and said.type = 'system' and said.created_at = p.removed_at limit 1) as rev
        from threads t join participants p on p.thread_id = t.id and p.removed_at > ${since}
        where t.changed_within >= ${new Date(since.getTime() - WITHIN_MS)} and t.updated_at > ${since}
          and (t.is_buyer_removed or t.is_seller_removed) and p.user_id = any(${uuidArray(userIds)}::uuid[])`,
  );
  return found.map(({ user_id, thread_id, removed_at, rev }) => ({
    ...{ userId: user_id, thread_id, rev },
    ...{ at: iso(removed_at), reason: REMOVED_BY_STAFF },
  }));
}
