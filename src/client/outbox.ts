import type { Message } from '../chat/contract/shapes.ts';
import type { Err } from '../common/errors.ts';
import type { Ask } from './sync.ts';
import { backoffMs, type Wait, wait } from './timers.ts';

export interface Outgoing {
  thread_id: string;
  client_id: string;
  text?: string;
  attachments?: string[];
  reply_to?: string;
}

/** Where unsent messages survive a restart of the application. */
export interface OutboxStore {
  load(): Outgoing[];
  save(waiting: readonly Outgoing[]): void;
}

export interface Outbox {
  /** Keeps the message before it is sent, and sends it until the server has it. */
  send(message: Outgoing): void;
  connected(): void;
  disconnected(): void;
  /** A push with one's own `client_id` settles what the ack did not. */
  settle(clientId: string): void;
  waiting(): readonly Outgoing[];
}

interface Options {
  ask: Ask;
  /** Stored; the message as the server has it. */
  onSent: (message: Message, duplicate: boolean) => void;
  /** Refused for good, as it is. */
  onRefused?: (message: Outgoing, error: Err) => void;
  store?: OutboxStore;
  wait?: Wait;
  random?: () => number;
}

/** The outbox of realtime.md, section 5: the same payload again until it is answered, in order per thread. */
export function createOutbox(options: Options): Outbox {
  const { ask, onSent, onRefused = () => {}, store, random = Math.random } = options;
  const after = options.wait ?? wait;
  let waiting: Outgoing[] = store?.load() ?? [];
  /** Threads whose first message is under way, or waits for its next try. */
  const busy = new Map<string, { tries: number; cancel: () => void }>();
  let isConnected = false;
  let connection = 0;

  function keep(changed: Outgoing[]): void {
    waiting = changed;
    store?.save(waiting);
  }

  const remove = (clientId: string) => keep(waiting.filter(one => one.client_id !== clientId));

  function sendNext(threadId: string, tries = 0): void {
    const next = waiting.find(one => one.thread_id === threadId);
    if (!next || !isConnected) {
      busy.delete(threadId);
      return;
    }
    busy.set(threadId, { tries, cancel: () => {} });
    void attempt(next, tries, connection);
  }

  async function attempt(message: Outgoing, tries: number, began: number): Promise<void> {
    const ack = await ask('message:send', message).catch(() => null);
    if (ack?.ok) {
      remove(message.client_id);
      onSent(ack.data.message, ack.data.duplicate);
    } else if (ack && !ack.error.retryable && ack.error.code !== 'internal') {
      remove(message.client_id);
      onRefused(message, ack.error);
    }
    if (began !== connection) return;
    if (!waiting.includes(message)) return sendNext(message.thread_id);
    const cancel = after((ack && !ack.ok && ack.error.retry_after_ms) || backoffMs(tries, random), () =>
      sendNext(message.thread_id, tries + 1),
    );
    busy.set(message.thread_id, { tries, cancel });
  }

  return {
    send(message) {
      keep([...waiting, message]);
      if (isConnected && !busy.has(message.thread_id)) sendNext(message.thread_id);
    },
    connected() {
      isConnected = true;
      connection += 1;
      for (const threadId of new Set(waiting.map(one => one.thread_id))) sendNext(threadId);
    },
    disconnected() {
      isConnected = false;
      connection += 1;
      for (const { cancel } of busy.values()) cancel();
      busy.clear();
    },
    settle(clientId) {
      if (waiting.some(one => one.client_id === clientId)) remove(clientId);
    },
    waiting: () => waiting,
  };
}
