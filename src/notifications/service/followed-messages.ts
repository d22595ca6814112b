import { type RawBuilder, sql } from 'kysely';
import { positionOf } from '../../chat/service/present.ts';
import type { SharedContext } from '../../common/context.ts';
import { PICTURE } from './message-notes.ts';
import { changeNotes, removeNotes } from './notes.ts';

interface Changed {
  thread_id: string;
  message: { id: string; text: string | null };
}

const groupOf = (threadId: string): string => `thread:${threadId}`;

/** A note that shows the message shows its new text. The thread is locked by whoever changed it. */
export async function showEdited(
  ctx: SharedContext,
  { thread_id, message }: Changed,
  to: readonly string[],
): Promise<void> {
  await changeNotes(
    ctx,
    sql`update notifications set body = left(${message.text ?? PICTURE}, 140), rev = rev + 1
        where user_id = any(${to}::uuid[]) and group_key = ${groupOf(thread_id)} and data->>'message_id' = ${message.id}
        returning id, user_id`,
  );
}

/** Messages that the user of the note `n` has not read and that are not deleted. */
const unreadOf = (threadId: string): RawBuilder<unknown> => sql`
  messages m join threads t on t.id = m.thread_id join participants p on p.thread_id = t.id
  where m.thread_id = ${threadId} and p.user_id = n.user_id and m.type = 'text' and m.sender_id <> n.user_id and m.seq > ${positionOf('read', 'p')}`;

/**
 * A deleted message is not counted any more, and its text is nowhere; a note of which all messages are deleted is gone.
 * The thread is locked by whoever deleted it.
 */
export async function forgetDeleted(
  ctx: SharedContext,
  { thread_id, message }: Changed,
  to: readonly string[],
): Promise<void> {
  const own = sql`n.user_id = any(${to}::uuid[]) and n.group_key = ${groupOf(thread_id)}`;
  const shows = sql`n.data->>'message_id' = ${message.id}`;
  await removeNotes(ctx, sql`${own} and n.read_at is null and not exists (select from ${unreadOf(thread_id)})`);
  await changeNotes(
    ctx,
    sql`update notifications n set body = '', data = n.data - 'message_id', rev = n.rev + 1
        where ${own} and n.read_at is not null and ${shows} returning n.id, n.user_id`,
  );
  await changeNotes(
    ctx,
    sql`update notifications n set count = least(n.count, rest.count), body = left(coalesce(rest.text, ${PICTURE}), 140),
          data = jsonb_set(n.data, '{message_id}', to_jsonb(rest.id)), rev = n.rev + 1
        from (select n.id as note_id, count(*)::int, (array_agg(m.id order by m.seq desc))[1] as id,
                (array_agg(m.text order by m.seq desc))[1] as text
              from notifications n, ${unreadOf(thread_id)} and ${own} and n.read_at is null group by n.id) rest
        where n.id = rest.note_id and (n.count > rest.count or ${shows}) returning n.id, n.user_id`,
  );
}

/** Of a thread that the user may not see any more nothing is left. */
export async function forgetThread(ctx: SharedContext, threadId: string, to: readonly string[]): Promise<void> {
  await removeNotes(ctx, sql`n.user_id = any(${to}::uuid[]) and n.group_key = ${groupOf(threadId)}`);
}
