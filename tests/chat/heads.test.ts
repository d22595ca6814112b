import type { Socket } from 'socket.io-client';
import { expect, type TestContext, test } from 'vitest';
import { createChat } from '../../src/client/chat.ts';
import { ask, eventually, once, openSocket, record, startApp, type TestApp } from '../support/app.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { startProxy } from '../support/proxy.ts';
import { startRedis } from '../support/redis.ts';
import { buildTalk, done, message } from '../support/talk.ts';

type Closer = TestContext['onTestFinished'];

/** A Redis, and a way to it that can be cut. */
async function buildRedis(onTestFinished: Closer) {
  const redis = await startRedis();
  onTestFinished(redis.stop);
  const network = await startProxy(redis.url);
  onTestFinished(network.close);
  return { redis, network };
}

/** Closed after the test, the last to be opened first. */
async function buildNodes(
  onTestFinished: Closer,
  here: { url: string },
  there = here,
  scale = 20,
): Promise<[TestApp, TestApp]> {
  const database = await createTestDatabase();
  onTestFinished(database.drop);
  const nodes = await Promise.all(
    [here, there].map(({ url }) => startApp(database.url, { REDIS_URL: url, TEST_TIME_SCALE: `${scale}` })),
  );
  for (const node of nodes) onTestFinished(() => node.close());
  return nodes as [TestApp, TestApp];
}

test('G6: while Redis is away every message is acknowledged, and the other instance catches up by heads', async ({
  onTestFinished,
}) => {
  const redis = await startRedis();
  const [here, there] = await buildNodes(onTestFinished, redis);
  const { buyer, seller, outsider, thread } = await buildTalk(here);
  const sender = await here.connect(buyer, '/chat');
  const reader = openSocket(there.url, '/chat', { token: seller.token });
  onTestFinished(() => void reader.close());
  const chat = createChat(reader);
  const stranger = await there.connect(outsider, '/chat');
  const overheard = record(stranger, 'sync:head');
  await eventually(() => expect(chat.views().size).toBe(1));
  await redis.stop();
  const acks = await Promise.all(Array.from({ length: 5 }, () => ask(sender, 'message:send', message(thread))));
  expect(acks.map(ack => ack.ok)).toEqual([true, true, true, true, true]);
  // 5 s of an outage: 2 s until a head comes, and the client's own wait of 500 ms; 1,500 here, the client is not faster
  await eventually(() => expect(chat.views().get(thread.id)!.messages).toHaveLength(5), 2_500);
  await ask(stranger, 'thread:list', {});
  expect(overheard).toEqual([]);
});

test('G6: when the instance of the sender alone is cut off from Redis, readers of the others are told in time too', async ({
  onTestFinished,
}) => {
  const { redis, network } = await buildRedis(onTestFinished);
  // in health it looks every 7.5 s, in an outage every 0.5 s
  const [here, there] = await buildNodes(onTestFinished, network, redis, 4);
  const { buyer, seller, thread } = await buildTalk(here);
  const sender = await here.connect(buyer, '/chat');
  const heads = record(await there.connect(seller, '/chat'), 'sync:head');
  network.cut();
  await eventually(async () => expect((await here.get(null, '/readyz')).body.degraded).not.toEqual([]));
  await done(sender, 'message:send', message(thread));
  await eventually(() => expect(heads).toContainEqual({ threads: [[thread.id, 2]] }), 2_000);
});

test('G6: readers of an instance that stops are told in time until they go', async ({ onTestFinished }) => {
  const redis = await startRedis();
  const [here] = await buildNodes(onTestFinished, redis);
  const leaving = await startApp(here.config.DATABASE_URL!, { REDIS_URL: redis.url, TEST_TIME_SCALE: '20' });
  const { buyer, seller, outsider, thread } = await buildTalk(here);
  const sender = await here.connect(buyer, '/chat');
  const readers: Socket[] = [];
  for (const { token } of [outsider, seller]) {
    const socket = openSocket(leaving.url, '/chat', { token });
    readers.push(socket);
    await once(socket, 'session:ready');
  }
  const heads = record(readers[1]!, 'sync:head');
  const told = once(readers[1]!, 'server:draining');
  // The second of two connections has half of it.
  const closed = leaving.close(4_000);
  await told;
  await redis.stop();
  await done(sender, 'message:send', message(thread));
  await eventually(() => expect(heads).toContainEqual({ threads: [[thread.id, 2]] }), 2_000);
  await closed;
});

