import { expect, test } from 'vitest';
import { createClient, localOutbox } from '../../src/client/index.ts';
import { eventually, useApp } from '../support/app.ts';
import { credentialsOf, keepOutbox, storageOf, useClients } from '../support/client.ts';
import { buildTalk } from '../support/talk.ts';

const app = useApp();
const { start } = useClients();

test("somebody else who logs in on the same device sends none of the other's messages", async () => {
  const { seller, buyer, thread } = await buildTalk(app);
  const { outbox, unsent } = keepOutbox();
  const first = await start(app, buyer, { outbox });
  first.disconnect();
  first.send(thread.id, { text: 'a secret' });
  await eventually(() => expect(unsent.size).toBe(1));
  const second = await start(app, seller, { outbox });
  await eventually(() => expect(unsent.size).toBe(0));
  // an ack behind which nothing of the outbox could still be under way
  await second.ask('thread:get', { thread_id: thread.id });
  const { body } = await app.get(seller, `/api/chat/threads/${thread.id}/messages/`);
  expect(body.results).toEqual([]);
});

test("what is written before the first connection is its author's too", async () => {
  const { seller, buyer, thread } = await buildTalk(app);
  const { outbox, unsent } = keepOutbox();
  const first = createClient({ url: app.url, credentials: credentialsOf(buyer), outbox });
  first.send(thread.id, { text: 'a secret' });
  await eventually(() => expect([...unsent.values()]).toMatchObject([{ userId: buyer.id }]));
  // the application is started again, without a network, and then by somebody else
  const second = createClient({ url: app.url, credentials: credentialsOf(buyer), outbox });
  second.send(thread.id, { text: 'another one' });
  await eventually(() => expect([...unsent.values()].map(one => one.userId)).toEqual([buyer.id, buyer.id]));
  const third = await start(app, seller, { outbox });
  await eventually(() => expect(unsent.size).toBe(0));
  await third.ask('thread:get', { thread_id: thread.id });
  const { body } = await app.get(seller, `/api/chat/threads/${thread.id}/messages/`);
  expect(body.results).toEqual([]);
});

test('a login that was stored without its user learns it, and sends what it has written before', async () => {
  const { seller, buyer, thread } = await buildTalk(app);
  const { outbox, unsent } = keepOutbox();
  const credentials = credentialsOf(buyer);
  credentials.save({ ...(await credentials.load())!, userId: undefined });
  const first = createClient({ url: app.url, credentials, outbox });
  first.send(thread.id, { text: 'hello' });
  await eventually(() => expect([...unsent.values()]).toMatchObject([{ userId: null }]));
  await start(app, buyer, { credentials, outbox });
  await eventually(() => expect(unsent.size).toBe(0));
  expect(await credentials.load()).toMatchObject({ userId: buyer.id });
  const { body } = await app.get(seller, `/api/chat/threads/${thread.id}/messages/`);
  expect(body.results).toMatchObject([{ text: 'hello', sender: { id: buyer.id } }]);
});

test('an outbox that cannot be read is no reason not to start, and not to send', async () => {
  const { seller, buyer, thread } = await buildTalk(app);
  const broken = () => {
    throw new Error('SecurityError');
  };
  const client = await start(app, buyer, { outbox: { load: broken, put: broken, remove: broken } });
  client.send(thread.id, { text: 'hello' });
  await eventually(async () => {
    const { body } = await app.get(seller, `/api/chat/threads/${thread.id}/messages/`);
    expect(body.results).toMatchObject([{ text: 'hello' }]);
  });
});

test('what an outbox never wrote keeps nobody from logging in, and nothing from being sent', async () => {
  const { seller, buyer, thread } = await buildTalk(app);
  const strange = ['{}', '5', '"x"', 'null', '{"message":null}', '{"message":{"client_id":"x"}}'];
  const entries = strange.map((text, index) => [`parthub:unsent:${index}`, text]);
  const client = await start(app, buyer, { outbox: localOutbox(storageOf(Object.fromEntries(entries))) });
  client.send(thread.id, { text: 'hello' });
  await eventually(async () => {
    const { body } = await app.get(seller, `/api/chat/threads/${thread.id}/messages/`);
    expect(body.results).toMatchObject([{ text: 'hello' }]);
  });
  expect(client.unsent.getSnapshot()).toEqual([]);
});
