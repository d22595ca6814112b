import { expect, test } from 'vitest';
import { removeParticipant, setThreadLock } from '../../src/chat/service/thread-changes.ts';
import { eventually, record, type TestUser, useApp } from '../support/app.ts';
import { buildTalk, done, message, type Talk } from '../support/talk.ts';
import { asStaff } from '../support/worlds.ts';

const app = useApp();
const listOf = async (who: TestUser) => (await app.get(who, '/api/notifications/')).body;
const none = { unread: 0, unseen: 0 };

/** Messages of the buyer that the seller has not read. */
async function sendAll({ buyer, thread }: Talk, ...texts: string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const text of texts)
    ids.push((await app.post(buyer, '/api/chat/send/', message(thread, { text }))).body.message.id);
  return ids;
}

test('a note shows the new text of an edited message, on every device, without a noise', async () => {
  const talk = await buildTalk(app);
  const [first, last] = await sendAll(talk, 'one', 'two');
  const [socket, hers] = [await app.connect(talk.buyer, '/chat'), await app.connect(talk.seller, '/notifications')];
  const heard = record(hers, 'notification:updated');
  await done(socket, 'message:edit', { thread_id: talk.thread.id, message_id: first, text: 'ONE' });
  expect((await listOf(talk.seller)).results).toMatchObject([{ body: 'two', count: 2 }]);
  await done(socket, 'message:edit', { thread_id: talk.thread.id, message_id: last, text: 'TWO' });
  await eventually(() => expect(heard).toMatchObject([{ notification: { body: 'TWO', count: 2 }, alert: false }]));
  await app.post(talk.seller, '/api/notifications/read-all/');
  await done(socket, 'message:edit', { thread_id: talk.thread.id, message_id: last, text: 'Three' });
  expect((await listOf(talk.seller)).results).toMatchObject([{ body: 'Three', read_at: expect.any(String) }]);
});

test('a deleted message is not counted, and when all behind a note are deleted it is removed everywhere', async () => {
  const talk = await buildTalk(app);
  const [first, second, third] = await sendAll(talk, 'one', 'two', 'three');
  const [socket, hers] = [await app.connect(talk.buyer, '/chat'), await app.connect(talk.seller, '/notifications')];
  const [updated, removed] = [record(hers, 'notification:updated'), record(hers, 'notification:removed')];
  const remove = (message_id?: string) => done(socket, 'message:delete', { thread_id: talk.thread.id, message_id });
  await remove(third);
  await eventually(() => expect(updated).toMatchObject([{ notification: { count: 2, body: 'two' }, alert: false }]));
  await remove(first);
  expect((await listOf(talk.seller)).results).toMatchObject([{ count: 1, body: 'two' }]);
  expect(removed).toEqual([]);
  await remove(second);
  await eventually(() => expect(removed).toMatchObject([{ notification: { type: 'chat_message' }, badge: none, alert: false }])); // biome-ignore format: one line reads better
  expect(await listOf(talk.seller)).toMatchObject({ results: [], badge: none });
  await sendAll(talk, 'four');
  expect((await listOf(talk.seller)).results).toMatchObject([{ count: 1, body: 'four' }]);
});

test('a note that was read keeps no text of a message that was deleted', async () => {
  const talk = await buildTalk(app);
  const [only] = await sendAll(talk, 'secret');
  await app.post(talk.seller, '/api/notifications/read-all/');
  const socket = await app.connect(talk.buyer, '/chat');
  await done(socket, 'message:delete', { thread_id: talk.thread.id, message_id: only });
  const { results } = await listOf(talk.seller);
  expect(results).toMatchObject([{ body: '', count: 1 }]);
  expect(results[0].data).not.toHaveProperty('message_id');
});

