import { randomUUID } from 'node:crypto';
import type { Socket } from 'socket.io-client';
import { expect, test } from 'vitest';
import { removeParticipant, setReadReceipts, setThreadLock } from '../../src/chat/service/thread-changes.ts';
import { type Chat, createChat } from '../../src/client/chat.ts';
import { ask, openSocket, type TestUser, useApp } from '../support/app.ts';
import { buildTalk, done, message, type Talk } from '../support/talk.ts';
import { asStaff, buildDealer, postInput } from '../support/worlds.ts';

const app = useApp({ RATE_LIMITS: 'relaxed' });

interface Device {
  user: TestUser;
  socket: Socket;
  chat: Chat;
  pulls: () => number;
}

/** A client of the published state machine that says how often it had to pull. */
async function buildDevice(user: TestUser): Promise<Device> {
  const socket = openSocket(app.url, '/chat', { token: user.token });
  let pulls = 0;
  socket.onAnyOutgoing(event => {
    if (event === 'sync:pull') pulls += 1;
  });
  const chat = createChat(socket);
  await new Promise(resolve => socket.once('session:ready', resolve));
  await settled(chat);
  return { user, socket, chat, pulls: () => pulls };
}

async function settled(chat: Chat): Promise<void> {
  while (!chat.isSettled()) await new Promise(resolve => setImmediate(resolve));
}

/** After `act` every device of both users has, by events alone, what a fresh pull says. */
async function expectReplay(devices: Device[], act: () => Promise<unknown>, mayPull = false): Promise<void> {
  const before = devices.map(device => device.pulls());
  await act();
  for (const { socket, chat, pulls, user } of devices) {
    // packets of one socket arrive in order: after this ack every push of the action is here
    await ask(socket, 'thread:list', { box: 'all', limit: 1 });
    if (mayPull) await settled(chat);
    const held = [...chat.views().values()].sort((a, b) => (a.thread.id < b.thread.id ? -1 : 1));
    if (!mayPull)
      expect([user.phone, pulls()]).toEqual([user.phone, before[devices.findIndex(one => one.chat === chat)]]);
    const fresh = await done(socket, 'sync:pull', {});
    const stored = fresh.threads.map(({ thread, messages }: { thread: unknown; messages: unknown }) => ({ thread, messages })); // biome-ignore format: one line reads better
    stored.sort((a: { thread: { id: string } }, b: { thread: { id: string } }) => (a.thread.id < b.thread.id ? -1 : 1));
    expect(held).toEqual(stored);
    before[devices.findIndex(one => one.chat === chat)] = pulls();
  }
}

async function buildDevices({ buyer, seller }: Pick<Talk, 'buyer' | 'seller'>): Promise<Device[]> {
  return Promise.all([buyer, buyer, seller, seller].map(buildDevice));
}

test('state equals replay: messages, replies, edits, deletions, reactions', async () => {
  const talk = await buildTalk(app);
  const devices = await buildDevices(talk);
  const [mine, theirs] = [devices[0]!.socket, devices[2]!.socket];
  const thread_id = talk.thread.id;
  const ids: string[] = [];
  const send = async (socket: Socket, more: object = {}) => {
    const { message: sent } = await done(socket, 'message:send', message(talk.thread, more));
    ids.push(sent.id);
  };
  const target = (index: number) => ({ thread_id, message_id: ids[index] });
  await expectReplay(devices, () => send(mine));
  await expectReplay(devices, () => send(theirs, { text: 'Ж'.repeat(200) }));
  await expectReplay(devices, () => send(mine, { reply_to: ids[1] }));
  await expectReplay(devices, () => Promise.all([send(mine), send(theirs), send(mine)]));
  await expectReplay(devices, () => done(theirs, 'message:edit', { ...target(1), text: 'short, 06H121026' }));
  await expectReplay(devices, () => done(theirs, 'message:react', { ...target(2), emoji: '👍', op: 'add' }));
  await expectReplay(devices, () => done(mine, 'message:react', { ...target(2), emoji: '👍', op: 'add' }));
  await expectReplay(devices, () => done(mine, 'message:react', { ...target(2), emoji: '👍', op: 'remove' }));
  await expectReplay(devices, () => done(theirs, 'message:delete', target(1)));
  await expectReplay(devices, () => send(theirs));
  await expectReplay(devices, () => done(theirs, 'message:delete', target(6)));
  const repeated = message(talk.thread);
  await expectReplay(devices, () => done(mine, 'message:send', repeated));
  await expectReplay(devices, () => done(mine, 'message:send', repeated));
  await expectReplay(devices, () => app.post(talk.seller, '/api/chat/send/', message(talk.thread)));
});

