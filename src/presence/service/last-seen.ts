import { sql } from 'kysely';
import type { SharedContext } from '../../common/context.ts';
import { type Orm, rows } from '../../common/database.ts';
import type { Times } from './times.ts';

export interface LastSeen {
  /** A user of this node was connected until now. */
  leave(userId: string): void;
  /** Writes what is due in one statement, given who is connected. */
  write(connected: Iterable<string>): Promise<void>;
}

/**
 * When users were last connected, coarsely: a user's row is written again only for a time that is 5 min later, whichever
 * node writes it. It is what is left once leases are forgotten.
 */
export function createLastSeen(orm: Orm, times: Pick<Times, 'writeUser'>): LastSeen {
  const writtenAt = new Map<string, number>();
  let left = new Map<string, number>();

  const isDue = (userId: string, at: number) => at - (writtenAt.get(userId) ?? 0) >= times.writeUser;

  return {
    leave: userId => void left.set(userId, Date.now()),
    async write(connected) {
      const gone = left;
      left = new Map();
      const now = Date.now();
      const seen = new Map(gone);
      for (const userId of connected) seen.set(userId, now);
      const due = [...seen].filter(([userId, at]) => isDue(userId, at));
      try {
        if (due.length > 0) await store(orm, due, times.writeUser);
      } catch (error) {
        left = new Map([...gone, ...left]);
        throw error;
      }
      for (const [userId, at] of due) writtenAt.set(userId, at);
      for (const [userId] of gone) if (seen.get(userId) !== now) writtenAt.delete(userId);
    },
  };
}

async function store(orm: Orm, seen: readonly [string, number][], apartMs: number): Promise<void> {
  const [userIds, moments] = [seen.map(([id]) => id), seen.map(([, at]) => new Date(at))];
  await rows(
    orm.em.fork(),
    sql`insert into presences (user_id, last_seen_at)
        select seen.user_id, seen.at from unnest(${userIds}::uuid[], ${moments}::timestamptz[]) as seen (user_id, at)
        join users u on u.id = seen.user_id and u.deleted_at is null
        order by seen.user_id
        on conflict (user_id) do update set last_seen_at = excluded.last_seen_at
        where presences.last_seen_at is null
          or presences.last_seen_at <= excluded.last_seen_at - ${apartMs} * interval '1 millisecond'`,
  );
}

/** Nothing is kept of accounts that are deleted. */
export async function forgetUsers({ em }: Pick<SharedContext, 'em'>, userIds: readonly string[]): Promise<void> {
  await rows(em, sql`delete from presences where user_id = any(${userIds}::uuid[])`);
}