test('whoever is removed from a thread keeps no note of it, and hears nothing of later ones', async () => {
  const talk = await buildTalk(app);
  await sendAll(talk, 'one');
  await app.post(talk.seller, '/api/notifications/read-all/');
  await sendAll(talk, 'two');
  const heard = record(await app.connect(talk.seller, '/notifications'), 'notification:removed');
  await asStaff(app, ctx =>
    removeParticipant(ctx, { threadId: talk.thread.id, userId: talk.seller.id, reason: 'fraud' }),
  );
  await sendAll(talk, 'three');
  await eventually(() => expect(heard).toHaveLength(2));
  expect(await listOf(talk.seller)).toMatchObject({ results: [], badge: none });
});

test('reading a thread to its end reads its note on all devices; reading a part of it lowers the number', async () => {
  const talk = await buildTalk(app);
  await sendAll(talk, 'one', 'two', 'three');
  const other = await buildTalk(app);
  const devices = [await app.connect(talk.seller, '/notifications'), await app.connect(talk.seller, '/notifications')];
  const heard = devices.map(socket => record(socket, 'notification:updated'));
  const read = (seq: number) => app.post(talk.seller, `/api/chat/threads/${talk.thread.id}/read/`, { seq });
  await read(1);
  expect((await listOf(talk.seller)).results).toMatchObject([{ count: 2, read_at: null }]);
  await read(3);
  for (const pushes of heard)
    await eventually(() =>
      expect(pushes.at(-1)).toMatchObject({ notification: { read_at: expect.any(String) }, badge: none, alert: false }),
    );
  expect((await listOf(other.seller)).badge).toEqual(none);
});

test('what is left to read in a note are messages alone, not what was deleted or what the system says', async () => {
  const talk = await buildTalk(app);
  const [, , third] = await sendAll(talk, 'one', 'two', 'three');
  const read = (seq: number) => app.post(talk.seller, `/api/chat/threads/${talk.thread.id}/read/`, { seq });
  const socket = await app.connect(talk.buyer, '/chat');
  await done(socket, 'message:delete', { thread_id: talk.thread.id, message_id: third });
  await asStaff(app, ctx => setThreadLock(ctx, talk.thread.id, true));
  await read(1);
  expect((await listOf(talk.seller)).results).toMatchObject([{ count: 1, body: 'two', read_at: null }]);
  await read(2);
  expect(await listOf(talk.seller)).toMatchObject({ results: [{ read_at: expect.any(String) }], badge: none });
});

test.each([
  ['its id', async (seller: TestUser) => ({ id: (await listOf(seller)).results[0].id })],
  ['its group', async (_seller: TestUser, thread: string) => ({ group_key: `thread:${thread}` })],
])('reading a note by %s reads its thread, and the other side sees it', async (_how, which) => {
  const talk = await buildTalk(app);
  await sendAll(talk, 'one', 'two');
  const receipts = record(await app.connect(talk.buyer, '/chat'), 'receipt:updated');
  const answer = await app.post(talk.seller, '/api/notifications/read/', await which(talk.seller, talk.thread.id));
  expect(answer.body).toEqual({ updated: 1, badge: none });
  expect((await app.get(talk.seller, '/api/auth/me/')).body).toMatchObject({
    unread: { threads: 0, messages: 0 },
    badge: none,
  });
  await eventually(() => expect(receipts).toMatchObject([{ user_id: talk.seller.id, read_seq: 2 }]));
});

test('the note of a picture without words says so', async () => {
  const talk = await buildTalk(app);
  const { body } = await app.post(talk.buyer, '/api/chat/send/', message(talk.thread));
  const socket = await app.connect(talk.buyer, '/chat');
  await app.orm.em.fork().execute('update messages set text = null where id = ?', [body.message.id]);
  await sendAll(talk, 'two');
  const [last] = (await listOf(talk.seller)).results;
  await done(socket, 'message:delete', { thread_id: talk.thread.id, message_id: last.data.message_id });
  expect((await listOf(talk.seller)).results).toMatchObject([{ body: '📷', count: 1 }]);
});
