import { afterAll, beforeAll, expect, test } from 'vitest';
import webPush from 'web-push';
import { fakePush } from '../fakes/push.ts';
import { eventually, record, startApp, type TestApp } from '../support/app.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { buildTalk, message } from '../support/talk.ts';

let [redis, database, nodes]: [TestRedis, TestDatabase, TestApp[]] = [] as never;
const keys = webPush.generateVAPIDKeys();

beforeAll(async () => {
  [redis, database] = await Promise.all([startRedis(), createTestDatabase()]);
  const env = {
    ...{ REDIS_URL: redis.url, TEST_TIME_SCALE: '20', PUSH_TEST_HOSTS: '127.0.0.1' },
    ...{ VAPID_PUBLIC_KEY: keys.publicKey, VAPID_PRIVATE_KEY: keys.privateKey, VAPID_SUBJECT: 'mailto:ops@example.uz' },
  };
  nodes = await Promise.all([0, 1].map(() => startApp(database.url, env)));
  for (const node of nodes) await node.jobs.start(database.url);
}, 240_000);
afterAll(async () => {
  for (const node of nodes) await node.close();
  await database.drop();
  await redis.stop();
});

test('a note is heard on the other node, and its badge follows what is read there', async () => {
  const [here, there] = nodes as [TestApp, TestApp];
  const { buyer, seller, thread } = await buildTalk(here);
  const socket = await there.connect(seller, '/notifications');
  const [created, updated] = [record(socket, 'notification:created'), record(socket, 'notification:updated')];
  await here.post(buyer, '/api/chat/send/', message(thread));
  await eventually(() => expect(created).toMatchObject([{ badge: { unread: 1, unseen: 1 } }]));
  await here.post(seller, '/api/notifications/read-all/');
  await eventually(() => expect(updated.at(-1)).toMatchObject({ badge: { unread: 0, unseen: 0 } }));
});

test('web push leaves alone whoever is connected to another node, and is sent once though both could', async () => {
  const [here, there] = nodes as [TestApp, TestApp];
  const push = await fakePush();
  const [live, away] = [await buildTalk(here), await buildTalk(here)];
  for (const { seller } of [live, away])
    await here.post(seller, '/api/notifications/push-subscriptions/', push.buildBrowser().subscription);
  const absent = push.buildBrowser();
  await here.post(away.seller, '/api/notifications/push-subscriptions/', absent.subscription);
  const socket = await there.connect(live.seller, '/chat');
  socket.on('message:created', ({ thread_id, message: { seq } }) =>
    socket.emit('thread:delivered', { items: [{ thread_id, seq }] }),
  );
  for (const { buyer, thread } of [live, away]) await here.post(buyer, '/api/chat/send/', message(thread));
  await eventually(() => expect(push.received).toHaveLength(2));
  await eventually(() => expect(absent.shown()).toHaveLength(1));
  await there.post(away.buyer, '/api/chat/send/', message(away.thread));
  const fence = await buildTalk(here);
  const fenced = push.buildBrowser();
  await here.post(fence.seller, '/api/notifications/push-subscriptions/', fenced.subscription);
  await there.post(fence.buyer, '/api/chat/send/', message(fence.thread));
  await eventually(() => expect(fenced.shown()).toHaveLength(1));
  expect(push.received).toHaveLength(3);
});
