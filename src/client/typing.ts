import type { ChatEvents } from './contract.ts';
import { type Wait, wait } from './timers.ts';

export interface Typing {
  /** Call it for every key: the others are told at most every 3 s, and that it stopped after 5 s of silence. */
  type(threadId: string): void;
  stop(threadId: string): void;
  heard(push: ChatEvents['typing:updated']): void;
  /** Who writes in a thread now. */
  in(threadId: string): readonly string[];
  /** Nobody is heard any more. */
  reset(): void;
}

interface Options {
  emit: (event: 'typing:start' | 'typing:stop', payload: { thread_id: string }) => void;
  onChange: (threadId: string) => void;
  wait?: Wait | undefined;
}

const REPEAT_MS = 3_000;
const SILENCE_MS = 5_000;

export function createTyping({ emit, onChange, wait: after = wait }: Options): Typing {
  /** By thread: by user, what ends it if no word of them comes. */
  const heard = new Map<string, Map<string, () => void>>();
  const own = new Map<string, { toldAt: number; cancel: () => void }>();

  function forget(threadId: string, userId: string): void {
    const inThread = heard.get(threadId);
    inThread?.get(userId)?.();
    if (inThread?.delete(userId)) onChange(threadId);
  }

  function stop(threadId: string): void {
    const mine = own.get(threadId);
    mine?.cancel();
    if (own.delete(threadId)) emit('typing:stop', { thread_id: threadId });
  }

  return {
    type(threadId) {
      const mine = own.get(threadId);
      mine?.cancel();
      const isDue = !mine || Date.now() - mine.toldAt >= REPEAT_MS;
      if (isDue) emit('typing:start', { thread_id: threadId });
      const toldAt = isDue ? Date.now() : mine.toldAt;
      own.set(threadId, { toldAt, cancel: after(SILENCE_MS, () => stop(threadId)) });
    },
    stop,
    heard({ thread_id, user_id, state, expires_in_ms }) {
      if (state === 'stop') return forget(thread_id, user_id);
      const inThread = heard.get(thread_id) ?? new Map<string, () => void>();
      inThread.get(user_id)?.();
      inThread.set(
        user_id,
        after(expires_in_ms, () => forget(thread_id, user_id)),
      );
      heard.set(thread_id, inThread);
      onChange(thread_id);
    },
    in: threadId => [...(heard.get(threadId)?.keys() ?? [])],
    reset() {
      for (const [threadId, inThread] of heard) for (const userId of [...inThread.keys()]) forget(threadId, userId);
      for (const { cancel } of own.values()) cancel();
      own.clear();
    },
  };
}
