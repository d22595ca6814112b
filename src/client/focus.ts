import { type Wait, wait } from './timers.ts';

const REPEAT_MS = 30_000;

export interface Focus {
  set(threadId: string | null): void;
  /** Says it again: a focus lasts 60 s, and no longer than the connection. */
  repeat(): void;
}

export function createFocus(
  /** False without a connection: the next one repeats it. */
  emit: (event: 'thread:focus', payload: { thread_id: string | null }) => boolean,
  after: Wait = wait,
): Focus {
  let focused: string | null = null;
  let cancel = () => {};
  function repeat(): void {
    cancel();
    if (focused === null || !emit('thread:focus', { thread_id: focused })) return;
    cancel = after(REPEAT_MS, repeat);
  }
  return {
    repeat,
    set(threadId) {
      if (threadId === focused) return;
      focused = threadId;
      if (threadId === null) emit('thread:focus', { thread_id: null });
      repeat();
    },
  };
}
