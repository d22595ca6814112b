import { sql } from 'kysely';
import type { Push } from '../../common/announcements.ts';
import type { UseCase } from '../../common/context.ts';
import { type Orm, rows } from '../../common/database.ts';
import { events, type operations, type StoredMessage } from '../contract.ts';

const EXPIRES_IN_MS = 7_000;
const RELAY_EVERY_MS = 3_000;

interface Place {
  threadId: string;
  userId: string;
}

interface Typist extends Place {
  connection: string | undefined;
  /** When its last start came in. */
  since: Date;
  expiry: NodeJS.Timeout;
}

export interface Typing {
  start: UseCase<typeof operations.startTyping>;
  stop: UseCase<typeof operations.stopTyping>;
  /** Whoever has sent the message has stopped writing it; what was begun after it came in goes on. */
  endBySending(stored: StoredMessage): void;
  leave(connection: string): Promise<void>;
}

interface Parts {
  orm: Orm;
  push: Push;
  /** Divides waiting times in tests. */
  timeScale: number;
}

/**
 * Who is writing where, on this node alone: never stored, and always ended by a stop, a message, a disconnect or 7 s of
 * silence. Whom it may reach is asked each time it is told, so that a block or a removal holds from its commit on (G10).
 */
export function createTyping({ orm, push, timeScale }: Parts): Typing {
  /** By thread: every message asks, and a key that is made for it would cost more than all else here. */
  const typists = new Map<string, Typist[]>();
  /** Told so lately that it is not told again, whatever came in between: start and stop in turns reach nobody. */
  const relayed = new Set<string>();

  const find = ({ threadId, userId }: Place) => typists.get(threadId)?.find(one => one.userId === userId);

  async function tell(place: Place, state: 'start' | 'stop'): Promise<boolean> {
    const { threadId, userId } = place;
    const to = await findListeners(orm, threadId, userId);
    const isWriting = find(place) !== undefined;
    // Meanwhile it may have ended, or begun again.
    if (isWriting !== (state === 'start')) return true;
    const payload = { thread_id: threadId, user_id: userId, state, expires_in_ms: EXPIRES_IN_MS };
    if (to.length > 0) push([{ name: events.typingUpdated.name, payload, to, isFact: false }]);
    return to.length > 0;
  }

  function forget(place: Place): Typist | undefined {
    const typist = find(place);
    if (!typist) return;
    clearTimeout(typist.expiry);
    const others = typists.get(place.threadId)!.filter(one => one !== typist);
    if (others.length > 0) typists.set(place.threadId, others);
    else typists.delete(place.threadId);
    return typist;
  }

  async function end(place: Place): Promise<void> {
    const typist = forget(place);
    // What is not told, the listener's own 7 s end.
    if (typist) await tell(typist, 'stop').catch(() => {});
  }

  return {
    async start({ actor, connection, now }, { thread_id }) {
      const place = { threadId: thread_id, userId: actor.userId };
      const key = `${place.threadId} ${place.userId}`;
      forget(place);
      const isQuiet = relayed.has(key);
      const expiry = setTimeout(end, EXPIRES_IN_MS / timeScale, place).unref();
      const typist = { ...place, connection, since: now, expiry };
      typists.set(thread_id, [...(typists.get(thread_id) ?? []), typist]);
      if (isQuiet) return {};
      relayed.add(key);
      setTimeout(() => relayed.delete(key), RELAY_EVERY_MS / timeScale).unref();
      if (!(await tell(typist, 'start')) && find(place) === typist) forget(place);
      return {};
    },
    async stop({ actor }, { thread_id }) {
      await end({ threadId: thread_id, userId: actor.userId });
      return {};
    },
    endBySending({ message, recipientIds }) {
      const { thread_id, sender, created_at } = message;
      const typist = find({ threadId: thread_id, userId: sender.id! });
      if (!typist || typist.since.getTime() >= Date.parse(created_at)) return;
      forget(typist);
      const payload = { thread_id, user_id: sender.id, state: 'stop', expires_in_ms: EXPIRES_IN_MS };
      push([{ name: events.typingUpdated.name, payload, to: recipientIds, isFact: false }]);
    },
    async leave(connection) {
      const left = [...typists.values()].flat().filter(typist => typist.connection === connection);
      await Promise.all(left.map(end));
    },
  };
}

/** The others of a thread, where the user takes part and may write. */
async function findListeners(orm: Orm, threadId: string, userId: string): Promise<string[]> {
  const found = await rows<{ user_id: string }>(
    orm.em.fork(),
    sql`select r.user_id from threads t
        join participants me on me.thread_id = t.id and me.user_id = ${userId} and me.removed_at is null
        join participants r on r.thread_id = t.id and r.user_id <> ${userId} and r.removed_at is null
        where t.id = ${threadId} and not t.is_blocked and not t.is_locked`,
  );
  return found.map(one => one.user_id);
}
