import { type RawBuilder, sql } from 'kysely';
import type { SharedContext } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { newId } from '../../common/ids.ts';
import { facts, type Notification, type NotificationType } from '../contract.ts';
import { isEnabled, loadWants } from './preferences.ts';
import type { NotificationRow } from './present.ts';
import { type Said, say } from './texts.ts';

/** A row that was written, changed or removed, and whether it may make a noise. */
export interface WrittenNote {
  id: string;
  user_id: string;
  is_new: boolean;
  /** Preferences, quiet hours, and whether its thread is muted or looked at, are asked for when it is told. */
  alert: boolean;
  /** What it was, once it is gone. */
  removed?: NotificationRow;
}

/** What one user should know. */
export interface Note {
  userId: string;
  type: NotificationType;
  /** Notes of one group share a row while it is unread. */
  groupKey?: string;
  actorId?: string;
  said: Said;
  data: Notification['data'];
}

/**
 * Writes notes in the announcing transaction, in the languages of their users, and lets them be told after its commit: a
 * row of the same group that is still unread is raised, else a new one begins. Types that a user has switched off are
 * left out.
 */
export async function notify(ctx: SharedContext, given: readonly Note[]): Promise<void> {
  if (given.length === 0) return;
  const wants = await loadWants(ctx, [...new Set(given.map(note => note.userId))]);
  const drafts = given.flatMap(note => {
    const own = wants.get(note.userId);
    return own && isEnabled(own, note.type) ? [draftOf(note, say(note.said, own.locale))] : [];
  });
  const written = await write(ctx, joinGroups(drafts));
  tellWritten(
    ctx,
    written.map(({ id, user_id, rev }) => ({ id, user_id, is_new: rev === 1, alert: true })),
  );
}

interface Draft {
  userId: string;
  type: NotificationType;
  groupKey: string | null;
  count: number;
  title: string;
  body: string;
  actorId: string | null;
  data: string;
}

function draftOf(note: Note, { title, body }: { title: string; body: string }): Draft {
  const { userId, type, groupKey = null, actorId = null, data } = note;
  return { userId, type, groupKey, count: 1, title, body, actorId, data: JSON.stringify(data) };
}

/**
 * Drafts for the same group become one, worth their sum; the last one speaks. In one order of users and groups, so that
 * batches do not deadlock.
 */
function joinGroups(drafts: readonly Draft[]): Draft[] {
  const groups = new Map<string, Draft>();
  for (const draft of drafts) {
    const key = draft.groupKey === null ? newId() : `${draft.userId} ${draft.groupKey}`;
    groups.set(key, { ...draft, count: (groups.get(key)?.count ?? 0) + 1 });
  }
  return [...groups.values()].sort(
    (a, b) => compare(a.userId, b.userId) || compare(a.groupKey ?? '', b.groupKey ?? ''),
  );
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

type Written = Pick<NotificationRow, 'id' | 'user_id' | 'rev'>;

async function write({ em, now }: SharedContext, drafts: readonly Draft[]): Promise<Written[]> {
  if (drafts.length === 0) return [];
  const column = <T>(read: (draft: Draft) => T) => drafts.map(read);
  return rows<Written>(
    em,
    sql`insert into notifications as n
          (id, user_id, type, group_key, count, title, body, actor_ids, data, created_at, updated_at)
        select id, user_id, type, group_key, count, title, body, array_remove(array[actor_id], null), data::jsonb, ${now}, ${now}
        from unnest(${column(newId)}::uuid[], ${column(one => one.userId)}::uuid[], ${column(one => one.type)}::text[],
          ${column(one => one.groupKey)}::text[], ${column(one => one.count)}::int[], ${column(one => one.title)}::text[],
          ${column(one => one.body)}::text[], ${column(one => one.actorId)}::text[], ${column(one => one.data)}::text[])
          as given (id, user_id, type, group_key, count, title, body, actor_id, data)
        on conflict (user_id, group_key) where read_at is null do update set
          count = n.count + excluded.count, title = excluded.title, body = excluded.body, data = excluded.data,
          updated_at = greatest(n.updated_at, excluded.updated_at), seen_at = null, rev = n.rev + 1,
          actor_ids = (excluded.actor_ids || array_remove(n.actor_ids, excluded.actor_ids[1]))[1:3]
        returning id, user_id, rev`,
  );
}

/** Rows that a statement has changed (`returning id, user_id`); told without a noise. */
export async function changeNotes(ctx: SharedContext, statement: RawBuilder<unknown>): Promise<NotificationRow[]> {
  const changed = await rows<NotificationRow>(ctx.em, statement as RawBuilder<NotificationRow>);
  tellWritten(
    ctx,
    changed.map(({ id, user_id }) => ({ id, user_id, is_new: false, alert: false })),
  );
  return changed;
}

/** Removes the rows that a condition on `notifications n` picks, and tells the devices of their users. */
export async function removeNotes(ctx: SharedContext, which: RawBuilder<unknown>): Promise<void> {
  const removed = await rows<NotificationRow>(ctx.em, sql`delete from notifications n where ${which} returning n.*`);
  tellWritten(
    ctx,
    removed.map(row => ({ id: row.id, user_id: row.user_id, is_new: false, alert: false, removed: row })),
  );
}

function tellWritten(ctx: SharedContext, written: readonly WrittenNote[]): void {
  if (written.length > 0) ctx.emit(facts.notesWritten, written);
}