// Those that wait without a limit of their own wait beside each other, each with nodes of its own.
test.concurrent('G6: what is the own state of a user reaches the devices on the other instance by heads too', async ({
  onTestFinished,
}) => {
  const redis = await startRedis();
  const [here, there] = await buildNodes(onTestFinished, redis);
  const { buyer, seller, thread } = await buildTalk(here);
  await done(await here.connect(buyer, '/chat'), 'message:send', message(thread));
  const phone = await here.connect(seller, '/chat');
  const laptop = openSocket(there.url, '/chat', { token: seller.token });
  onTestFinished(() => void laptop.close());
  const chat = createChat(laptop);
  const me = () => chat.views().get(thread.id)?.thread.me;
  const overheard = record(await there.connect(buyer, '/chat'), 'me:updated');
  await eventually(() => expect(me()).toMatchObject({ archived: false, unread: 1 }));
  await redis.stop();
  const { thread: archived } = await done(phone, 'thread:archive', { thread_id: thread.id, archived: true });
  await eventually(() => expect(me()).toEqual(archived.me));
  await done(phone, 'thread:mark-unread', { thread_id: thread.id });
  await eventually(() => expect(me()).toMatchObject({ rev: 3, marked_unread: true }));
  await done(phone, 'thread:read', { thread_id: thread.id, seq: 1 });
  await eventually(() => expect(me()).toMatchObject({ rev: 4, marked_unread: false, unread: 0 }));
  expect(overheard).toEqual([]);
});

test.concurrent.for(['reader', 'sender'] as const)(
  'G6: what was missed while the instance of the %s was away from Redis for a moment is told when it is back',
  async (cutOff, { onTestFinished }) => {
    const { redis, network } = await buildRedis(onTestFinished);
    // In health it looks every 30 s, and at the connection every 2 s: mostly it is back by then.
    const isSender = cutOff === 'sender';
    const [here, there] = await buildNodes(onTestFinished, isSender ? network : redis, isSender ? redis : network, 1);
    const { buyer, seller, thread } = await buildTalk(here);
    const sender = await here.connect(buyer, '/chat');
    const heads = record(await there.connect(seller, '/chat'), 'sync:head');
    const away = isSender ? here : there;
    network.cut();
    await eventually(async () => expect((await away.get(null, '/readyz')).body.degraded).not.toEqual([]));
    await done(sender, 'message:send', message(thread));
    network.resume();
    await eventually(() => expect(heads).toContainEqual({ threads: [[thread.id, 2]] }));
  },
);

test.concurrent('G6: what was written just before Redis was back is told once more then', async ({
  onTestFinished,
}) => {
  const { redis, network } = await buildRedis(onTestFinished);
  const [here, there] = await buildNodes(onTestFinished, redis, network, 1);
  const { buyer, seller, thread } = await buildTalk(here);
  const sender = await here.connect(buyer, '/chat');
  const heads = record(await there.connect(seller, '/chat'), 'sync:head');
  const isTold = (rev: number) => eventually(() => expect(heads).toContainEqual({ threads: [[thread.id, rev]] }));
  network.cut();
  await done(sender, 'message:send', message(thread));
  await isTold(2);
  // It has just looked: by the next time Redis is back.
  await done(sender, 'message:send', message(thread));
  network.resume();
  await isTold(3);
});

test.concurrent('G6: in health a head tells now and then what changed lately, in case a publish was lost', async ({
  onTestFinished,
}) => {
  const redis = await startRedis();
  onTestFinished(redis.stop);
  const [here, there] = await buildNodes(onTestFinished, redis);
  const { buyer, seller, thread } = await buildTalk(here);
  const reader = await there.connect(seller, '/chat');
  const heads = record(reader, 'sync:head');
  await done(await here.connect(buyer, '/chat'), 'message:send', message(thread));
  await eventually(() => expect(heads).toContainEqual({ threads: [[thread.id, 2]] }));
});
