import type { Ask } from './ask.ts';
import type { ChatCalls } from './contract.ts';
import { type Wait, wait } from './timers.ts';
import type { ThreadView } from './view.ts';

export interface Receipts {
  /** Something of this client's views has changed: what is new is told to be delivered. */
  check(): void;
  /** Says that the thread is read as far as it is held; without a connection, once there is one again. */
  read(threadId: string): Promise<void>;
  /** Says again what could not be said. */
  repeat(): void;
  forget(): void;
}

interface Options {
  ask: Ask<ChatCalls>;
  views: () => ReadonlyMap<string, ThreadView>;
  userId: () => string | null;
  wait?: Wait | undefined;
}

const GATHER_MS = 300;
const MOST = 100;
const AGAIN_MS = 5_000;

export function createReceipts({ ask, views, userId, wait: after = wait }: Options): Receipts {
  let isDue = false;
  const unsaid = new Map<string, number>();
  /** Threads for which it was refused for now. */
  const paused = new Set<string>();

  const undelivered = () =>
    [...views().values()].filter(({ thread }) => {
      const me = thread.participants.find(one => one.user.id === userId());
      return me !== undefined && thread.last_seq > me.delivered_seq;
    });

  async function tell(): Promise<void> {
    const items = undelivered()
      .slice(0, MOST)
      .map(({ thread }) => ({ thread_id: thread.id, seq: thread.last_seq }));
    if (items.length > 0) await ask('thread:delivered', { items });
  }

  async function tellRead(threadId: string): Promise<void> {
    const seq = unsaid.get(threadId);
    if (seq === undefined || paused.has(threadId)) return;
    const ack = await ask('thread:read', { thread_id: threadId, seq }).catch(() => null);
    if (ack && !ack.ok && ack.error.retryable) return pause(threadId, ack.error.retry_after_ms);
    if (ack && unsaid.get(threadId) === seq) unsaid.delete(threadId);
  }

  /** Whoever reads faster than it may be told has read the last one too. */
  function pause(threadId: string, pauseMs = AGAIN_MS): void {
    if (paused.has(threadId)) return;
    paused.add(threadId);
    after(pauseMs, () => {
      paused.delete(threadId);
      void tellRead(threadId);
    });
  }

  return {
    check() {
      if (isDue || undelivered().length === 0) return;
      isDue = true;
      after(GATHER_MS, () => {
        isDue = false;
        // Unanswered it is found again: by the next change, at the latest by the next connection.
        tell().catch(() => {});
      });
    },
    async read(threadId) {
      const thread = views().get(threadId)?.thread;
      if (!thread || (thread.last_seq <= thread.me.read_seq && !thread.me.marked_unread)) return;
      unsaid.set(threadId, thread.last_seq);
      await tellRead(threadId);
    },
    repeat() {
      for (const threadId of unsaid.keys()) void tellRead(threadId);
    },
    forget: () => unsaid.clear(),
  };
}
