import type { Socket } from 'socket.io-client';
import { afterEach, expect, test } from 'vitest';
import { removeParticipant } from '../../src/chat/service/thread-changes.ts';
import { ask, eventually, once, record, startApp, type TestApp, type TestUser, useApp } from '../support/app.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { buildTalk, done, message } from '../support/talk.ts';
import { asStaff } from '../support/worlds.ts';

// 7 s of silence of who types are 350 ms here, 2 s between two heads 100 ms.
const TEST_TIME_SCALE = '20';
const app = useApp({ RATE_LIMITS: 'relaxed', TEST_TIME_SCALE });
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  while (closers.length > 0) await closers.pop()!();
});

const remove = (thread: { id: string }, { id: userId }: TestUser, from = app) =>
  asStaff(from, ctx => removeParticipant(ctx, { threadId: thread.id, userId, reason: 'fraud' }));

/** The events of a thread that a socket hears. */
function hear(socket: Socket, { id }: { id: string }): string[] {
  const heard: string[] = [];
  socket.onAny((event, push) => {
    if (JSON.stringify(push).includes(id)) heard.push(event);
  });
  return heard;
}

async function buildNodes(redis: TestRedis): Promise<[TestApp, TestApp]> {
  const database = await createTestDatabase();
  closers.push(database.drop, redis.stop);
  const env = { REDIS_URL: redis.url, TEST_TIME_SCALE };
  const nodes = [await startApp(database.url, env), await startApp(database.url, env)];
  for (const node of nodes) closers.push(() => node.close());
  return nodes as [TestApp, TestApp];
}

test('S-85: whom staff removed is not told what the other one has read or received', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const [removed, left] = [await app.connect(seller, '/chat'), await app.connect(buyer, '/chat')];
  await done(removed, 'message:send', message(thread));
  const [heard, own] = [hear(removed, thread), record(left, 'receipt:updated')];
  await remove(thread, seller);
  await done(left, 'thread:read', { thread_id: thread.id, seq: 1 });
  await done(left, 'thread:delivered', { items: [{ thread_id: thread.id, seq: 2 }] });
  await ask(removed, 'thread:list', {});
  expect(own).toHaveLength(2);
  expect(heard).toEqual(['access:revoked']);
});

test('S-85: to whom staff removed not even a repeat is answered', async () => {
  const { buyer, thread } = await buildTalk(app);
  const removed = await app.connect(buyer, '/chat');
  const sent = message(thread);
  await done(removed, 'message:send', sent);
  await remove(thread, buyer);
  expect(await ask(removed, 'message:send', sent)).toMatchObject({ ok: false, error: { code: 'not_found' } });
});

test.each(['buyer', 'seller'] as const)(
  'S-85: the %s, once removed, sends nothing, and hears nothing of what is sent',
  async side => {
    const { thread, ...talk } = await buildTalk(app);
    const [gone, stays] = side === 'buyer' ? [talk.buyer, talk.seller] : [talk.seller, talk.buyer];
    const [removed, left] = [await app.connect(gone, '/chat'), await app.connect(stays, '/chat')];
    const bell = record(await app.connect(gone, '/notifications'), 'notification:created');
    const heard = hear(removed, thread);
    await remove(thread, gone);
    expect(await ask(removed, 'message:send', message(thread))).toMatchObject({ error: { code: 'not_found' } });
    expect(await done(left, 'message:send', message(thread, { text: 'unheard' }))).toMatchObject({ duplicate: false });
    await ask(removed, 'thread:list', {});
    expect(heard).toEqual(['access:revoked']);
    expect(JSON.stringify([bell, (await app.get(gone, '/api/notifications/')).body])).not.toContain('unheard');
  },
);

