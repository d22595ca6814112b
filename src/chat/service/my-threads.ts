import { sql } from 'kysely';
import { rows } from '../../common/database.ts';
import type { Filler } from '../../common/slots.ts';

/** The conversation of a user about a post, by `<post id>:<user id>`. */
export const findMyThreads: Filler<string | null> = async ({ em }, keys) => {
  const pairs = keys.map(key => key.split(':') as [string, string]);
  const found = await rows<{ key: string; id: string }>(
    em,
    sql`select t.post_id || ':' || t.buyer_id as key, t.id
        from unnest(${pairs.map(pair => pair[0])}::uuid[], ${pairs.map(pair => pair[1])}::uuid[]) as a(post_id, user_id)
        join threads t on t.post_id = a.post_id and t.buyer_id = a.user_id
        join participants me on me.thread_id = t.id and me.user_id = a.user_id and me.removed_at is null`,
    { isHot: true },
  );
  return new Map(found.map(one => [one.key, one.id]));
};
