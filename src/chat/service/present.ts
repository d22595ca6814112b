import { type RawBuilder, sql } from 'kysely';
import type { PublicUser } from '../../accounts/contract/shapes.ts';
import type { PostSnapshot } from '../../b2b/contract.ts';
import type { Me, Message, Preview, SharedThread, Thread } from '../contract/shapes.ts';

const PREVIEW_LENGTH = 140;

/** A preview as `previewOf` reads it. */
interface PreviewRow {
  id: string;
  seq: number;
  sender_id: string | null;
  type: Preview['type'];
  text: string | null;
  created_at: string;
}

export interface MessageRow {
  id: string;
  thread_id: string;
  seq: number;
  rev: number;
  sender_id: string | null;
  client_id: string;
  type: Message['type'];
  text: string | null;
  attachments: Message['attachments'] | null;
  reactions: Message['reactions'] | null;
  part_numbers: string[] | null;
  created_at: string;
  edited_at: string | null;
  deleted_at: string | null;
  changed_at: string | null;
  reply_to: PreviewRow | null;
}

export interface ThreadRow {
  id: string;
  post: PostSnapshot;
  rev: number;
  last_seq: number;
  activity_id: string;
  is_locked: boolean;
  is_blocked: boolean;
  created_at: string;
  updated_at: string;
  last_message: PreviewRow | null;
  participants: ParticipantRow[];
}

interface ParticipantRow {
  user_id: string;
  side: 'buyer' | 'seller';
  read_seq: number;
  delivered_seq: number;
  hides_receipts: boolean;
}

export interface MeRow {
  me_rev: number;
  me_side: 'buyer' | 'seller';
  me_read_seq: number;
  me_marked_unread: boolean;
  me_muted_until: string | null;
  me_archived: boolean;
}

/** Up to where the participant `alias` of the thread `t` has read or received. */
export function positionOf(kind: 'read' | 'delivered', alias: string): RawBuilder<number> {
  const of = (side: string) => sql.ref(`t.${side}_${kind}_seq`);
  return sql`case ${sql.ref(`${alias}.side`)} when 'buyer' then ${of('buyer')} else ${of('seller')} end`;
}

/** A preview of the message `alias` as JSON, null where the join found none. */
function previewOf(alias: string): RawBuilder<PreviewRow | null> {
  const column = (name: string) => sql.ref(`${alias}.${name}`);
  return sql`case when ${column('id')} is not null then json_build_object('id', ${column('id')}, 'seq', ${column('seq')},
    'sender_id', ${column('sender_id')}, 'type', ${column('type')}, 'text', left(${column('text')}, ${sql.lit(PREVIEW_LENGTH)}),
    'created_at', ${column('created_at')}) end`;
}

/** Of `messages m left join messages r on r.id = m.reply_to_id`. */
export const messageColumns = sql`m.id, m.thread_id, m.seq, m.rev, m.sender_id, m.client_id, m.type, m.text, m.attachments,
  m.reactions, m.part_numbers, m.created_at, m.edited_at, m.deleted_at, m.changed_at, ${previewOf('r')} as reply_to`;

/** Of `threads t left join messages l on l.thread_id = t.id and l.seq = t.last_seq`. */
export const threadColumns = sql`t.id, t.post, t.rev, t.last_seq, t.activity_id, t.is_locked, t.is_blocked, t.created_at,
  t.updated_at, ${previewOf('l')} as last_message,
  (select json_agg(json_build_object('user_id', p.user_id, 'side', p.side, 'read_seq', ${positionOf('read', 'p')},
    'delivered_seq', ${positionOf('delivered', 'p')}, 'hides_receipts', p.hides_receipts) order by p.side)
   from participants p where p.thread_id = t.id) as participants`;

/** Of `participants me` and `threads t`. */
export const meColumns = sql`me.me_rev, me.side as me_side, ${positionOf('read', 'me')} as me_read_seq,
  me.is_marked_unread as me_marked_unread, me.muted_until as me_muted_until, me.is_archived as me_archived`;

export function iso(stored: string): string {
  return new Date(stored).toISOString();
}

function isoOrNull(stored: string | null): string | null {
  return stored === null ? null : iso(stored);
}

export function presentPreview(row: PreviewRow | null): Preview | null {
  return row && { ...row, created_at: iso(row.created_at) };
}

export function presentMessage(row: MessageRow): Message {
  const { sender_id, attachments, reactions, part_numbers, reply_to, changed_at: _, ...rest } = row;
  return {
    ...rest,
    sender: { id: sender_id, kind: sender_id === null ? 'system' : 'user' },
    attachments: attachments ?? [],
    reply_to: presentPreview(reply_to),
    reactions: reactions ?? [],
    part_numbers: part_numbers ?? [],
    created_at: iso(row.created_at),
    edited_at: isoOrNull(row.edited_at),
    deleted_at: isoOrNull(row.deleted_at),
  };
}

/** What all participants may know of a thread. */
export function presentSharedThread(row: ThreadRow, people: ReadonlyMap<string, PublicUser>): SharedThread {
  const isHidden = row.is_blocked || row.participants.some(one => one.hides_receipts);
  return {
    id: row.id,
    rev: row.rev,
    post: row.post,
    last_seq: row.last_seq,
    last_message: presentPreview(row.last_message),
    locked: row.is_locked,
    participants: row.participants.map(({ user_id, side, read_seq, delivered_seq }) => ({
      user: people.get(user_id)!,
      side,
      read_seq: isHidden ? null : read_seq,
      delivered_seq,
    })),
    created_at: iso(row.created_at),
    updated_at: iso(row.updated_at),
  };
}

export function presentMe(row: MeRow, lastSeq: number): Me {
  return {
    rev: row.me_rev,
    side: row.me_side,
    read_seq: row.me_read_seq,
    unread: lastSeq - row.me_read_seq,
    marked_unread: row.me_marked_unread,
    muted_until: isoOrNull(row.me_muted_until),
    archived: row.me_archived,
  };
}

export function presentThread(row: ThreadRow & MeRow, people: ReadonlyMap<string, PublicUser>): Thread {
  return { ...presentSharedThread(row, people), me: presentMe(row, row.last_seq) };
}
