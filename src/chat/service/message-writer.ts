import { hash } from 'node:crypto';
import { type RawBuilder, sql } from 'kysely';
import type { Call, SharedContext } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { newId } from '../../common/ids.ts';
import type { SendMessage } from '../contract/messages.ts';
import type { Attachment, Message, Preview } from '../contract/shapes.ts';
import { isClosed } from './closed-accounts.ts';
import { partNumbersOf } from './part-numbers.ts';

/** A message that waits to be stored. */
export interface Draft {
  id: string;
  call: Call<SendMessage>;
  contentHash: Buffer;
  attachments: Attachment[];
  partNumbers: string[];
}

/** What the database found and did with a draft. */
export interface Written {
  is_participant: boolean;
  is_locked: boolean;
  is_unavailable: boolean;
  has_reply_target: boolean;
  /** The message that the sender stored under this `client_id` before. */
  known_id: string | null;
  known_hash: Buffer | null;
  /** null: nothing was stored. */
  seq: number | null;
  rev: number | null;
  /** The sender's read position before. */
  read_seq: number;
  recipient_id: string | null;
  post_id: string;
  post_title: string;
  reply_to: Preview | null;
}

/** Of what was first sent, the thread included: tells a retry from another message under the same id (G2). */
export function contentHashOf({ thread_id, text, attachments, reply_to }: SendMessage): Buffer {
  const content = JSON.stringify([thread_id, text ?? null, attachments ?? [], reply_to ?? null]);
  return hash('sha256', content, 'buffer').subarray(0, 16);
}

export function draftOf(call: Call<SendMessage>): Draft {
  return {
    id: newId(),
    call,
    contentHash: contentHashOf(call.input),
    attachments: [],
    partNumbers: partNumbersOf(call.input.text),
  };
}

/**
 * Finds what was sent before, numbers the rest per thread in the order of the drafts, inserts it, and moves the threads
 * and the senders' read positions: one statement, on threads that are locked. Answers each draft at its place.
 */
export async function writeMessages(ctx: SharedContext, drafts: readonly Draft[]): Promise<Written[]> {
  return rows<Written>(
    ctx.em,
    sql`with draft as (${draftRows(drafts)}), checked as (${checkedDrafts(ctx.now)}),
      fresh as (
        select c.*, c.last_seq + c.n as seq, c.base_rev + c.n as rev
        from (select *, row_number() over (partition by thread_id order by place)::int as n from checked where may_store) c
      ), inserted as (
        insert into messages (id, thread_id, seq, rev, sender_id, client_id, content_hash, text, reply_to_id, attachments,
          part_numbers, created_at)
        select id, thread_id, seq, rev, sender_id, client_id, content_hash, text, reply_to_id, attachments,
          string_to_array(part_numbers, ' '), created_at from fresh
      ), moved as (
        update threads t set rev = f.rev, last_seq = f.seq, activity_id = f.id,
          updated_at = greatest(t.updated_at, f.created_at)
        from (select distinct on (thread_id) thread_id, id, seq, rev, max(created_at) over (partition by thread_id) as created_at
              from fresh order by thread_id, seq desc) f where t.id = f.thread_id
      ), positions as (
        update participants p set read_seq = f.seq, delivered_seq = f.seq
        from (select thread_id, sender_id, max(seq) as seq from fresh group by 1, 2) f
        where p.thread_id = f.thread_id and p.user_id = f.sender_id
      )
      select c.is_participant, c.is_locked, c.is_unavailable, c.has_reply_target, c.known_id, c.known_hash, f.seq, f.rev,
        c.read_seq, c.recipient_id, c.post_id, c.post_title, c.reply_to
      from checked c left join fresh f using (place) order by c.place`,
  );
}

const checkedDrafts = (now: Date) => sql`
  select d.*, t.last_seq, t.rev as base_rev, s.read_seq, r.user_id as recipient_id, t.post_id, t.post->>'title' as post_title,
    s.user_id is not null as is_participant, t.is_locked, k.id as known_id, k.content_hash as known_hash,
    t.is_blocked or ${isClosed('u', now)} as is_unavailable,
    d.reply_to_id is null or q.id is not null as has_reply_target,
    case when q.id is not null then json_build_object('id', q.id, 'seq', q.seq, 'sender_id', q.sender_id, 'type', q.type,
      'text', left(q.text, 140), 'created_at', q.created_at) end as reply_to,
    k.id is null and s.user_id is not null and not t.is_locked and not t.is_blocked and not ${isClosed('u', now)}
      and (d.reply_to_id is null or q.id is not null) as may_store
  from draft d
  left join threads t on t.id = d.thread_id
  left join participants s on s.thread_id = t.id and s.user_id = d.sender_id and s.removed_at is null
  left join users u on u.id = case when t.buyer_id = d.sender_id then t.seller_id else t.buyer_id end
  left join participants r on r.thread_id = t.id and r.user_id = u.id and r.removed_at is null
  left join messages k on k.sender_id = d.sender_id and k.client_id = d.client_id
  left join messages q on q.id = d.reply_to_id and q.thread_id = d.thread_id`;

function draftRows(drafts: readonly Draft[]): RawBuilder<unknown> {
  const list = <Value>(read: (draft: Draft) => Value) => drafts.map(read);
  return sql`select * from unnest(${list(one => one.id)}::uuid[], ${list(one => one.call.input.thread_id)}::uuid[],
    ${list(one => one.call.actor.userId)}::uuid[], ${list(one => one.call.input.client_id)}::uuid[],
    ${list(one => one.contentHash)}::bytea[], ${list(one => one.call.input.text ?? null)}::text[],
    ${list(one => one.call.input.reply_to ?? null)}::uuid[],
    ${list(one => (one.attachments.length > 0 ? JSON.stringify(one.attachments) : null))}::jsonb[],
    ${list(one => (one.partNumbers.length > 0 ? one.partNumbers.join(' ') : null))}::text[],
    ${list(one => one.call.now.toISOString())}::timestamptz[]) with ordinality
    as d(id, thread_id, sender_id, client_id, content_hash, text, reply_to_id, attachments, part_numbers, created_at, place)`;
}

/** The message as it was just stored. */
export function presentDraft({ id, call, attachments, partNumbers }: Draft, written: Written): Message {
  const { input, actor, now } = call;
  return {
    id,
    thread_id: input.thread_id,
    seq: written.seq!,
    rev: written.rev!,
    client_id: input.client_id,
    sender: { id: actor.userId, kind: 'user' },
    type: 'text',
    text: input.text ?? null,
    attachments,
    reply_to: written.reply_to,
    reactions: [],
    part_numbers: partNumbers,
    created_at: now.toISOString(),
    edited_at: null,
    deleted_at: null,
  };
}
