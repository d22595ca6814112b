import { sql } from 'kysely';
import type { Logger } from 'pino';
import type { Announcement, Push } from '../../common/announcements.ts';
import { type Orm, rows } from '../../common/database.ts';
import type { Slots } from '../../common/slots.ts';
import { events } from '../contract.ts';
import type { WrittenNote } from './message-notes.ts';
import { countBadges, type NotificationRow, presentNotifications } from './present.ts';

const MOST_AT_ONCE = 500;

interface Parts {
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
  /** Resolves once all is told. */
  settled(): Promise<void>;
}

/**
 * Pushes notes after the commit, so that no sender waits for the views of others. A push that is lost with the process is
 * found in the list: the row is stored.
 */
export function createTeller({ orm, log, slots, push, mayHear }: Parts): Teller {
  let waiting = new Map<string, WrittenNote>();
  let running: Promise<void> | null = null;

  async function run(): Promise<void> {
    while (waiting.size > 0) {
      const batch = new Map([...waiting].slice(0, MOST_AT_ONCE));
      for (const id of batch.keys()) waiting.delete(id);
      push(await present(batch));
    }
  }

  async function present(batch: ReadonlyMap<string, WrittenNote>): Promise<Announcement[]> {
    const em = orm.em.fork();
    const scope = { em, now: new Date() };
    const found = await rows<NotificationRow>(em, sql`select * from notifications where id = any(${[...batch.keys()]}::uuid[])`); // biome-ignore format: one line reads better
    const badges = await countBadges(scope, [...new Set(found.map(row => row.user_id))]);
    const views = await presentNotifications({ ...scope, slot: (slot, ids) => slots.read(slot, scope, ids) }, found);
    return found.map((row, index) => {
      const { is_new, alert } = batch.get(row.id)!;
      const payload = { notification: views[index]!, badge: badges.get(row.user_id)!, alert };
      return { name: (is_new ? events.created : events.updated).name, payload, to: [row.user_id], isFact: false };
    });
  }

  return {
    tell(written) {
      for (const note of written) {
        if (!mayHear(note.user_id)) continue;
        const known = waiting.get(note.id);
        const is_new = note.is_new || (known?.is_new ?? false);
        waiting.set(note.id, { ...note, is_new, alert: note.alert || (known?.alert ?? false) });
      }
      running ??= run()
        .catch(error => {
          waiting = new Map();
          log.warn({ err: error }, 'notifications');
        })
        .finally(() => {
          running = null;
        });
    },
    settled: async () => void (await running),
  };
}
