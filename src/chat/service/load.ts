import { sql } from 'kysely';
import type { Context } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { loadId } from '../../common/load-ids.ts';

export interface LoadThread {
  n: number;
  thread_id: string;
  post_id: string;
  buyer_id: string;
  seller_id: string;
}

/** Threads for a load test, each between a buyer and the author of a post; the same numbers are the same threads. */
export async function seedLoadThreads(
  { em, now }: Pick<Context, 'em' | 'now'>,
  wanted: readonly Omit<LoadThread, 'thread_id'>[],
): Promise<LoadThread[]> {
  const threads = wanted.map(thread => ({ ...thread, thread_id: loadId('thread', thread.n) }));
  const column = <T>(read: (thread: LoadThread) => T) => threads.map(read);
  await rows(
    em,
    sql`insert into threads (id, post_id, buyer_id, seller_id, post, activity_id, created_at, updated_at)
        select given.id, p.id, buyer_id, p.author_id, jsonb_build_object('id', p.id, 'title', p.title, 'part_number', p.part_number,
          'price', p.price::text, 'currency', p.currency, 'status', p.status, 'thumb_url', null), given.id, ${now}, ${now}
        from unnest(${column(thread => thread.thread_id)}::uuid[], ${column(thread => thread.post_id)}::uuid[],
          ${column(thread => thread.buyer_id)}::uuid[]) as given (id, post_id, buyer_id) join posts p on p.id = given.post_id
        on conflict do nothing`,
  );
  await rows(
    em,
    sql`insert into participants (thread_id, user_id, side)
        select thread_id, user_id, side from unnest(${column(thread => thread.thread_id)}::uuid[], ${column(thread => thread.buyer_id)}::uuid[],
          ${column(thread => thread.seller_id)}::uuid[]) as given (thread_id, buyer_id, seller_id),
          lateral (values (buyer_id, 'buyer'), (seller_id, 'seller')) as sides (user_id, side)
        on conflict do nothing`,
  );
  return threads;
}
