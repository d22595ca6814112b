import type { StatementPart } from '../../common/slots.ts';
import { facts } from '../contract.ts';

/** What a message without text is told by, in every language. */
export const PICTURE = '📷';

// Sending is reading: the sender's unread note of the thread is read first, so that what comes later in the same batch
// begins a new row. The count of `notes_read` makes the insert wait for it.
const ctes = `
  senders as (
    select thread_id, sender_id as user_id, max(seq) as seq, min(last_seq) > min(read_seq) as had_unread
    from stored group by 1, 2
  ), notes_read as (
    update notifications n set read_at = $12, seen_at = coalesce(n.seen_at, $12), rev = n.rev + 1
    where n.read_at is null and n.id = any(array(
      select (select o.id from notifications o
              where o.user_id = s.user_id and o.group_key = 'thread:' || s.thread_id and o.read_at is null limit 1)
      from senders s where s.had_unread))
    returning n.id, n.user_id
  ), note as (
    select (array_agg(m.note_id order by m.seq))[1] as id, m.recipient_id as user_id, 'thread:' || m.thread_id as group_key,
      m.thread_id, m.sender_id, m.post_id, m.post_title, count(*)::int as count, (array_agg(m.id order by m.seq desc))[1] as message_id,
      left((array_agg(coalesce(m.text, '${PICTURE}') order by m.seq desc))[1], 140) as body
    from stored m left join senders own on own.thread_id = m.thread_id and own.user_id = m.recipient_id
    where m.recipient_id is not null and m.seq > coalesce(own.seq, 0)
    group by m.recipient_id, m.thread_id, m.sender_id, m.post_id, m.post_title
  ), noted as (
    insert into notifications as n (id, user_id, type, group_key, count, title, body, actor_ids, data, created_at, updated_at)
    select id, user_id, 'chat_message', group_key, count, post_title, body, array[sender_id::text],
      jsonb_build_object('thread_id', thread_id, 'post_id', post_id, 'message_id', message_id), $12, $12
    from note where (select count(*) from notes_read) >= 0 and not exists (
      select from notification_preferences p where p.user_id = note.user_id and 'chat_message' = any(p.disabled_types))
    order by user_id, group_key
    on conflict (user_id, group_key) where read_at is null and group_key is not null do update set
      count = n.count + excluded.count, title = excluded.title, body = excluded.body, updated_at = excluded.updated_at,
      data = excluded.data, seen_at = null, rev = n.rev + 1,
      actor_ids = (excluded.actor_ids || array_remove(n.actor_ids, excluded.actor_ids[1]))[1:3]
    returning n.id, n.user_id, n.group_key, n.rev
  ), told as (
    select n.id, n.user_id, n.rev = 1 as is_new,
      not exists (select from participants p where p.thread_id = t.thread_id and p.user_id = t.user_id and p.muted_until > $12)
      and not exists (select from focus_leases f
        where f.user_id = t.user_id and f.thread_id = t.thread_id and f.expires_at > $12) as alert
    from noted n join note t using (user_id, group_key)
    union all select id, user_id, false, false from notes_read
  )`;

/**
 * The notes of messages, written by the statement that stores the messages: unread messages of one thread share a row, and
 * whoever muted the thread or looks at it is told without a noise; whoever has switched them off gets none.
 */
export const messageNotes: StatementPart = {
  with: ctes,
  value: 'select json_agg(told) from told',
  fact: facts.notesWritten,
};
