import { sql } from 'kysely';
import type { SharedContext } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { newId } from '../../common/ids.ts';
import { events, type NotificationType } from '../contract.ts';
import { countBadges, type NotificationRow, presentNotifications } from './present.ts';

/** What one user should know. */
export interface Note {
  userId: string;
  type: NotificationType;
  /** Notes of one group share a row while it is unread. */
  groupKey: string | null;
  count: number;
  title: string;
  body: string;
  actorId: string | null;
  data: NotificationRow['data'];
  alert: boolean;
}

/**
 * Writes notes in the announcing transaction and pushes them after its commit: a row of the same group that is still unread
 * is raised, else a new one begins. One statement for all, in one order of users, so that batches do not deadlock.
 */
export async function notify(ctx: SharedContext, given: readonly Note[]): Promise<void> {
  if (given.length === 0) return;
  const notes = joinGroups(given);
  const written = await writeNotes(ctx, notes);
  const badges = await countBadges(ctx, [...new Set(written.map(row => row.user_id))]);
  const views = await presentNotifications(ctx, written);
  const alerts = new Map(notes.map(note => [`${note.userId} ${note.groupKey}`, note.alert]));
  for (const [index, row] of written.entries()) {
    const payload = {
      notification: views[index]!,
      badge: badges.get(row.user_id)!,
      alert: alerts.get(`${row.user_id} ${row.group_key}`) ?? true,
    };
    ctx.emit(row.rev === 1 ? events.created : events.updated, payload, { to: [row.user_id] });
  }
}

/** Notes of one batch for the same group become one, worth their sum; the last one speaks. */
function joinGroups(given: readonly Note[]): Note[] {
  const groups = new Map<string, Note>();
  for (const note of given) {
    const key = note.groupKey === null ? newId() : `${note.userId} ${note.groupKey}`;
    const known = groups.get(key);
    groups.set(key, known ? { ...note, count: known.count + note.count, alert: known.alert || note.alert } : note);
  }
  return [...groups.values()].sort(
    (a, b) => compare(a.userId, b.userId) || compare(a.groupKey ?? '', b.groupKey ?? ''),
  );
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function writeNotes({ em, now }: SharedContext, notes: readonly Note[]): Promise<NotificationRow[]> {
  const column = <T>(read: (note: Note) => T) => notes.map(read);
  return rows<NotificationRow>(
    em,
    sql`insert into notifications as n
          (id, user_id, type, group_key, count, title, body, actor_ids, data, created_at, updated_at)
        select id, user_id, type, group_key, count, title, body, array_remove(array[actor_id], null), data::jsonb, ${now}, ${now}
        from unnest(${column(newId)}::uuid[], ${column(note => note.userId)}::uuid[], ${column(note => note.type)}::text[],
          ${column(note => note.groupKey)}::text[], ${column(note => note.count)}::int[], ${column(note => note.title)}::text[],
          ${column(note => note.body)}::text[], ${column(note => note.actorId)}::text[],
          ${column(note => JSON.stringify(note.data))}::text[])
          as given (id, user_id, type, group_key, count, title, body, actor_id, data)
        on conflict (user_id, group_key) where read_at is null and group_key is not null do update set
          count = n.count + excluded.count, title = excluded.title, body = excluded.body, updated_at = excluded.updated_at,
          actor_ids = (excluded.actor_ids || array_remove(n.actor_ids, excluded.actor_ids[1]))[1:3], seen_at = null, rev = n.rev + 1
        returning *`,
  );
}
