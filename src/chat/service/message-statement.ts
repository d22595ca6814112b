import type { StatementPart } from '../../common/slots.ts';
import type { Statement } from '../../common/statements.ts';
import { closedAccount } from './closed-accounts.ts';

/** What waits: one array per column, see `Placed`. */
const given = `
  select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::bytea[], $6::text[], $7::uuid[], $8::jsonb[],
    $9::text[], $10::timestamptz[], $12::int[], $13::int[], $14::uuid[], $15::int[], $16::timestamptz[])
  with ordinality as g(id, thread_id, sender_id, client_id, content_hash, text, reply_to_id, attachments, part_numbers, created_at,
    place, ends, other_id, other_place, latest_at, nth)`;

const isIn = (side: string) => `t.${side}_id = g.sender_id and not t.is_${side}_removed`;
const peer = 'case when t.buyer_id = g.sender_id then t.seller_id else t.buyer_id end';
const unreadBy = (userId: string) =>
  `case when t.last_seq > case when t.buyer_id = ${userId} then t.buyer_read_seq else t.seller_read_seq end then ${userId} end`;

/**
 * Whoever sends, in each thread: the last draft of each of them. The threads are locked in id order before anything is
 * written, and what a lock waited for is read as it is then: numbers have no holes, and no block, lock or removal is missed.
 * Each is found by its id, whatever the planner knows of the tables: its plan may be older than most rows.
 */
const turns = `
  select g.*, g.place - g.other_place as unread_count, t.*, case when t.base_seq is null then 'not_found' else t.reason end as refusal
  from (
    select nth, id, thread_id, sender_id, text, place, ends, other_id, other_place, latest_at
    from given where ends > 0 order by thread_id) g
  left join lateral (
    select t.rev as base_rev, t.last_seq as base_seq, t.post_id, t.post->>'title' as post_title,
      case when t.buyer_id = g.sender_id and not t.is_seller_removed then t.seller_id
           when t.seller_id = g.sender_id and not t.is_buyer_removed then t.buyer_id end as recipient_id,
      array_remove(array[${unreadBy('g.sender_id')}, ${unreadBy('g.other_id')}], null) as unread_by,
      case when not (${isIn('buyer')} or ${isIn('seller')}) then 'not_found'
           when t.is_locked then 'thread_locked'
           when t.is_blocked or (select ${closedAccount('u', '$11::timestamptz')} from users u where u.id = ${peer})
             then 'recipient_unavailable' end as reason
    from threads t where t.id = g.thread_id limit 1 for update) t on true`;

/**
 * Drafts that were stored before, and those that reply. After the locks, and `for share`: an edit that a lock waited for is shown
 * in the preview.
 */
const remarks = `
  select g.nth, k.id as known_id, encode(k.content_hash, 'hex') as known_hash, q.preview as reply_to,
    g.reply_to_id is not null and q.thread_id is distinct from g.thread_id as is_reply_lost
  from given g
  left join lateral (
    select k.id, k.content_hash from messages k where k.sender_id = g.sender_id and k.client_id = g.client_id limit 1) k on true
  left join lateral (
    select q.thread_id, json_build_object('id', q.id, 'seq', q.seq, 'sender_id', q.sender_id, 'type', q.type, 'text', left(q.text, 140),
      'created_at', q.created_at) as preview
    from messages q where q.id = g.reply_to_id limit 1 for share) q on true
  where (select count(*) from turns) >= 0 and (k.id is not null or g.reply_to_id is not null)`;

/** All or nothing: what stays when a draft is refused has other numbers. */
const verdict = `
  select not exists (select from turns where refusal is not null)
    and not exists (select from remarks where known_id is not null or is_reply_lost) as is_stored`;

const sent = `select * from turns where ends = 2 and (select is_stored from verdict)`;

// A full join, because it is always hashed: both sides may be long, and the planner thinks that they are short.
const inserted = `
  insert into messages (id, thread_id, seq, rev, sender_id, client_id, content_hash, text, reply_to_id, attachments,
    part_numbers, created_at)
  select g.id, g.thread_id, s.base_seq + g.place, s.base_rev + g.place, g.sender_id, g.client_id, g.content_hash, g.text, g.reply_to_id,
    g.attachments, string_to_array(g.part_numbers, ' '), g.created_at
  from given g full join sent s on s.thread_id = g.thread_id where coalesce(s.base_seq, -1) >= 0`;

/** A sender has read and received what was sent. */
const positions = ['buyer_read_seq', 'buyer_delivered_seq', 'seller_read_seq', 'seller_delivered_seq'].map(column => {
  const side = column.split('_', 1)[0];
  return `${column} = case t.${side}_id when s.sender_id then s.base_seq + s.place when s.other_id then s.base_seq + s.other_place
    else t.${column} end`;
});

const moved = `
  update threads t set rev = s.base_rev + s.place, last_seq = s.base_seq + s.place, activity_id = s.id,
    updated_at = greatest(t.updated_at, s.latest_at), ${positions.join(', ')}
  from sent s where t.id = s.thread_id`;

const statements = new WeakMap<readonly StatementPart[], Statement>();

/**
 * Inserts the drafts and moves their threads, with what other modules do about it (`whenStored`), if every one of them may be
 * stored and none was stored before. Otherwise it writes nothing; either way it answers with what it found (`Found`).
 * It is its own transaction where none is open.
 */
export function sendStatement(parts: readonly StatementPart[]): Statement {
  const known = statements.get(parts);
  if (known) return known;
  const withParts = parts.map(part => `, ${part.with}`).join('');
  const values = parts.map(part => `(${part.value})`).join(', ');
  const text = `with given as materialized (${given}), turns as materialized (${turns}), remarks as materialized (${remarks}),
    verdict as materialized (${verdict}), sent as materialized (${sent}), inserted as (${inserted}), moved as (${moved})${withParts}
    select (select is_stored from verdict) as is_stored, (select json_agg(r) from remarks r) as remarks,
      (select json_agg(json_build_array(nth, refusal, recipient_id, base_seq, base_rev)) from turns) as turns,
      json_build_array(${values}) as parts`;
  const statement = { name: 'send-messages', text };
  statements.set(parts, statement);
  return statement;
}
