import type { Socket } from 'socket.io-client';
import { expect, test } from 'vitest';
import { setReadReceipts } from '../../src/chat/service/thread-changes.ts';
import { newId } from '../../src/common/ids.ts';
import { ask, eventually, once, record, type TestUser, useApp } from '../support/app.ts';
import { buildTalk, done, message, type Talk } from '../support/talk.ts';
import { asStaff } from '../support/worlds.ts';

const app = useApp({ RATE_LIMITS: 'relaxed' });
const refused = (code: string) => ({ ok: false, error: { code } });

async function sendMany(who: TestUser, thread: { id: string }, count: number) {
  for (let sent = 0; sent < count; sent += 1) await app.post(who, '/api/chat/send/', message(thread));
}

async function buildRead(count = 3): Promise<Talk & { reader: Socket; writer: Socket }> {
  const talk = await buildTalk(app);
  await sendMany(talk.buyer, talk.thread, count);
  const [reader, writer] = [await app.connect(talk.seller, '/chat'), await app.connect(talk.buyer, '/chat')];
  return { ...talk, reader, writer };
}

test('reading moves the position forward only, clamped to the last message, and both sides hear of it', async () => {
  const { seller, thread, reader, writer } = await buildRead();
  const heard = [record(reader, 'receipt:updated'), record(writer, 'receipt:updated')];
  const read = (seq: number) => done(reader, 'thread:read', { thread_id: thread.id, seq });
  expect(await read(2)).toEqual({ read_seq: 2, unread: 1 });
  expect(await read(1)).toEqual({ read_seq: 2, unread: 1 });
  expect(await read(99)).toEqual({ read_seq: 3, unread: 0 });
  const at = expect.stringMatching(/Z$/);
  const pushes = [
    { thread_id: thread.id, rev: 5, at, user_id: seller.id, read_seq: 2 },
    { thread_id: thread.id, rev: 6, at, user_id: seller.id, read_seq: 3 },
  ];
  await eventually(() => expect(heard).toEqual([pushes, pushes]));
  const { thread: view } = await done(writer, 'thread:get', { thread_id: thread.id });
  expect(view).toMatchObject({ rev: 6, participants: [{ side: 'buyer' }, { side: 'seller', read_seq: 3, delivered_seq: 3 }] }); // biome-ignore format: one line reads better
});

test('over REST a thread is read too', async () => {
  const { seller, buyer, thread } = await buildRead();
  const path = `/api/chat/threads/${thread.id}/read/`;
  expect(await app.post(seller, path, { seq: 2 })).toMatchObject({ status: 200, body: { read_seq: 2, unread: 1 } });
  expect((await app.get(seller, '/api/auth/me/')).body.unread).toEqual({ threads: 1, messages: 1 });
  expect((await app.post(buyer, path, { seq: -1 })).status).toBe(400);
});

test('many reads of one thread are coalesced: fewer revisions than calls, and one for the last position', async () => {
  const { thread, reader, writer } = await buildRead(40);
  const heard = record(writer, 'receipt:updated');
  const seqs = Array.from({ length: 40 }, (_, index) => index + 1);
  const acks = await Promise.all(seqs.map(seq => done(reader, 'thread:read', { thread_id: thread.id, seq })));
  expect(acks.at(-1)).toEqual({ read_seq: 40, unread: 0 });
  const { thread: view } = await done(reader, 'thread:get', { thread_id: thread.id });
  await eventually(() => expect(heard.at(-1)).toMatchObject({ read_seq: 40, rev: view.rev }));
  expect(heard.length).toBe(view.rev - 41);
  expect(heard.length).toBeLessThan(20);
});

test('delivered positions of several threads are told in one event', async () => {
  const [one, two] = [await buildRead(2), await buildTalk(app)];
  const opened = await app.post(one.seller, '/api/chat/start/', { post_id: two.thread.postId });
  const other = opened.body.thread;
  await sendMany(two.seller, other, 1);
  const heard = [
    record(one.writer, 'receipt:updated'),
    record(await app.connect(two.seller, '/chat'), 'receipt:updated'),
  ];
  const items = [
    { thread_id: one.thread.id, seq: 2 },
    { thread_id: other.id, seq: 5 },
    { thread_id: one.thread.id, seq: 1 },
  ];
  expect(await done(one.reader, 'thread:delivered', { items })).toEqual({});
  await eventually(() =>
    expect(heard).toMatchObject([
      [{ thread_id: one.thread.id, user_id: one.seller.id, delivered_seq: 2, rev: 4 }],
      [{ thread_id: other.id, user_id: one.seller.id, delivered_seq: 1, rev: 3 }],
    ]),
  );
  expect(heard.flat().every(push => !('read_seq' in push))).toBe(true);
  expect(await done(one.reader, 'thread:delivered', { items })).toEqual({});
  const { thread } = await done(one.reader, 'thread:get', { thread_id: one.thread.id });
  expect(thread).toMatchObject({ rev: 4, me: { read_seq: 0, unread: 2 } });
});

test('one foreign thread in it makes the whole delivered event not_found, and nothing is stored', async () => {
  const { thread, reader } = await buildRead(2);
  const items = [
    { thread_id: thread.id, seq: 2 },
    { thread_id: newId(), seq: 1 },
  ];
  expect(await ask(reader, 'thread:delivered', { items })).toMatchObject(refused('not_found'));
  expect((await done(reader, 'thread:get', { thread_id: thread.id })).thread.rev).toBe(3);
  expect(await done(reader, 'thread:delivered', { items: [] })).toEqual({});
});

