import type { Ask } from './ask.ts';
import type { ChatCalls, Message } from './contract.ts';
import type { Err } from './errors.ts';
import { atMost, backoffMs, type Wait, wait } from './timers.ts';

export type Outgoing = ChatCalls['message:send']['payload'];

/** A message that the server has not confirmed; with an error it was refused, and waits for its author. */
export interface Unsent {
  message: Outgoing;
  /** Milliseconds; rising, so that the order survives a restart. */
  queuedAt: number;
  error: Err | null;
  /** Whoever logs in next on this device sends none of it. */
  userId: string | null;
}

/** Where unsent messages survive a restart of the application; by `message.client_id`. */
export interface OutboxStore {
  load(): Unsent[] | Promise<Unsent[]>;
  put(unsent: Unsent): unknown;
  remove(clientId: string): unknown;
}

export interface Outbox {
  /** Keeps the message before it is sent, and sends it until the server has it. */
  send(message: Outgoing): void;
  /** Sends a refused message again. */
  retry(clientId: string): void;
  /** Forgets a refused message. */
  discard(clientId: string): void;
  /** Whose it is: what was written before this was known is this user's, what others have written is dropped. */
  claim(userId: string): void;
  /** Somebody has logged in: what nobody has claimed may be another's. */
  signedIn(userId: string): void;
  connected(userId: string): void;
  disconnected(): void;
  /** A push with one's own `client_id` settles what the ack did not. */
  settle(clientId: string): void;
  /** Forgets everything: the user has signed out. */
  clear(): void;
  waiting(): readonly Outgoing[];
  entries(): readonly Unsent[];
}

interface Options {
  ask: Ask<ChatCalls>;
  /** Stored; the message as the server has it. */
  onSent: (message: Message, duplicate: boolean) => void;
  /** Refused for good, as it is. */
  onRefused?: ((message: Outgoing, error: Err) => void) | undefined;
  onChange?: ((threadId: string) => void) | undefined;
  store?: OutboxStore | undefined;
  wait?: Wait | undefined;
  random?: (() => number) | undefined;
}

/** A store that does not answer is none. */
const STORE_MS = 2_000;

/** What else is found where they are kept was written by something else, or not to the end. */
const isUnsent = (found: Partial<Unsent> | null): found is Unsent =>
  typeof found?.message?.client_id === 'string' &&
  typeof found.message.thread_id === 'string' &&
  typeof found.queuedAt === 'number' &&
  found.error !== undefined &&
  found.userId !== undefined;

/** The outbox of the socket contract (section 5): the same payload again until it is answered, in order per thread. */
export function createOutbox(options: Options): Outbox {
  const { ask, onSent, onRefused, onChange, store, random = Math.random } = options;
  const after = options.wait ?? wait;
  let entries: readonly Unsent[] = [];
  /** Threads whose first message is under way, or waits for its next try. */
  const busy = new Map<string, () => void>();
  let userId: string | null = null;
  let isConnected = false;
  let connection = 0;
  // A device that cannot store (its quota is full, a private window) still sends: only the restart is not survived.
  let stored: Promise<unknown> = Promise.resolve()
    .then(() => store?.load() ?? [])
    .then(restore)
    .catch(() => {});

  function restore(found: Unsent[]): void {
    entries = [...found.filter(isUnsent).sort((a, b) => a.queuedAt - b.queuedAt), ...entries];
    if (userId !== null) claim(userId);
    for (const { message } of entries) onChange?.(message.thread_id);
    sendAll();
  }

  const persist = (write: (to: OutboxStore) => unknown): void => {
    if (store) stored = stored.then(() => write(store)).catch(() => {});
  };
  const find = (clientId: string) => entries.find(one => one.message.client_id === clientId);

  function set(changed: Unsent): void {
    entries = find(changed.message.client_id)
      ? entries.map(one => (one.message.client_id === changed.message.client_id ? changed : one))
      : [...entries, changed];
    persist(to => to.put(changed));
    onChange?.(changed.message.thread_id);
  }

  function remove(clientId: string): void {
    const known = find(clientId);
    entries = entries.filter(one => one !== known);
    persist(to => to.remove(clientId));
    if (known) onChange?.(known.message.thread_id);
  }

  function claim(asUser: string): void {
    userId = asUser;
    for (const one of entries)
      if (one.userId === null) set({ ...one, userId });
      else if (one.userId !== userId) remove(one.message.client_id);
  }

  function sendAll(): void {
    for (const threadId of new Set(entries.map(one => one.message.thread_id)))
      if (!busy.has(threadId)) sendNext(threadId);
  }

  function sendNext(threadId: string, tries = 0): void {
    const next = entries.find(one => one.message.thread_id === threadId && !one.error);
    if (!next || !isConnected) return void busy.delete(threadId);
    busy.set(threadId, () => {});
    void attempt(next, tries, connection);
  }

  async function attempt({ message }: Unsent, tries: number, began: number): Promise<void> {
    await atMost(STORE_MS, stored, after);
    if (began !== connection) return;
    const ack = await ask('message:send', message).catch(() => null);
    if (ack?.ok) {
      remove(message.client_id);
      onSent(ack.data.message, ack.data.duplicate);
    } else if (ack && !ack.error.retryable && ack.error.code !== 'internal') refuse(message, ack.error);
    if (began !== connection) return;
    if (find(message.client_id)?.error !== null) return sendNext(message.thread_id);
    const pauseMs = (ack && !ack.ok && ack.error.retry_after_ms) || backoffMs(tries, random);
    busy.set(
      message.thread_id,
      after(pauseMs, () => sendNext(message.thread_id, tries + 1)),
    );
  }

  function refuse(message: Outgoing, error: Err): void {
    const known = find(message.client_id);
    if (known) set({ ...known, error });
    onRefused?.(message, error);
  }

  function stop(): void {
    isConnected = false;
    connection += 1;
    for (const cancel of busy.values()) cancel();
    busy.clear();
  }

  return {
    send(message) {
      const queuedAt = Math.max(Date.now(), (entries.at(-1)?.queuedAt ?? 0) + 1);
      set({ message, queuedAt, error: null, userId });
      if (!busy.has(message.thread_id)) sendNext(message.thread_id);
    },
    retry(clientId) {
      const refused = find(clientId);
      if (!refused?.error) return;
      set({ ...refused, error: null });
      if (!busy.has(refused.message.thread_id)) sendNext(refused.message.thread_id);
    },
    discard(clientId) {
      if (find(clientId)?.error) remove(clientId);
    },
    claim,
    signedIn(asUser) {
      for (const one of entries) if (one.userId === null) remove(one.message.client_id);
      claim(asUser);
    },
    connected(asUser) {
      stop();
      claim(asUser);
      isConnected = true;
      sendAll();
    },
    disconnected: stop,
    settle(clientId) {
      if (find(clientId)) remove(clientId);
    },
    clear() {
      stop();
      userId = null;
      for (const one of entries) remove(one.message.client_id);
    },
    waiting: () => entries.filter(one => !one.error).map(one => one.message),
    entries: () => entries,
  };
}
