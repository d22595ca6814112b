import { expect, test } from 'vitest';
import webPush from 'web-push';
import { fakePush } from '../fakes/push.ts';
import { eventually, startApp, type TestApp } from '../support/app.ts';
import { waiting } from '../support/locks.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { buildTalk, message } from '../support/talk.ts';

const keys = webPush.generateVAPIDKeys();
const env = {
  ...{ VAPID_PUBLIC_KEY: keys.publicKey, VAPID_PRIVATE_KEY: keys.privateKey, VAPID_SUBJECT: 'mailto:ops@example.uz' },
  ...{ TEST_TIME_SCALE: '5', PUSH_TEST_HOSTS: '127.0.0.1' },
};

async function startNode(databaseUrl: string): Promise<TestApp> {
  const node = await startApp(databaseUrl, env);
  await node.jobs.start(databaseUrl);
  return node;
}

test('a push that an instance was about to send when it ended is sent by the next one', async () => {
  const [database, push] = [await createTestDatabase(), await fakePush()];
  const first = await startNode(database.url);
  const { buyer, seller, thread } = await buildTalk(first);
  const browser = push.buildBrowser();
  await first.post(seller, '/api/notifications/push-subscriptions/', browser.subscription);
  await first.post(buyer, '/api/chat/send/', message(thread));
  // It decides to push, and cannot write it down before it has stopped.
  await first.orm.em.fork().transactional(async holder => {
    await holder.execute('set local idle_in_transaction_session_timeout = 0');
    await holder.execute('select 1 from notifications where user_id = ? for update', [seller.id]);
    await waiting(first, 1);
    await first.jobs.stop();
  });
  await first.close();
  expect(push.received).toEqual([]);
  const next = await startNode(database.url);
  await eventually(() => expect(browser.shown()).toHaveLength(1));
  await next.close();
  await database.drop();
}, 60_000);

test('what an instance is sending when it ends is finished, and sent by no other', async () => {
  const [database, push] = [await createTestDatabase(), await fakePush()];
  const [first, next] = [await startNode(database.url), await startApp(database.url, env)];
  const talks = await Promise.all(Array.from({ length: 20 }, () => buildTalk(first)));
  for (const { seller } of talks)
    await first.post(seller, '/api/notifications/push-subscriptions/', push.buildBrowser().subscription);
  push.delayMs = 150;
  await Promise.all(talks.map(({ buyer, thread }) => first.post(buyer, '/api/chat/send/', message(thread))));
  await eventually(() => expect(push.received.length).toBeGreaterThan(0));
  await first.close();
  await next.jobs.start(database.url);
  await eventually(() => expect(new Set(push.received.map(one => one.path)).size).toBe(20));
  await new Promise(resolve => setTimeout(resolve, 2_500)); // a failed one is tried again after a second
  expect(push.received).toHaveLength(20);
  await next.close();
  await database.drop();
}, 60_000);
