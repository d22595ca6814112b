import { expect, test } from 'vitest';
import { FocusLease } from '../../src/chat/entities.ts';
import { ask, eventually, once, record, type TestUser, useApp } from '../support/app.ts';
import { buildPost, buildTalk, buildThread, done, message, type TestThread } from '../support/talk.ts';

const app = useApp();

/** A device of the user shows this thread. */
async function lookAt(user: TestUser, thread: TestThread): Promise<void> {
  const socket = await app.connect(user, '/chat');
  socket.emit('thread:focus', { thread_id: thread.id });
  await eventually(async () => expect(await app.orm.em.fork().count(FocusLease, { userId: user.id })).toBe(1));
}

/** Whether a message of the buyer makes a noise at the seller's. */
async function isLoud(buyer: TestUser, seller: TestUser, thread: TestThread): Promise<boolean> {
  const heard = once(await app.connect(seller, '/notifications'), 'notification:created');
  await app.post(buyer, '/api/chat/send/', message(thread));
  return (await heard).alert;
}

test('a message makes no noise where its thread is looked at, by whichever device', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  await lookAt(seller, thread);
  expect(await isLoud(buyer, seller, thread)).toBe(false);
});

test('it makes one where another thread is looked at, or the sender alone looks at this one', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const other = await buildThread(app, { buyer, seller, postId: await buildPost(app, seller) });
  await lookAt(seller, other);
  await lookAt(buyer, thread);
  expect(await isLoud(buyer, seller, thread)).toBe(true);
});

test('it makes one when it was looked at for the last time more than 60 s ago', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  await lookAt(seller, thread);
  const expiresAt = new Date(Date.now() - 1_000);
  await app.orm.em.fork().nativeUpdate(FocusLease, { userId: seller.id }, { expiresAt });
  expect(await isLoud(buyer, seller, thread)).toBe(true);
});

test('sending is reading: the note of the thread is read on all devices, without a noise and without a receipt', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  for (const text of ['one', 'two']) await app.post(buyer, '/api/chat/send/', message(thread, { text }));
  const [chat, bell] = [await app.connect(seller, '/chat'), await app.connect(seller, '/notifications')];
  const [updated, receipts] = [record(bell, 'notification:updated'), record(chat, 'receipt:updated')];
  expect((await app.get(seller, '/api/auth/me/')).body).toMatchObject({ unread: { threads: 1, messages: 2 } });
  await done(chat, 'message:send', message(thread));
  const nothing = { unread: 0, unseen: 0 };
  const read = { notification: { count: 2, read_at: expect.any(String) }, badge: nothing, alert: false };
  await eventually(() => expect(updated).toMatchObject([read]));
  expect((await app.get(seller, '/api/auth/me/')).body).toMatchObject({
    unread: { threads: 0, messages: 0 },
    badge: nothing,
  });
  expect(receipts).toEqual([]);
});

test('what is refused, and what was sent before, reads nothing', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const chat = await app.connect(seller, '/chat');
  const sent = message(thread);
  await done(chat, 'message:send', sent);
  await app.post(buyer, '/api/chat/send/', message(thread));
  const unread = async () => (await app.get(seller, '/api/auth/me/')).body;
  const stillUnread = { unread: { threads: 1, messages: 1 }, badge: { unread: 1 } };
  expect(await done(chat, 'message:send', sent)).toMatchObject({ duplicate: true });
  expect(await unread()).toMatchObject(stillUnread);
  await done(chat, 'user:block', { user_id: buyer.id });
  expect(await ask(chat, 'message:send', message(thread))).toMatchObject({ error: { code: 'recipient_unavailable' } });
  expect(await unread()).toMatchObject(stillUnread);
});
