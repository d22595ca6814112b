import type { StatementPart } from '../../common/slots.ts';
import type { Statement } from '../../common/statements.ts';
import { closedAccount } from './closed-accounts.ts';

/** What waits: one array per column. */
const draft = `
  select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::bytea[], $6::text[], $7::uuid[], $8::jsonb[],
    $9::text[], $10::timestamptz[]) with ordinality
  as d(id, thread_id, sender_id, client_id, content_hash, text, reply_to_id, attachments, part_numbers, created_at, place)`;

/**
 * The threads, locked in id order before anything is written. What a lock waited for is read as it is then: numbers have
 * no holes, and no block, lock or removal is missed.
 */
const locked = `
  select id, buyer_id, seller_id, post_id, post->>'title' as post_title, rev, last_seq, is_locked, is_blocked,
    is_buyer_removed, is_seller_removed, buyer_read_seq, seller_read_seq
  from threads where id = any($2::uuid[]) order by id for update`;

// `for share`: an edit that the lock of the thread waited for is shown in the preview. It is found by its id alone: were
// the thread a condition too, a plan made while the table was empty would read whole threads.
const looked = `
  select d.*, t.rev as base_rev, t.last_seq as base_seq, t.post_id, t.post_title, s.*, k.id as known_id,
    k.content_hash as known_hash, q.preview as reply_to,
    case when s.is_participant is not true then 'not_found'
         when k.id is not null then null
         when t.is_locked then 'thread_locked'
         when t.is_blocked or u.is_closed then 'recipient_unavailable'
         when d.reply_to_id is not null and q.thread_id is distinct from d.thread_id then 'not_found' end as refusal
  from draft d
  left join locked t on t.id = d.thread_id
  left join lateral (
    select t.buyer_id = d.sender_id as is_buyer,
      t.buyer_id = d.sender_id and not t.is_buyer_removed or t.seller_id = d.sender_id and not t.is_seller_removed as is_participant,
      case when t.buyer_id = d.sender_id then t.seller_id else t.buyer_id end as peer_id,
      case when t.buyer_id = d.sender_id and not t.is_seller_removed then t.seller_id
           when t.seller_id = d.sender_id and not t.is_buyer_removed then t.buyer_id end as recipient_id,
      case when t.buyer_id = d.sender_id then t.buyer_read_seq else t.seller_read_seq end as read_seq) s on true
  left join lateral (select ${closedAccount('u', '$11::timestamptz')} as is_closed from users u where u.id = s.peer_id limit 1) u on true
  left join lateral (
    select k.id, k.content_hash from messages k where k.sender_id = d.sender_id and k.client_id = d.client_id limit 1) k on true
  left join lateral (
    select q.thread_id, json_build_object('id', q.id, 'seq', q.seq, 'sender_id', q.sender_id, 'type', q.type, 'text', left(q.text, 140),
      'created_at', q.created_at) as preview
    from messages q where q.id = d.reply_to_id limit 1 for share) q on true`;

const checked = `select *, known_id is null and refusal is null as is_stored from (${looked}) l`;

/** Numbers what is stored per thread. The last row of a thread knows how far each side has sent. */
const numbered = `
  select n.*, n.base_seq + n.place_in_thread as seq, n.base_rev + n.place_in_thread as rev,
    n.base_seq + max(n.place_in_thread) filter (where n.is_buyer) over t as buyer_seq,
    n.base_seq + max(n.place_in_thread) filter (where not n.is_buyer) over t as seller_seq
  from (select c.*, (row_number() over t)::int as place_in_thread, lead(c.place) over t is null as is_last
        from checked c window t as (partition by c.thread_id, c.is_stored order by c.place)) n
  window t as (partition by n.thread_id, n.is_stored order by n.place)`;

const inserted = `
  insert into messages (id, thread_id, seq, rev, sender_id, client_id, content_hash, text, reply_to_id, attachments,
    part_numbers, created_at)
  select id, thread_id, seq, rev, sender_id, client_id, content_hash, text, reply_to_id, attachments,
    string_to_array(part_numbers, ' '), created_at from stored`;

/** A sender has read and received what was sent. */
const moved = `
  update threads t set rev = s.rev, last_seq = s.seq, activity_id = s.id, updated_at = greatest(t.updated_at, s.created_at),
    buyer_read_seq = coalesce(s.buyer_seq, t.buyer_read_seq), buyer_delivered_seq = coalesce(s.buyer_seq, t.buyer_delivered_seq),
    seller_read_seq = coalesce(s.seller_seq, t.seller_read_seq),
    seller_delivered_seq = coalesce(s.seller_seq, t.seller_delivered_seq)
  from stored s where t.id = s.thread_id and s.is_last`;

const statements = new WeakMap<readonly StatementPart[], Statement>();

/**
 * Finds what was sent before, numbers the rest per thread in the order of the drafts, inserts it, and moves the threads:
 * all in one statement, with what other modules do about it (`whenStored`). It is its own transaction where none is open.
 */
export function sendStatement(parts: readonly StatementPart[]): Statement {
  const known = statements.get(parts);
  if (known) return known;
  const withParts = parts.map(part => `, ${part.with}`).join('');
  const values = parts.map(part => `(${part.value})`).join(', ');
  const text = `with draft as (${draft}), locked as materialized (${locked}), checked as (${checked}),
    numbered as materialized (${numbered}), stored as not materialized (select * from numbered where is_stored),
    inserted as (${inserted}), moved as (${moved})${withParts}
    select place, refusal, known_id, known_hash, reply_to, seq, rev, recipient_id,
      case when place = 1 then json_build_array(${values}) end as parts
    from numbered`;
  const statement = { name: 'send-messages', text };
  statements.set(parts, statement);
  return statement;
}
