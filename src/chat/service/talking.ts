import { type RawBuilder, sql } from 'kysely';

/** SQL: whether the users of these two columns share a thread that neither was removed from and no block closes. */
export function areTalking(a: string, b: string): RawBuilder<boolean> {
  const isThread = (buyer: string, seller: string) => `exists (select 1 from threads t
    where t.buyer_id = ${buyer} and t.seller_id = ${seller}
      and not (t.is_blocked or t.is_buyer_removed or t.is_seller_removed))`;
  return sql.raw(`(${isThread(a, b)} or ${isThread(b, a)})`);
}
