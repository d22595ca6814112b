import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { Socket } from 'socket.io-client';
import { expect, test } from 'vitest';
import { type Chat, createChat } from '../../src/client/chat.ts';
import { eventually, openSocket, type TestUser, useApp } from '../support/app.ts';
import { type Faults, faultySocket, seeded } from '../support/faulty-socket.ts';
import { buildTalk, done } from '../support/talk.ts';

const app = useApp({ RATE_LIMITS: 'relaxed' });
/** SEED=… repeats what a failure printed. */
const { SEED, RUNS = '12' } = process.env;

interface Client {
  user: TestUser;
  peer: TestUser;
  socket: Socket;
  chat: Chat;
  /** What it gave to its outbox, in order, and what was refused for good. */
  sent: string[];
  refused: Set<string>;
}

interface Action {
  who: number;
  kind:
    | 'send'
    | 'edit'
    | 'delete'
    | 'react'
    | 'read'
    | 'deliver'
    | 'mark'
    | 'block'
    | 'unblock'
    | 'reconnect'
    | 'pause';
  pick: number;
}

const action: fc.Arbitrary<Action> = fc.record({
  who: fc.nat(3),
  kind: fc.constantFrom<Action['kind'][]>(
    ...(['send', 'send', 'send', 'send', 'edit', 'delete', 'react', 'read', 'read', 'deliver', 'mark'] as const),
    ...(['block', 'unblock', 'unblock', 'reconnect', 'pause', 'pause'] as const),
  ),
  pick: fc.nat(99),
});

function buildClient(user: TestUser, peer: TestUser, faults: Faults): Client {
  const socket = openSocket(app.url, '/chat', { token: user.token });
  const refused = new Set<string>();
  const chat = createChat(faultySocket(socket, faults), {
    // 500 ms of waiting for a hole are 10 ms here, a second between two tries 20 ms
    wait: (ms, then) => {
      const timer = setTimeout(then, ms / 50);
      return () => clearTimeout(timer);
    },
    random: faults.random,
    ackTimeoutMs: 2_000,
    onRefused: message => refused.add(message.client_id),
  });
  return { user, peer, socket, chat, sent: [], refused };
}

async function perform(client: Client, { kind, pick }: Action, thread_id: string): Promise<unknown> {
  const { chat, socket, peer } = client;
  const messages = chat.views().get(thread_id)?.messages ?? [];
  const message_id = messages[pick % Math.max(messages.length, 1)]?.id ?? randomUUID();
  const seq = pick % (messages.length + 1);
  const onNobody = () => null; // an ack that was lost: the other acts go on
  switch (kind) {
    case 'send': {
      const client_id = randomUUID();
      client.sent.push(client_id);
      const reply = pick % 3 === 0 && messages.length > 0 ? { reply_to: message_id } : {};
      return chat.send({ thread_id, client_id, text: `${pick}`, ...reply });
    }
    case 'edit':
      return chat.ask('message:edit', { thread_id, message_id, text: `edited ${pick}` }).catch(onNobody);
    case 'delete':
      return chat.ask('message:delete', { thread_id, message_id }).catch(onNobody);
    case 'react':
      return chat.ask('message:react', { thread_id, message_id, emoji: '👍', op: pick % 2 ? 'add' : 'remove' }).catch(onNobody); // biome-ignore format: one line reads better
    case 'read':
      return chat.ask('thread:read', { thread_id, seq }).catch(onNobody);
    case 'deliver':
      return chat.ask('thread:delivered', { items: [{ thread_id, seq }] }).catch(onNobody);
    case 'mark':
      return chat.ask('thread:mark-unread', { thread_id }).catch(onNobody);
    case 'block':
      return chat.ask('user:block', { user_id: peer.id }).catch(onNobody);
    case 'unblock':
      return chat.ask('user:unblock', { user_id: peer.id }).catch(onNobody);
    case 'reconnect':
      return socket.disconnect().connect();
    case 'pause':
      return new Promise(resolve => setTimeout(resolve, pick / 5));
  }
}

interface Stored {
  seq: number;
  client_id: string;
}

/** Every view equals what is stored: complete, in order, each message once. */
async function expectConverged(clients: Client[], thread_id: string, byHeads: boolean): Promise<Stored[]> {
  for (const { socket, chat } of clients) {
    if (!byHeads) socket.disconnect().connect();
    await eventually(() => expect([socket.connected, chat.unsent()]).toEqual([true, []]));
    if (!byHeads) continue;
    // as the server does by itself when a push may have been lost (G6)
    const { thread } = await done(socket, 'thread:get', { thread_id });
    for (const listener of socket.listeners('sync:head')) listener({ threads: [[thread_id, thread.rev]] });
  }
  for (const { socket, chat } of clients)
    await eventually(async () => {
      expect(chat.isSettled()).toBe(true);
      const { thread } = await done(socket, 'thread:get', { thread_id });
      const { messages } = await done(socket, 'thread:history', { thread_id, after_seq: 0, limit: 100 });
      const { thread: held, messages: shown } = chat.views().get(thread_id)!;
      // of a lost `me:updated` no head tells, only the next pull
      const me = byHeads ? { me: null } : {};
      expect({ ...held, ...me }).toEqual({ ...thread, ...me });
      expect(shown).toEqual(messages);
    });
  return [...clients[0]!.chat.views().get(thread_id)!.messages];
}

function expectSentOnce({ sent, refused }: Client, stored: Stored[]): void {
  const mine = stored.filter(one => sent.includes(one.client_id)).map(one => one.client_id);
  expect(mine).toEqual(sent.filter(clientId => !refused.has(clientId)));
}

test('G7: whatever is lost, late or repeated, all clients end with equal, complete, ordered views', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(action, { minLength: 30, maxLength: 80 }),
      fc.integer(),
      fc.boolean(),
      async (actions, seed, byHeads) => {
        // biome-ignore format: one line reads better
        const { buyer, seller, thread } = await buildTalk(app);
        const faults = { random: seeded(seed), isOn: true };
        const clients = [0, 1, 2, 3].map(index => (index < 2 ? buildClient(buyer, seller, faults) : buildClient(seller, buyer, faults))); // biome-ignore format: one line reads better
        try {
          const acts: Promise<unknown>[] = [];
          for (const one of actions) {
            const act = perform(clients[one.who]!, one, thread.id);
            if (one.kind === 'pause') await act;
            else acts.push(act);
          }
          await Promise.all(acts);
          faults.isOn = false;
          const stored = await expectConverged(clients, thread.id, byHeads);
          expect(stored.map(one => one.seq)).toEqual(stored.map((_, index) => index + 1));
          for (const client of clients) expectSentOnce(client, stored);
        } finally {
          for (const { socket } of clients) socket.close();
        }
      },
    ),
    { numRuns: Number(RUNS), endOnFailure: true, ...(SEED !== undefined && { seed: Number(SEED) }) },
  );
}, 120_000);
