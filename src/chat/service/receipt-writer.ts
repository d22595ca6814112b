import { sql } from 'kysely';
import type { SharedContext } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { type MeRow, positionOf } from './present.ts';

/** A participant says up to where. */
export interface Position {
  threadId: string;
  userId: string;
  seq: number;
  /** Positions of one call move together or not at all. */
  call: number;
}

/** The participant's state after it. */
export interface Moved extends MeRow {
  thread_id: string;
  user_id: string;
  last_seq: number;
  /** Where the position stands now, clamped to what there is. */
  seq: number;
  is_moved: boolean;
  /** `me.rev` was raised: of a position that nobody else may see, or of `marked_unread`. */
  is_private: boolean;
  /** The revision of the thread that tells the others; null where there is nothing to tell. */
  rev: number | null;
  recipient_ids: string[];
}

/**
 * Moves read or delivered positions of threads that are locked, only ever forward; several of one participant are one
 * write. A call with a position in a foreign thread is left out whole.
 */
export async function movePositions(
  ctx: SharedContext,
  kind: 'read' | 'delivered',
  positions: readonly Position[],
): Promise<Moved[]> {
  const list = <Value>(read: (one: Position) => Value) => positions.map(read);
  const isRead = sql.lit(kind === 'read');
  return rows<Moved>(
    ctx.em,
    sql`with told as (
        select * from unnest(${list(one => one.call)}::int[], ${list(one => one.threadId)}::uuid[],
          ${list(one => one.userId)}::uuid[], ${list(one => one.seq)}::int[]) as a(call, thread_id, user_id, seq)
      ), foreign_call as (
        select call from told a where not exists (
          select from participants p where p.thread_id = a.thread_id and p.user_id = a.user_id and p.removed_at is null)
      ), asked as (
        select thread_id, user_id, max(seq) as seq from told where call not in (select call from foreign_call) group by 1, 2
      ), state as (
        select a.thread_id, a.user_id, t.rev as base_rev, t.last_seq, p.side, p.muted_until, p.is_archived, p.is_marked_unread,
          p.me_rev, ${positionOf('read', 'p')} as read_seq, ${positionOf('delivered', 'p')} as delivered_seq,
          least(a.seq, t.last_seq) as seq,
          not t.is_blocked and not (${isRead} and exists (
            select from participants h where h.thread_id = t.id and h.hides_receipts)) as is_visible,
          array(select r.user_id from participants r where r.thread_id = t.id and r.removed_at is null) as recipient_ids
        from asked a join threads t on t.id = a.thread_id
        join participants p on p.thread_id = t.id and p.user_id = a.user_id and p.removed_at is null
      ), compared as (
        select *, seq > case when ${isRead} then read_seq else delivered_seq end as is_moved from state
      ), change as (
        select *, ${isRead} and (is_moved and not is_visible or is_marked_unread) as is_private,
          case when is_moved and is_visible then
            sum((is_moved and is_visible)::int) over (partition by thread_id order by user_id)::int end as n,
          case when ${isRead} then greatest(read_seq, seq) else read_seq end as new_read_seq,
          case when is_visible then greatest(delivered_seq, seq) else delivered_seq end as new_delivered_seq
        from compared
      ), private as (
        update participants p set is_marked_unread = false, me_rev = p.me_rev + 1, me_changed_at = greatest(p.me_changed_at, ${ctx.now})
        from change c where p.thread_id = c.thread_id and p.user_id = c.user_id and c.is_private
      ), moved as (
        update threads t set rev = t.rev + c.n, updated_at = case when c.n > 0 then greatest(t.updated_at, ${ctx.now}) else t.updated_at end,
          buyer_read_seq = greatest(t.buyer_read_seq, c.buyer_read), seller_read_seq = greatest(t.seller_read_seq, c.seller_read),
          buyer_delivered_seq = greatest(t.buyer_delivered_seq, c.buyer_delivered),
          seller_delivered_seq = greatest(t.seller_delivered_seq, c.seller_delivered)
        from (select thread_id, coalesce(max(n), 0) as n,
                max(new_read_seq) filter (where side = 'buyer') as buyer_read, max(new_read_seq) filter (where side = 'seller') as seller_read,
                max(new_delivered_seq) filter (where side = 'buyer') as buyer_delivered,
                max(new_delivered_seq) filter (where side = 'seller') as seller_delivered
              from change where is_moved group by thread_id) c where t.id = c.thread_id
      )
      select thread_id, user_id, last_seq, is_moved, is_private, base_rev + n as rev, recipient_ids,
        case when ${isRead} then new_read_seq else new_delivered_seq end as seq,
        me_rev + is_private::int as me_rev, side as me_side, muted_until as me_muted_until, is_archived as me_archived,
        new_read_seq as me_read_seq, is_marked_unread and not ${isRead} as me_marked_unread
      from change order by thread_id, n`,
  );
}
