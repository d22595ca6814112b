import { expect, test } from 'vitest';
import { setThreadLock } from '../../src/chat/service/thread-changes.ts';
import { ask, record, useApp } from '../support/app.ts';
import { arrived, holdThread } from '../support/batches.ts';
import { buildTalk, done, message } from '../support/talk.ts';
import { asStaff } from '../support/worlds.ts';

const app = useApp();

async function buildBoth() {
  const talk = await buildTalk(app);
  return { ...talk, mine: await app.connect(talk.buyer, '/chat'), theirs: await app.connect(talk.seller, '/chat') };
}

test('G4: receipts of both users in one batch get a revision each, one after the other', async () => {
  const { buyer, seller, thread, mine, theirs } = await buildBoth();
  // What the system says both may read.
  for (const isLocked of [true, false]) await asStaff(app, ctx => setThreadLock(ctx, thread.id, isLocked));
  const heard = [record(mine, 'receipt:updated'), record(theirs, 'receipt:updated')];
  const read = (socket: typeof mine, seq: number) => done(socket, 'thread:read', { thread_id: thread.id, seq });
  const release = await holdThread(app, thread);
  const reads = [read(mine, 1)];
  await arrived(mine);
  reads.push(read(mine, 2), read(theirs, 1), read(theirs, 2));
  for (const socket of [mine, theirs]) await arrived(socket);
  await release();
  const stands = { read_seq: 2, unread: 0 };
  expect(await Promise.all(reads)).toEqual([{ read_seq: 1, unread: 1 }, stands, stands, stands]);
  const { thread: view } = await done(mine, 'thread:get', { thread_id: thread.id });
  await done(theirs, 'thread:get', { thread_id: thread.id });
  expect(view.rev).toBe(8);
  for (const pushes of heard) {
    expect(pushes.map(push => push.rev)).toEqual([6, 7, 8]);
    expect(new Set(pushes.slice(1).map(push => [push.user_id, push.read_seq].join()))).toEqual(
      new Set([`${buyer.id},2`, `${seller.id},2`]),
    );
  }
});

test('of a batch in which both write a note counts what came after the last message of its reader alone', async () => {
  const { buyer, seller, thread, mine, theirs } = await buildBoth();
  const release = await holdThread(app, thread);
  const sent: Promise<unknown>[] = [];
  for (const [socket, text] of [
    [mine, 'in flight'],
    [mine, 'a'],
    [theirs, 'b'],
    [mine, 'c'],
    [mine, 'd'],
  ] as const) {
    sent.push(done(socket, 'message:send', message(thread, { text })));
    await arrived(socket);
  }
  await release();
  await Promise.all(sent);
  // Sending is reading: the note of the first one was read by the answer in the second batch.
  expect((await app.get(seller, '/api/notifications/')).body).toMatchObject({
    results: [
      { count: 2, body: 'd', read_at: null },
      { count: 1, body: 'in flight', read_at: expect.any(String) },
    ],
    badge: { unread: 1 },
  });
  expect((await app.get(buyer, '/api/notifications/')).body.badge).toEqual({ unread: 0, unseen: 0 });
  const unreadOf = async (socket: typeof mine) =>
    (await done(socket, 'thread:get', { thread_id: thread.id })).thread.me;
  expect(await unreadOf(mine)).toMatchObject({ read_seq: 5, unread: 0 });
  expect(await unreadOf(theirs)).toMatchObject({ read_seq: 3, unread: 2 });
});

test('a thread was updated when the latest message of a batch was made, whichever comes last', async () => {
  const { buyer, seller, thread, mine, theirs } = await buildBoth();
  const heard = record(mine, 'message:created');
  const release = await holdThread(app, thread);
  const sent = [done(mine, 'message:send', message(thread))];
  await arrived(mine);
  // Its request has come a little later by the clock, and was ready to be stored before the next one.
  const headers = { 'x-test-now': new Date(Date.now() + 5_000).toISOString() };
  const later = app.post(seller, '/api/chat/send/', message(thread), headers);
  for (let waited = 0; waited < 5; waited += 1) await app.get(buyer, '/api/auth/me/');
  sent.push(done(theirs, 'message:send', message(thread)));
  await arrived(theirs);
  await release();
  await Promise.all([later, ...sent]);
  const { thread: view } = await done(mine, 'thread:get', { thread_id: thread.id });
  expect(heard.map(push => push.message.seq)).toEqual([1, 2, 3]);
  expect(view.updated_at).toBe(
    heard
      .map(push => push.at)
      .toSorted()
      .at(-1),
  );
});

test('G2: sends with one client_id in one batch are one message, and with other content idempotency_conflict', async () => {
  const { thread, mine, theirs } = await buildBoth();
  const heard = record(theirs, 'message:created');
  const release = await holdThread(app, thread);
  const inFlight = done(mine, 'message:send', message(thread));
  await arrived(mine);
  const once = message(thread, { text: 'once' });
  const acks = [once, once, { ...once, text: 'twice' }].map(one => ask(mine, 'message:send', one));
  await arrived(mine);
  await release();
  await inFlight;
  const sent = { client_id: once.client_id, seq: 2, text: 'once' };
  expect(await Promise.all(acks)).toMatchObject([
    { ok: true, data: { duplicate: false, message: sent } },
    { ok: true, data: { duplicate: true, message: sent } },
    { ok: false, error: { code: 'idempotency_conflict' } },
  ]);
  expect((await done(theirs, 'thread:history', { thread_id: thread.id })).messages).toHaveLength(2);
  expect(heard.map(push => push.message.seq)).toEqual([1, 2]);
});
