import { type RawBuilder, sql } from 'kysely';
import type { StatementPart } from '../../common/slots.ts';
import { facts } from '../contract.ts';

/** What a message without text is told by, in every language. */
export const PICTURE = '📷';

const unreadNote = (userId: string, threadId: string) => `
  select o.id from notifications o
  where o.user_id = ${userId} and o.group_key = 'thread:' || ${threadId} and o.read_at is null limit 1`;

/** Sending is reading: the sender's unread note of the thread is read too. */
const ctes = (isRead: string, isReadFirst = 'true') => `
  notes_read as (
    update notifications n set read_at = coalesce(n.read_at, $1), seen_at = coalesce(n.seen_at, $1), rev = n.rev + 1
    where ${isRead}
    returning n.id, n.user_id
  ), noted as (
    insert into notifications as n (id, user_id, type, group_key, count, title, body, actor_ids, data, created_at, updated_at)
    select id, recipient_id, 'chat_message', 'thread:' || thread_id, unread_count, post_title,
      left(coalesce(text, '${PICTURE}'), 140), array[sender_id::text],
      jsonb_build_object('thread_id', thread_id, 'post_id', post_id, 'message_id', id), $1, $1
    from sent where recipient_id is not null and ${isReadFirst}
      and not exists (select from notification_preferences p
        where p.user_id = recipient_id and 'chat_message' = any(p.disabled_types))
    on conflict (user_id, group_key) where read_at is null do update set
      count = n.count + excluded.count, title = excluded.title, body = excluded.body,
      updated_at = greatest(n.updated_at, excluded.updated_at),
      data = excluded.data, seen_at = null, rev = n.rev + 1,
      actor_ids = (excluded.actor_ids || array_remove(n.actor_ids, excluded.actor_ids[1]))[1:3]
    returning n.id, n.user_id, n.rev = 1 as is_new, true as alert
  ), told as (
    select * from noted union all select id, user_id, false, false from notes_read
  )`;

/**
 * The notes of messages, written by the statement that stores the messages: unread messages of one thread share a row.
 * Whoever has switched them off gets none.
 */
export const messageNotes: StatementPart = {
  // Of two that talk in one batch a note is read before what comes later begins a new row: the count makes the insert wait. Only
  // the one who did not send last has something unread then: what came after the last of its own.
  with: ctes(
    `n.id = any(array(select (${unreadNote('r.user_id', 's.thread_id')}) from sent s, unnest(s.unread_by) r(user_id)))`,
    '(select count(*) from notes_read) >= 0',
  ),
  withOne: ctes(`n.id = (select (${unreadNote('$3', '$2')}) from sent)`),
  value: 'select json_agg(told) from told',
  fact: facts.notesWritten,
};

/** Whether the user of the note `n` has muted its thread or looks at it: it is told without a noise. */
export const isSilent = (now: Date): RawBuilder<boolean> => sql`(n.type = 'chat_message' and (
  exists (select from participants p
    where p.thread_id = (n.data->>'thread_id')::uuid and p.user_id = n.user_id and p.muted_until > ${now})
  or exists (select from focus_leases f
    where f.user_id = n.user_id and f.thread_id = (n.data->>'thread_id')::uuid and f.expires_at > ${now})))`;
