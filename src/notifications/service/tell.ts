import { sql } from 'kysely';
import type { Logger } from 'pino';
import type { Announcement, Push } from '../../common/announcements.ts';
import { type Orm, rows } from '../../common/database.ts';
import type { SlotScope, Slots } from '../../common/slots.ts';
import { events } from '../contract.ts';
import { createCollector } from './collect.ts';
import { isSilent } from './message-notes.ts';
import type { WrittenNote } from './notes.ts';
import { mayAlert, type Wants, wantsColumns } from './preferences.ts';
import { type BadgeView, countBadges, type NotificationRow, noteColumns, presentNotifications } from './present.ts';

export interface TellerParts {
  orm: Orm;
  log: Logger;
  slots: Slots;
  push: Push;
  /** False for a user of whom no instance can have a socket. */
  mayHear: (userId: string) => boolean;
}

export interface Teller {
  /** Pushes what was written, as it is by then; what comes meanwhile is told together. */
  tell(written: readonly WrittenNote[]): void;
  /** Pushes the numbers alone. */
  tellBadges(userIds: readonly string[]): void;
  /** Resolves once all is told. */
  settled(): Promise<void>;
}

type Told = { user_id: string; note: WrittenNote | null };

/**
 * Pushes notes and badges after the commit, so that no sender waits for the views of others. Numbers are counted here
 * alone, one batch after the other: the last push of a user is the one that was counted last. A push that is lost with the
 * process is found in the list: the row is stored.
 */
export function createTeller({ orm, log, slots, push, mayHear }: TellerParts): Teller {
  const told = createCollector<Told>(log, async batch => push(await present(batch)), join);

  async function present(batch: readonly Told[]): Promise<Announcement[]> {
    const now = new Date();
    const scope = { em: orm.em.fork(), now };
    const notes = new Map(batch.flatMap(({ note }) => (note ? [[note.id, note]] : [])));
    const found = await loadTold(scope, notes);
    const badges = await countBadges(scope, [...new Set(batch.map(one => one.user_id))]);
    const views = await presentNotifications({ ...scope, slot: (slot, ids) => slots.read(slot, scope, ids) }, found);
    const ofRows = found.map((row, index) => {
      const note = notes.get(row.id)!;
      const alert = note.alert && row.read_at === null && !row.is_silent && mayAlert(row, row.type, now);
      return announce(eventOf(note).name, row.user_id, {
        ...{ notification: views[index]!, badge: badges.get(row.user_id)!, alert },
      });
    });
    const withRow = new Set(found.map(row => row.user_id));
    const numbersOnly = [...badges].filter(([userId]) => !withRow.has(userId));
    return [...ofRows, ...numbersOnly.map(([userId, badge]) => announceBadge(userId, badge))];
  }

  return {
    tell(written) {
      for (const note of written) if (mayHear(note.user_id)) told.add(note.id, { user_id: note.user_id, note });
    },
    tellBadges(userIds) {
      for (const user_id of userIds) if (mayHear(user_id)) told.add(user_id, { user_id, note: null });
    },
    settled: told.settled,
  };
}

function join(known: Told, { user_id, note }: Told): Told {
  if (!note || !known.note) return { user_id, note: note ?? known.note };
  const is_new = note.is_new || known.note.is_new;
  return { user_id, note: { ...note, is_new, alert: note.alert || known.note.alert } };
}

const eventOf = ({ removed, is_new }: WrittenNote) =>
  removed ? events.removed : is_new ? events.created : events.updated;

/** The numbers alone. */
export const announceBadge = (userId: string, badge: BadgeView): Announcement<{ badge: BadgeView }> =>
  announce(events.badge.name, userId, { badge });

function announce(name: string, userId: string, payload: { badge: BadgeView }): Announcement<{ badge: BadgeView }> {
  return { name, payload, to: [userId], isFact: false };
}

interface ToldRow extends NotificationRow, Wants {
  is_silent: boolean;
}

/** As the rows are now; one that was removed meanwhile is told by its removal. */
async function loadTold({ em, now }: SlotScope, notes: ReadonlyMap<string, WrittenNote>): Promise<ToldRow[]> {
  const removed = [...notes.values()].flatMap(note => (note.removed ? [{ ...note.removed, ...silent }] : []));
  const ids = [...notes.values()].flatMap(note => (note.removed ? [] : [note.id]));
  if (ids.length === 0) return removed;
  const found = await rows<ToldRow>(
    em,
    sql`select ${noteColumns}, ${wantsColumns}, ${isSilent(now)} as is_silent from notifications n join users u on u.id = n.user_id
        left join notification_preferences p on p.user_id = n.user_id where n.id = any(${ids}::uuid[])`,
    { isHot: true },
  );
  return [...found, ...removed];
}

const silent = { locale: 'uz' as const, disabled_types: [], quiet_types: [], quiet_hours: null, is_silent: true };
