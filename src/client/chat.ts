import { type Ask, askOver, type SocketLike } from './ask.ts';
import type { ChatCalls } from './contract.ts';
import { dataOf } from './errors.ts';
import { createOutbox, type Outbox, type OutboxStore } from './outbox.ts';
import { createSync, type Push } from './sync.ts';
import type { Wait } from './timers.ts';
import { addOlder, type ThreadView } from './view.ts';

export interface Chat extends Pick<Outbox, 'send' | 'retry' | 'discard' | 'entries' | 'claim' | 'signedIn'> {
  views(): ReadonlyMap<string, ThreadView>;
  /** Any other event, with its ack. */
  ask: Ask<ChatCalls>;
  unsent: Outbox['waiting'];
  /** Adds the messages before those that are held. */
  loadOlder(threadId: string): Promise<void>;
  /** Nothing is missing and nothing waits, as far as this client knows. */
  isSettled(): boolean;
  /** Forgets whose views these are, and what waits to be sent unless the same user will be back. */
  forget(keep: { keepUnsent: boolean }): void;
}

export interface ChatOptions {
  onChange?: (threadId: string) => void;
  onRefused?: Parameters<typeof createOutbox>[0]['onRefused'];
  store?: OutboxStore | undefined;
  wait?: Wait | undefined;
  random?: (() => number) | undefined;
  ackTimeoutMs?: number;
}

const durable = [
  'thread:created', 'thread:updated', 'message:created', 'message:edited', 'message:deleted', 'message:reacted',
  'receipt:updated', 'access:revoked', 'me:updated', 'sync:head',
] as const; // biome-ignore format: a list

/** A client of `/chat` that loses nothing and shows nothing twice: the socket may fail as it likes. */
export function createChat(socket: SocketLike, options: ChatOptions = {}): Chat {
  const { onChange, onRefused, store, ackTimeoutMs, wait, random } = options;
  const ask = askOver<ChatCalls>(socket, ackTimeoutMs);
  let sync: ReturnType<typeof createSync> | undefined;
  let userId: string | undefined;
  const outbox = createOutbox({
    ...{ ask, onRefused, onChange, store, wait, random },
    // The ack says what the push would: whichever comes first is applied. A repeat is always pushed, with its moment.
    onSent(message, duplicate) {
      const payload = { thread_id: message.thread_id, rev: message.rev, at: message.created_at, message };
      if (!duplicate) sync?.push({ name: 'message:created', payload });
    },
  });

  socket.on('session:ready', ({ user_id }: { user_id: string }) => {
    if (userId !== user_id) sync = createSync({ userId: user_id, ask, onChange, wait, random });
    userId = user_id;
    sync!.ready();
    outbox.connected(user_id);
  });
  socket.on('disconnect', () => {
    sync?.disconnected();
    outbox.disconnected();
  });
  for (const name of durable)
    socket.on(name, payload => {
      const push = { name, payload } as Push;
      if (push.name === 'message:created' && push.payload.message.sender.id === userId)
        outbox.settle(push.payload.message.client_id);
      sync?.push(push);
    });

  const views = (): ReadonlyMap<string, ThreadView> => sync?.views() ?? new Map();
  return {
    ...{ views, ask, send: outbox.send, retry: outbox.retry, discard: outbox.discard, entries: outbox.entries },
    ...{ unsent: outbox.waiting, claim: outbox.claim, signedIn: outbox.signedIn },
    loadOlder: threadId => loadOlder(ask, sync, threadId),
    isSettled: () => (sync?.isSettled() ?? false) && outbox.waiting().length === 0,
    forget({ keepUnsent }) {
      sync?.disconnected();
      if (!keepUnsent) outbox.clear();
      sync = undefined;
      userId = undefined;
    },
  };
}

/** Read again when the thread has changed meanwhile: a change of a message that was not held yet is told only once. */
async function loadOlder(
  ask: Ask<ChatCalls>,
  sync: ReturnType<typeof createSync> | undefined,
  threadId: string,
): Promise<void> {
  for (;;) {
    const before = sync?.views().get(threadId);
    const first = before?.messages[0]?.seq ?? 1;
    if (!sync || !before || first === 1) return;
    const page = dataOf(await ask('thread:history', { thread_id: threadId, before_seq: first, limit: 100 }));
    const now = sync.views().get(threadId);
    if (!now || now.thread.rev !== before.thread.rev) continue;
    return sync.replace(addOlder(now, page.messages));
  }
}
