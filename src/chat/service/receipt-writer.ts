import { sql } from 'kysely';
import type { SharedContext } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import type { MeRow } from './present.ts';

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
          p.me_rev, p.read_seq, p.delivered_seq, least(a.seq, t.last_seq) as seq,
          least(a.seq, t.last_seq) > case when ${isRead} then p.read_seq else p.delivered_seq end as is_moved,
          not t.is_blocked and not (${isRead} and exists (
            select from participants h where h.thread_id = t.id and h.hides_receipts)) as is_visible,
          array(select r.user_id from participants r where r.thread_id = t.id and r.removed_at is null) as recipient_ids
        from asked a join threads t on t.id = a.thread_id
        join participants p on p.thread_id = t.id and p.user_id = a.user_id and p.removed_at is null
      ), change as (
        select *, ${isRead} and (is_moved and not is_visible or is_marked_unread) as is_private,
          case when is_moved and is_visible then
            sum((is_moved and is_visible)::int) over (partition by thread_id order by user_id)::int end as n
        from state
      ), moved as (
        update participants p set is_marked_unread = p.is_marked_unread and not ${isRead},
          read_seq = case when ${isRead} then greatest(p.read_seq, c.seq) else p.read_seq end,
          delivered_seq = case when c.is_visible then greatest(p.delivered_seq, c.seq) else p.delivered_seq end,
          me_rev = p.me_rev + c.is_private::int
        from change c where p.thread_id = c.thread_id and p.user_id = c.user_id and (c.n is not null or c.is_private)
      ), raised as (
        update threads t set rev = t.rev + c.n, updated_at = greatest(t.updated_at, ${ctx.now})
        from (select thread_id, max(n) as n from change where n is not null group by 1) c where t.id = c.thread_id
      )
      select thread_id, user_id, last_seq, is_moved, is_private, base_rev + n as rev, recipient_ids,
        case when ${isRead} then greatest(read_seq, seq) else greatest(delivered_seq, seq) end as seq,
        me_rev + is_private::int as me_rev, side as me_side, muted_until as me_muted_until, is_archived as me_archived,
        case when ${isRead} then greatest(read_seq, seq) else read_seq end as me_read_seq,
        is_marked_unread and not ${isRead} as me_marked_unread
      from change order by thread_id, n`,
  );
}