test('S-85: whom staff removed finds nothing of the thread, and has nothing unread in it', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const removed = await app.connect(buyer, '/chat');
  await app.post(seller, '/api/chat/send/', message(thread, { text: 'a needle, 06H-121-026' }));
  expect((await done(removed, 'message:search', { q: 'needle' })).results).toHaveLength(1);
  expect((await app.get(buyer, '/api/auth/me/')).body.unread).toEqual({ threads: 1, messages: 1 });
  await remove(thread, buyer);
  for (const q of ['needle', '06H121026']) expect((await done(removed, 'message:search', { q })).results).toEqual([]);
  const inThread = { q: 'needle', thread_id: thread.id };
  expect(await ask(removed, 'message:search', inThread)).toMatchObject({ error: { code: 'not_found' } });
  const nothing = { threads: 0, messages: 0 };
  expect((await app.get(buyer, '/api/auth/me/')).body.unread).toEqual(nothing);
  expect(await done(removed, 'thread:list', { box: 'all' })).toMatchObject({ results: [], unread: nothing });
  expect(await done(removed, 'sync:pull', {})).toMatchObject({ threads: [], unread: nothing });
  const held = { threads: [{ thread_id: thread.id, rev: 2 }] };
  expect(await done(removed, 'sync:pull', held)).toMatchObject({ threads: [], gone: [thread.id] });
});

test('S-85: of who was removed nobody hears that they type, nor they of the other one', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const [removed, left] = [await app.connect(buyer, '/chat'), await app.connect(seller, '/chat')];
  await remove(thread, buyer);
  const heard = [record(left, 'typing:updated'), record(removed, 'typing:updated')];
  for (const socket of [removed, left])
    expect(await ask(socket, 'typing:start', { thread_id: thread.id })).toMatchObject({ ok: true });
  for (const socket of [removed, left]) await ask(socket, 'thread:list', {});
  expect(heard).toEqual([[], []]);
});

test('S-85: who was removed opens no second thread about the post, and nobody is removed twice', async () => {
  const { buyer, thread } = await buildTalk(app);
  await remove(thread, buyer);
  await expect(remove(thread, buyer)).rejects.toMatchObject({ code: 'not_found' });
  const socket = await app.connect(buyer, '/chat');
  const post_id = thread.postId;
  const refusal = { code: 'recipient_unavailable' };
  expect(await ask(socket, 'thread:open', { post_id })).toMatchObject({ error: refusal });
  expect(await app.post(buyer, '/api/chat/start/', { post_id, text: 'Hi' })).toMatchObject({ status: 403, body: refusal }); // biome-ignore format: one line reads better
  expect((await app.get(buyer, `/api/b2b/posts/${post_id}/`)).body.my_thread_id).toBeNull();
});

test.each(['buyer', 'seller'] as const)(
  'S-85, G10: on another instance too, the %s, once removed, hears nothing but access:revoked, no head either',
  async side => {
    const [here, there] = await buildNodes(await startRedis());
    const { thread, ...talk } = await buildTalk(here);
    const [gone, stays] = side === 'buyer' ? [talk.buyer, talk.seller] : [talk.seller, talk.buyer];
    const [left, removed] = [await here.connect(stays, '/chat'), await there.connect(gone, '/chat')];
    const neighbour = await there.connect(stays, '/chat');
    const heard = hear(removed, thread);
    await remove(thread, gone, here);
    await eventually(() => expect(heard).toContain('access:revoked'));
    const heads = record(neighbour, 'sync:head');
    left.emit('typing:start', { thread_id: thread.id });
    await done(left, 'message:send', message(thread));
    await done(left, 'thread:read', { thread_id: thread.id, seq: 2 });
    // In health it is told every 1.5 s here what has changed lately.
    await eventually(() => expect(heads).toContainEqual({ threads: [[thread.id, expect.any(Number)]] }));
    await ask(removed, 'thread:list', {});
    expect(new Set(heard)).toEqual(new Set(['access:revoked']));
  },
);

test('S-85, G6: whom staff removed while Redis was away is told so on another instance too', async () => {
  const redis = await startRedis();
  const [here, there] = await buildNodes(redis);
  const { buyer, seller, thread } = await buildTalk(here);
  const own = once(await here.connect(seller, '/chat'), 'access:revoked');
  const told = once(await there.connect(seller, '/chat'), 'access:revoked');
  const overheard = record(await there.connect(buyer, '/chat'), 'access:revoked');
  await redis.stop();
  await remove(thread, seller, here);
  await done(await here.connect(buyer, '/chat'), 'message:send', message(thread));
  const { thread_id, rev, at } = await own;
  expect(await told).toEqual({ thread_id, rev, at, reason: 'moderation' });
  expect(overheard).toEqual([]);
});
