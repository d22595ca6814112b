import { randomUUID } from 'node:crypto';
import type { Socket } from 'socket.io-client';
import { expect, test } from 'vitest';
import { events, operations } from '../../src/chat/contract.ts';
import type { Operation } from '../../src/common/operations.ts';
import { ask, eventually, record, useApp } from '../support/app.ts';
import { buildTalk, done, message, type Talk } from '../support/talk.ts';

const app = useApp();

interface Foreign {
  thread: { id: string };
  messageId: string;
  userId: string;
}

/** What an outsider sends of each event to reach into a thread of others; null: the event names no thread. */
const attempts: Record<string, ((foreign: Foreign) => object) | null> = {
  'sync:pull': null,
  'thread:open': null,
  'thread:list': null,
  'thread:get': ({ thread }) => ({ thread_id: thread.id }),
  'thread:history': ({ thread }) => ({ thread_id: thread.id }),
  'thread:read': ({ thread }) => ({ thread_id: thread.id, seq: 1 }),
  'thread:delivered': ({ thread }) => ({ items: [{ thread_id: thread.id, seq: 1 }] }),
  'thread:mark-unread': ({ thread }) => ({ thread_id: thread.id }),
  'thread:mute': ({ thread }) => ({ thread_id: thread.id, until: null }),
  'thread:archive': ({ thread }) => ({ thread_id: thread.id, archived: true }),
  'thread:focus': ({ thread }) => ({ thread_id: thread.id }),
  'typing:start': ({ thread }) => ({ thread_id: thread.id }),
  'typing:stop': ({ thread }) => ({ thread_id: thread.id }),
  'message:send': ({ thread }) => message(thread),
  'message:edit': ({ thread, messageId }) => ({ thread_id: thread.id, message_id: messageId, text: 'x' }),
  'message:delete': ({ thread, messageId }) => ({ thread_id: thread.id, message_id: messageId }),
  'message:react': ({ thread, messageId }) => ({ thread_id: thread.id, message_id: messageId, emoji: '👍', op: 'add' }),
  'message:search': ({ thread }) => ({ q: 'still', thread_id: thread.id }),
  'user:block': null,
  'user:unblock': null,
  'report:create': ({ thread }) => ({
    client_id: randomUUID(),
    target: { type: 'thread', id: thread.id },
    reason: 'spam',
  }),
};

const socketOperations = (Object.values(operations) as Operation[]).filter(one => one.socket !== undefined);

test('S-84: every event of the namespace is tried by an outsider', () => {
  expect(Object.keys(attempts).sort()).toEqual(socketOperations.map(one => one.socket!).sort());
});

async function buildForeign(): Promise<
  Talk & Foreign & { stranger: Socket; buyerSocket: Socket; sellerSocket: Socket }
> {
  const talk = await buildTalk(app);
  const [stranger, buyerSocket, sellerSocket] = [
    await app.connect(talk.outsider, '/chat'),
    await app.connect(talk.buyer, '/chat'),
    await app.connect(talk.seller, '/chat'),
  ];
  const { message: sent } = await done(buyerSocket, 'message:send', message(talk.thread));
  return { ...talk, stranger, buyerSocket, sellerSocket, messageId: sent.id, userId: talk.seller.id };
}

test('S-84: to each of them the answer is not_found, or silence, and nothing changes', async () => {
  const { stranger, buyerSocket, ...foreign } = await buildForeign();
  const before = await done(buyerSocket, 'thread:get', { thread_id: foreign.thread.id });
  const heard: string[] = [];
  buyerSocket.onAny(event => heard.push(event));
  for (const { socket: event, volatile } of socketOperations) {
    const payload = attempts[event!]?.(foreign);
    if (!payload) continue;
    if (volatile) stranger.emit(event!, payload);
    else expect([event, await ask(stranger, event!, payload)]).toMatchObject([event, { error: { code: 'not_found' } }]);
  }
  await ask(stranger, 'thread:list', {});
  expect(await done(buyerSocket, 'thread:get', { thread_id: foreign.thread.id })).toEqual(before);
  expect(heard).toEqual([]);
});

test('S-84: of all that happens in a thread an outsider hears nothing, in any namespace', async () => {
  const { stranger, buyerSocket, sellerSocket, outsider, thread, messageId, buyer, seller } = await buildForeign();
  const bell = await app.connect(outsider, '/notifications');
  const overheard: string[] = [];
  for (const socket of [stranger, bell]) socket.onAny(event => overheard.push(event));
  const heard = Object.fromEntries(Object.values(events).map(one => [one.name, record(sellerSocket, one.name)]));
  const target = { thread_id: thread.id, message_id: messageId };
  buyerSocket.emit('typing:start', { thread_id: thread.id });
  await done(sellerSocket, 'thread:read', { thread_id: thread.id, seq: 1 });
  await done(sellerSocket, 'thread:mark-unread', { thread_id: thread.id });
  await done(buyerSocket, 'message:react', { ...target, emoji: '👍', op: 'add' });
  await done(buyerSocket, 'message:edit', { ...target, text: 'changed' });
  await done(buyerSocket, 'message:send', message(thread));
  await done(buyerSocket, 'message:delete', target);
  await done(buyerSocket, 'user:block', { user_id: seller.id });
  await done(buyerSocket, 'user:unblock', { user_id: seller.id });
  await eventually(() => {
    for (const name of ['message:created', 'message:edited', 'message:deleted', 'message:reacted', 'receipt:updated', 'me:updated', 'thread:updated', 'typing:updated']) // biome-ignore format: one line reads better
      expect([name, heard[name]?.length]).not.toEqual([name, 0]);
  });
  await ask(stranger, 'thread:list', {});
  await ask(bell, 'notification:list', {});
  expect(overheard).toEqual([]);
  expect(buyer.id).not.toBe(outsider.id);
});