test('an outsider reads and delivers nothing', async () => {
  const { outsider, thread } = await buildRead();
  const socket = await app.connect(outsider, '/chat');
  expect(await ask(socket, 'thread:read', { thread_id: thread.id, seq: 1 })).toMatchObject(refused('not_found'));
  const items = [{ thread_id: thread.id, seq: 1 }];
  expect(await ask(socket, 'thread:delivered', { items })).toMatchObject(refused('not_found'));
});

test('with read receipts off on either side nobody sees what is read, only the own devices do', async () => {
  for (const who of ['buyer', 'seller'] as const) {
    const { seller, thread, reader, writer, ...talk } = await buildRead();
    const heads = [once(reader, 'thread:updated'), once(writer, 'thread:updated')];
    await asStaff(app, ctx => setReadReceipts(ctx, { seller, ...talk }[who].id, false));
    for (const head of await Promise.all(heads))
      expect(head).toMatchObject({ rev: 5, thread: { participants: [{ read_seq: null }, { read_seq: null }] } });
    const heard = record(writer, 'receipt:updated');
    const me = once(reader, 'me:updated');
    await done(reader, 'thread:read', { thread_id: thread.id, seq: 2 });
    expect(await me).toMatchObject({ thread_id: thread.id, me: { rev: 2, read_seq: 2, unread: 1 } });
    const { thread: view } = await done(writer, 'thread:get', { thread_id: thread.id });
    expect(view).toMatchObject({ rev: 5, participants: [{ read_seq: null }, { read_seq: null, delivered_seq: 0 }] });
    expect(heard).toEqual([]);
    await asStaff(app, ctx => setReadReceipts(ctx, { seller, ...talk }[who].id, true));
    expect((await done(writer, 'thread:get', { thread_id: thread.id })).thread.participants[1].read_seq).toBe(2);
  }
});

test('who marks a thread as unread sees it so on all devices, until it is read; nobody else hears', async () => {
  const { seller, thread, reader, writer } = await buildRead();
  await done(reader, 'thread:read', { thread_id: thread.id, seq: 3 });
  const second = await app.connect(seller, '/chat');
  const [mine, theirs] = [record(second, 'me:updated'), record(writer, 'me:updated')];
  const { thread: view } = await done(reader, 'thread:mark-unread', { thread_id: thread.id });
  expect(view.me).toMatchObject({ rev: 2, marked_unread: true, unread: 0 });
  expect((await app.get(seller, '/api/auth/me/')).body.unread).toEqual({ threads: 1, messages: 0 });
  await done(reader, 'thread:mark-unread', { thread_id: thread.id });
  await done(reader, 'thread:read', { thread_id: thread.id, seq: 3 });
  await eventually(() =>
    expect(mine).toMatchObject([{ me: { rev: 2, marked_unread: true } }, { me: { rev: 3, marked_unread: false } }]),
  );
  await ask(writer, 'thread:list', {});
  expect(theirs).toEqual([]);
});

test('muting and archiving are private too, on both doors', async () => {
  const { seller, thread, reader, writer } = await buildRead();
  const [mine, theirs] = [record(reader, 'me:updated'), record(writer, 'me:updated')];
  const until = '2030-01-01T00:00:00.000Z';
  const muted = await app.post(seller, `/api/chat/threads/${thread.id}/mute/`, { until });
  expect(muted.body.thread.me).toMatchObject({ rev: 2, muted_until: until });
  await app.post(seller, `/api/chat/threads/${thread.id}/mute/`, { until });
  expect((await done(reader, 'thread:mute', { thread_id: thread.id, until: null })).thread.me.muted_until).toBe(null);
  const archived = await app.post(seller, `/api/chat/threads/${thread.id}/archive/`, { archived: true });
  expect(archived.body.thread.me).toMatchObject({ rev: 4, archived: true });
  expect((await app.get(seller, '/api/chat/threads/')).body).toMatchObject({ results: [], unread: { threads: 0 } });
  const back = await done(reader, 'thread:archive', { thread_id: thread.id, archived: false });
  expect(back.thread).toMatchObject({ rev: 4, me: { rev: 5, archived: false } });
  await eventually(() => expect(mine.map(push => push.me.rev)).toEqual([2, 3, 4, 5]));
  await ask(writer, 'thread:list', {});
  expect(theirs).toEqual([]);
});

test('a receipt is a change of its thread at its moment, which never goes back', async () => {
  const { thread, reader } = await buildRead();
  const em = app.orm.em.fork();
  const read = async (seq: number, changedAt: Date) => {
    await em.execute('update threads set updated_at = ? where id = ?', [changedAt, thread.id]);
    await done(reader, 'thread:read', { thread_id: thread.id, seq });
    const [{ is_later }] = (await em.execute(
      'select updated_at > ?::timestamptz as is_later from threads where id = ?',
      [changedAt, thread.id],
    )) as [{ is_later: boolean }];
    return is_later;
  };
  expect(await read(1, new Date(Date.now() - 60_000))).toBe(true);
  expect(await read(2, new Date(Date.now() + 60_000))).toBe(false);
});
