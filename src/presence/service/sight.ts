import type { EntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import { areTalking } from '../../chat/service/talking.ts';
import { rows } from '../../common/database.ts';
import type { State } from '../contract.ts';

export interface Pair {
  viewerId: string;
  userId: string;
}

/** That a user may be seen, and what the database knows. */
export interface Sight {
  lastSeenAt: Date | null;
}

/**
 * What each viewer may know of each user: everything between two who talk in a thread, nothing of anybody else, nor of who
 * is invisible. Those, strangers and ids of nobody are `null` alike.
 */
export async function findSights(em: EntityManager, pairs: readonly Pair[]): Promise<(Sight | null)[]> {
  if (pairs.length === 0) return [];
  const found = await rows<{ place: number; last_seen_at: string | null }>(
    em,
    sql`select pair.place::int, p.last_seen_at
        from unnest(${pairs.map(pair => pair.viewerId)}::uuid[], ${pairs.map(pair => pair.userId)}::uuid[])
          with ordinality as pair (viewer_id, user_id, place)
        left join presences p on p.user_id = pair.user_id
        where p.is_invisible is not true and ${areTalking('pair.viewer_id', 'pair.user_id')}`,
  );
  const sights = pairs.map((): Sight | null => null);
  for (const { place, last_seen_at } of found)
    sights[place - 1] = { lastSeenAt: last_seen_at === null ? null : new Date(last_seen_at) };
  return sights;
}

/** All that is ever said of those. */
export const hidden = (user_id: string): State => ({ user_id, status: 'hidden', last_seen_at: null });