test("state equals replay: positions, and what is one's own alone", async () => {
  const talk = await buildTalk(app);
  const devices = await buildDevices(talk);
  const [mine, theirs] = [devices[0]!.socket, devices[2]!.socket];
  const thread = { thread_id: talk.thread.id };
  for (let sent = 0; sent < 3; sent += 1) await expectReplay(devices, () => done(mine, 'message:send', message(talk.thread))); // biome-ignore format: one line reads better
  await expectReplay(devices, () => done(theirs, 'thread:delivered', { items: [{ ...thread, seq: 2 }] }));
  await expectReplay(devices, () => done(theirs, 'thread:read', { ...thread, seq: 1 }));
  await expectReplay(devices, () => done(theirs, 'thread:read', { ...thread, seq: 3 }));
  await expectReplay(devices, () => done(theirs, 'thread:mark-unread', thread));
  await expectReplay(devices, () => done(theirs, 'thread:read', { ...thread, seq: 3 }));
  await expectReplay(devices, () => done(theirs, 'thread:mute', { ...thread, until: '2031-01-01T00:00:00Z' }));
  await expectReplay(devices, () => done(theirs, 'thread:archive', { ...thread, archived: true }));
  await expectReplay(devices, () => done(mine, 'message:send', message(talk.thread)));
  await expectReplay(devices, () => done(theirs, 'thread:archive', { ...thread, archived: false }));
  await expectReplay(devices, () => done(theirs, 'message:send', message(talk.thread)));
  await expectReplay(devices, () =>
    Promise.all([
      done(mine, 'thread:read', { ...thread, seq: 5 }),
      done(theirs, 'message:send', message(talk.thread)),
      done(mine, 'thread:delivered', { items: [{ ...thread, seq: 9 }] }),
      done(devices[1]!.socket, 'thread:mark-unread', thread),
    ]),
  );
});

test('state equals replay: hidden receipts and blocks', async () => {
  const talk = await buildTalk(app);
  const devices = await buildDevices(talk);
  const [mine, theirs] = [devices[0]!.socket, devices[2]!.socket];
  const thread = { thread_id: talk.thread.id };
  const receipts = (isVisible: boolean) => asStaff(app, ctx => setReadReceipts(ctx, talk.buyer.id, isVisible));
  await done(mine, 'message:send', message(talk.thread));
  await expectReplay(devices, () => receipts(false));
  await expectReplay(devices, () => done(theirs, 'thread:read', { ...thread, seq: 1 }));
  await expectReplay(devices, () => done(theirs, 'thread:delivered', { items: [{ ...thread, seq: 1 }] }));
  await expectReplay(devices, () => done(theirs, 'message:send', message(talk.thread)));
  await expectReplay(devices, () => done(mine, 'message:send', message(talk.thread)));
  await expectReplay(devices, () => receipts(true));
  await expectReplay(devices, () => done(theirs, 'user:block', { user_id: talk.buyer.id }));
  await expectReplay(devices, () => done(theirs, 'thread:read', { ...thread, seq: 3 }));
  await expectReplay(devices, () => done(theirs, 'thread:delivered', { items: [{ ...thread, seq: 3 }] }));
  await expectReplay(devices, () => done(mine, 'user:block', { user_id: talk.seller.id }));
  await expectReplay(devices, () => done(theirs, 'user:unblock', { user_id: talk.buyer.id }));
  await expectReplay(devices, () => done(mine, 'user:unblock', { user_id: talk.seller.id }));
  await expectReplay(devices, () => done(mine, 'message:send', message(talk.thread)));
});

test('state equals replay: posts, locks, words of the system, removal', async () => {
  const [buyer, seller] = [await buildDealer(app), await buildDealer(app)];
  const devices = await buildDevices({ buyer, seller });
  const { body: post } = await app.post(seller, '/api/b2b/posts/', postInput());
  // a thread that a client does not know is pulled, since no push says what is one's own in it
  await expectReplay(devices, () => app.post(buyer, '/api/chat/start/', { post_id: post.id }), true);
  const first_message = { client_id: randomUUID(), text: 'Hello' };
  await expectReplay(devices, () => app.post(buyer, '/api/chat/start/', { post_id: post.id, first_message }));
  await expectReplay(devices, () => app.patch(seller, `/api/b2b/posts/${post.id}/`, { title: 'Another title' }));
  await expectReplay(devices, () => app.post(seller, `/api/b2b/posts/${post.id}/close/`, {}));
  const threadId = [...devices[0]!.chat.views().keys()][0]!;
  await expectReplay(devices, () => asStaff(app, ctx => setThreadLock(ctx, threadId, true)));
  await expectReplay(devices, () => asStaff(app, ctx => setThreadLock(ctx, threadId, false)));
  const removal = { threadId, userId: buyer.id, reason: 'fraud' };
  await expectReplay(devices, () => asStaff(app, ctx => removeParticipant(ctx, removal)));
  expect(devices[0]!.chat.views().size).toBe(0);
  await expectReplay(devices, () => done(devices[2]!.socket, 'message:send', message({ id: threadId })));
});
