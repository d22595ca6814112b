import { createOutbox, type OutboxStore, type Outgoing } from './outbox.ts';
import { type Ask, createSync, type EventName, type Push } from './sync.ts';
import type { Wait } from './timers.ts';
import type { ThreadView } from './view.ts';

/** What is needed of a Socket.IO client in the namespace `/chat`. */
export interface ChatSocket {
  // biome-ignore lint/suspicious/noExplicitAny: Socket.IO hands any payload to a listener
  on(event: string, listener: (payload: any) => void): unknown;
  timeout(ms: number): { emitWithAck(event: string, payload: unknown): Promise<unknown> };
}

export interface Chat {
  views(): ReadonlyMap<string, ThreadView>;
  send(message: Outgoing): void;
  /** Any other event, with its ack. */
  ask: Ask;
  unsent(): readonly Outgoing[];
  /** Nothing is missing and nothing waits, as far as this client knows. */
  isSettled(): boolean;
}

export interface ChatOptions {
  onChange?: (threadId: string) => void;
  onRefused?: Parameters<typeof createOutbox>[0]['onRefused'];
  store?: OutboxStore;
  wait?: Wait;
  random?: () => number;
  ackTimeoutMs?: number;
}

const durable = [
  'thread:created', 'thread:updated', 'message:created', 'message:edited', 'message:deleted', 'message:reacted',
  'receipt:updated', 'access:revoked', 'me:updated', 'sync:head',
] as const; // biome-ignore format: a list

/** A client of `/chat` that loses nothing and shows nothing twice: the socket may fail as it likes. */
export function createChat(socket: ChatSocket, options: ChatOptions = {}): Chat {
  const { onChange, onRefused, store, ackTimeoutMs = 10_000, wait, random } = options;
  const timing = { ...(wait && { wait }), ...(random && { random }) };
  const ask = ((event: EventName, payload: unknown) => socket.timeout(ackTimeoutMs).emitWithAck(event, payload)) as Ask;
  let sync: ReturnType<typeof createSync> | undefined;
  let userId: string | undefined;
  const outbox = createOutbox({
    ...{ ask, ...timing, ...(store && { store }), ...(onRefused && { onRefused }) },
    // The ack says what the push would: whichever comes first is applied. A repeat is always pushed, with its moment.
    onSent(message, duplicate) {
      const payload = { thread_id: message.thread_id, rev: message.rev, at: message.created_at, message };
      if (!duplicate) sync?.push({ name: 'message:created', payload });
    },
  });

  socket.on('session:ready', ({ user_id }: { user_id: string }) => {
    if (userId !== user_id) sync = createSync({ userId: user_id, ask, ...timing, ...(onChange && { onChange }) });
    userId = user_id;
    sync!.ready();
    outbox.connected();
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

  return {
    views: () => sync?.views() ?? new Map(),
    send: outbox.send,
    ask,
    unsent: outbox.waiting,
    isSettled: () => (sync?.isSettled() ?? false) && outbox.waiting().length === 0,
  };
}
