import { askOver, type SocketLike } from './ask.ts';
import type { PresenceCalls, PresenceEvents, PresenceState } from './contract.ts';
import { type Observable, observe, type Source } from './observable.ts';
import { type Wait, wait } from './timers.ts';

interface PingingSocket extends SocketLike {
  emit(event: string, payload: unknown): unknown;
}

export interface Presence {
  /** Watches a user for as long as the snapshot is subscribed to; 200 at the same time. */
  of(userId: string): Observable<PresenceState>;
  /** Whether the person at this device is active: online, or away. */
  setActive(isActive: boolean): void;
}

const PING_MS = 30_000;
const AGAIN_MS = 5_000;
const MOST = 200;

/** The list of who is watched is sent whole, again after every `session:ready`. */
export function createPresence(socket: PingingSocket, options: { wait?: Wait | undefined } = {}): Presence {
  const after = options.wait ?? wait;
  const ask = askOver<PresenceCalls>(socket);
  const states = new Map<string, PresenceState>();
  const sources = new Map<string, Source<PresenceState>>();
  let listed: ReadonlySet<string> = new Set();
  let isReady = false;
  let isActive = true;
  let isAsked = false;
  let cancelPing = () => {};

  function take(found: readonly PresenceState[]): void {
    for (const state of found.filter(one => listed.has(one.user_id))) {
      states.set(state.user_id, state);
      sources.get(state.user_id)?.changed();
    }
  }

  /** Of all others nothing is heard any more. */
  function watch(userIds: readonly string[]): void {
    listed = new Set(userIds);
    for (const userId of [...states.keys()].filter(one => !listed.has(one))) {
      states.delete(userId);
      sources.get(userId)?.changed();
    }
  }

  /** Gathers what one rendering asks for. */
  function subscribeSoon(): void {
    if (!isReady || isAsked) return;
    isAsked = true;
    after(50, async () => {
      isAsked = false;
      if (!isReady) return;
      watch([...sources].filter(([, source]) => source.isWatched()).map(([userId]) => userId).slice(0, MOST)); // biome-ignore format: one line reads better
      const ack = await ask('presence:subscribe', { user_ids: [...listed] }).catch(() => null);
      if (ack?.ok) take(ack.data.states);
      // Else the list before would be watched until somebody else is looked at.
      else if (!ack || ack.error.retryable) after(ack?.error.retry_after_ms ?? AGAIN_MS, subscribeSoon);
    });
  }

  function ping(): void {
    cancelPing();
    // never answered: the next one follows
    socket.emit('presence:ping', { active: isActive } satisfies PresenceCalls['presence:ping']['payload']);
    cancelPing = after(PING_MS, ping);
  }

  socket.on('session:ready', () => {
    isReady = true;
    subscribeSoon();
    ping();
  });
  socket.on('presence:updated', (push: PresenceEvents['presence:updated']) => take(push.states));
  socket.on('disconnect', () => {
    isReady = false;
    cancelPing();
    states.clear();
    for (const source of sources.values()) source.changed();
  });

  return {
    of(userId) {
      const known = sources.get(userId);
      if (known) return known;
      const source = observe<PresenceState>(
        () => states.get(userId) ?? { user_id: userId, status: 'unknown', last_seen_at: null },
      );
      const watched: Source<PresenceState> = {
        ...source,
        subscribe(listener) {
          const end = source.subscribe(listener);
          subscribeSoon();
          return () => {
            end();
            subscribeSoon();
          };
        },
      };
      sources.set(userId, watched);
      return watched;
    },
    setActive(changed) {
      if (changed === isActive) return;
      isActive = changed;
      if (isReady) ping();
    },
  };
}
