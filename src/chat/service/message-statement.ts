import type { StatementPart } from '../../common/slots.ts';
import type { Statement } from '../../common/statements.ts';
import { closedAccount } from './closed-accounts.ts';

/** What waits: one array per column, see `Placed`. */
const given = `
  select * from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::bytea[], $7::text[], $8::uuid[], $9::jsonb[],
    $10::text[], $11::timestamptz[], $12::int[], $13::int[], $14::uuid[], $15::int[], $16::timestamptz[])
  with ordinality as g(id, thread_id, sender_id, client_id, content_hash, text, reply_to_id, attachments, part_numbers, created_at,
    place, ends, other_id, other_place, latest_at, nth)`;

const isIn = (side: string, senderId: string) => `t.${side}_id = ${senderId} and not t.is_${side}_removed`;
const isParticipant = (senderId: string) => `(${isIn('buyer', senderId)} or ${isIn('seller', senderId)})`;
const isPeerClosed = (senderId: string) => `(select ${closedAccount('u', '$1::timestamptz')} from users u
  where u.id = case when t.buyer_id = ${senderId} then t.seller_id else t.buyer_id end)`;
const recipient = (senderId: string) => `
  case when t.buyer_id = ${senderId} and not t.is_seller_removed then t.seller_id
       when t.seller_id = ${senderId} and not t.is_buyer_removed then t.buyer_id end as recipient_id`;
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
    select t.rev as base_rev, t.last_seq as base_seq, t.post_id, t.post->>'title' as post_title, ${recipient('g.sender_id')},
      array_remove(array[${unreadBy('g.sender_id')}, ${unreadBy('g.other_id')}], null) as unread_by,
      case when not ${isParticipant('g.sender_id')} then 'not_found'
           when t.is_locked then 'thread_locked'
           when t.is_blocked or ${isPeerClosed('g.sender_id')} then 'recipient_unavailable' end as reason
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

/** A sender has read and received what was sent; `cases` say by whom and up to where. */
const positions = (cases: string) =>
  ['buyer_read_seq', 'buyer_delivered_seq', 'seller_read_seq', 'seller_delivered_seq']
    .map(column => `${column} = case t.${column.split('_', 1)[0]}_id ${cases} else t.${column} end`)
    .join(', ');

const moved = `
  update threads t set rev = s.base_rev + s.place, last_seq = s.base_seq + s.place, activity_id = s.id,
    updated_at = greatest(t.updated_at, s.latest_at), ${positions('when s.sender_id then s.base_seq + s.place when s.other_id then s.base_seq + s.other_place')}
  from sent s where t.id = s.thread_id`;

/**
 * Inserts the drafts and moves their threads, with what other modules do about it (`whenStored`), if every one of them may be
 * stored and none was stored before. Otherwise it writes nothing; either way it answers with what it found (`Found`).
 * It is its own transaction where none is open.
 */
export const sendStatement = byParts(
  'send-messages',
  parts => `with given as materialized (${given}), turns as materialized (${turns}), remarks as materialized (${remarks}),
    verdict as materialized (${verdict}), sent as materialized (${sent}), inserted as (${inserted}), moved as (${moved})
    ${parts.map(part => `, ${part.with}`).join('')}
    select (select is_stored from verdict) as is_stored, (select json_agg(r) from remarks r) as remarks,
      (select json_agg(json_build_array(nth, refusal, recipient_id, base_seq, base_rev)) from turns) as turns,
      ${valuesOf(parts)} as parts`,
);

/** It locks as it writes: what it had to wait for is read anew for its conditions. */
const sentOne = `
  update threads t set rev = t.rev + 1, last_seq = t.last_seq + 1, activity_id = $4::uuid,
    updated_at = greatest(t.updated_at, $10::timestamptz), ${positions('when $3 then t.last_seq + 1')}
  where t.id = $2::uuid and ${isParticipant('$3::uuid')} and not t.is_locked and not t.is_blocked and ${isPeerClosed('$3')} is not true
    and not exists (select from messages k where k.sender_id = $3 and k.client_id = $5::uuid)
  returning $4::uuid as id, t.id as thread_id, $3::uuid as sender_id, $7::text as text, t.rev, t.last_seq, ${recipient('$3')},
    t.post_id, t.post->>'title' as post_title, 1 as unread_count`;

const insertedOne = `
  insert into messages (id, thread_id, seq, rev, sender_id, client_id, content_hash, text, attachments, part_numbers, created_at)
  select id, thread_id, last_seq, rev, sender_id, $5, $6::bytea, text, $8::jsonb, string_to_array($9::text, ' '), $10 from sent`;

/**
 * The same for one draft that replies to nothing, in a shorter plan: what a caller waits for who is alone. If it may not be stored, or
 * was before, it writes nothing and answers with no row; why, the statement for many says.
 */
export const sendOneStatement = byParts(
  'send-message',
  parts => `with sent as (${sentOne}), inserted as (${insertedOne}) ${parts.map(part => `, ${part.withOne}`).join('')}
    select last_seq as seq, rev, recipient_id, ${valuesOf(parts)} as parts from sent`,
);

function valuesOf(parts: readonly StatementPart[]): string {
  return `json_build_array(${parts.map(part => `(${part.value})`).join(', ')})`;
}

function byParts(name: string, build: (parts: readonly StatementPart[]) => string) {
  const known = new WeakMap<readonly StatementPart[], Statement>();
  return (parts: readonly StatementPart[]): Statement => {
    const statement = known.get(parts) ?? { name, text: build(parts) };
    known.set(parts, statement);
    return statement;
  };
}
