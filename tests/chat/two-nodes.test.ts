import { LockMode } from '@mikro-orm/core';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Thread } from '../../src/chat/entities.ts';
import { newId } from '../../src/common/ids.ts';
import { ask, eventually, record, startApp, type TestApp } from '../support/app.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { buildPost, buildTalk, buildTrader, message } from '../support/talk.ts';

let [redis, database, nodes]: [TestRedis, TestDatabase, TestApp[]] = [] as never;

beforeAll(async () => {
  [redis, database] = await Promise.all([startRedis(), createTestDatabase()]);
  nodes = await Promise.all([0, 1].map(() => startApp(database.url, { REDIS_URL: redis.url, RATE_LIMITS: 'relaxed' })));
}, 240_000);
afterAll(async () => {
  for (const node of nodes) await node.close();
  await database.drop();
  await redis.stop();
});

test('what is sent on one of two nodes is heard on the other, once and in order', async () => {
  const [here, there] = nodes as [TestApp, TestApp];
  const { buyer, seller, outsider, thread } = await buildTalk(here);
  const sender = await here.connect(buyer, '/chat');
  const second = await there.connect(buyer, '/chat');
  const peer = await there.connect(seller, '/chat');
  const stranger = await there.connect(outsider, '/chat');
  const heard = [record(second, 'message:created'), record(peer, 'message:created')];
  const overheard = record(stranger, 'message:created');
  const acks = await Promise.all(Array.from({ length: 30 }, () => ask(sender, 'message:send', message(thread))));
  await eventually(() => expect(heard.map(pushes => pushes.length)).toEqual([30, 30]));
  for (const pushes of heard) expect(pushes.map(push => push.message)).toEqual(acks.map(ack => ack.ok && ack.data.message)); // biome-ignore format: one line reads better
  await ask(stranger, 'thread:list', {});
  expect(overheard).toEqual([]);
});

/** Of Redis: how often each command was called, and who is followed by any node. */
async function askRedis() {
  const client = new Redis(redis.url);
  const stats = await client.info('commandstats');
  const followed = (await client.pubsub('CHANNELS', 'parthub:user:*')) as string[];
  client.disconnect();
  const calls = (name: string) => Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
  return { calls, followed };
}

async function metricOf(node: TestApp, name: string): Promise<number> {
  const { body } = await node.get(null, '/metrics');
  const line = (body as string).split('\n').find(one => one.startsWith(`parthub_${name} `));
  return Number(line!.split(' ')[1]);
}

const batchesOf = (node: TestApp) => metricOf(node, 'batch_size_count{operation="message:send"}');
const chatSocketsOf = (node: TestApp) => metricOf(node, 'connections{of="/chat"}');

test('all that one commit announces reaches the other nodes by one call, one word for each user', async () => {
  const [here, there] = nodes as [TestApp, TestApp];
  const { buyer, seller, thread } = await buildTalk(here);
  const sender = await here.connect(buyer, '/chat');
  const heard = record(await there.connect(seller, '/chat'), 'message:created');
  await ask(sender, 'message:send', message(thread));
  const [before, batches] = [await askRedis(), await batchesOf(here)];
  await Promise.all(Array.from({ length: 60 }, () => ask(sender, 'message:send', message(thread))));
  await eventually(() => expect(heard).toHaveLength(61));
  const [after, commits] = [await askRedis(), (await batchesOf(here)) - batches];
  expect(commits).toBeLessThan(60);
  // Its buyer and its seller; the notes of the seller are told apart from the commit, at most four times a second.
  const words = after.calls('publish') - before.calls('publish');
  expect(words).toBeGreaterThanOrEqual(2 * commits);
  expect(words).toBeLessThan(2 * commits + 10);
  expect(after.calls('evalsha') - before.calls('evalsha')).toBeLessThan(commits + 10);
});

test('a node follows a user from the first connection to the last', async () => {
  const { buyer } = await buildTalk(nodes[0]!);
  const isFollowed = async () => (await askRedis()).followed.includes(`parthub:user:${buyer.id}`);
  expect(await isFollowed()).toBe(false);
  const [first, second] = [await nodes[0]!.connect(buyer, '/chat'), await nodes[0]!.connect(buyer, '/presence')];
  expect(await isFollowed()).toBe(true);
  const sockets = await chatSocketsOf(nodes[0]!);
  first.disconnect();
  await eventually(async () => expect(await chatSocketsOf(nodes[0]!)).toBe(sockets - 1));
  expect(await isFollowed()).toBe(true);
  second.disconnect();
  await eventually(async () => expect(await isFollowed()).toBe(false));
});

test('G3: two nodes number one thread without a hole, and each socket hears every message once', async () => {
  const { buyer, seller, thread } = await buildTalk(nodes[0]!);
  const sockets = await Promise.all(
    [buyer, seller, buyer, seller].map((user, index) => nodes[index >> 1]!.connect(user, '/chat')),
  );
  const heard = sockets.map(socket => record(socket, 'message:created'));
  const acks = await Promise.all(
    sockets.flatMap(socket => Array.from({ length: 40 }, () => ask(socket, 'message:send', message(thread)))),
  );
  const expected = Array.from({ length: 160 }, (_, index) => index + 1);
  expect(acks.map(ack => ack.ok && ack.data.message.seq).sort((a, b) => a - b)).toEqual(expected);
  for (const pushes of heard)
    await eventually(() => expect(pushes.map(push => push.message.seq).sort((a, b) => a - b)).toEqual(expected));
});

const waitingStatements = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;

test('S-46: one client_id sent a hundred times over both doors and two nodes is one message', async () => {
  const { buyer, seller, thread } = await buildTalk(nodes[0]!);
  const sockets = await Promise.all(nodes.map(node => node.connect(buyer, '/chat')));
  const peer = await nodes[1]!.connect(seller, '/chat');
  const same = message(thread);
  const ids = await Promise.all(
    Array.from({ length: 100 }, async (_, index) => {
      const node = index % 2;
      if (index % 4 < 2) return (await nodes[node]!.post(buyer, '/api/chat/send/', same)).body.message.id;
      const ack = await ask(sockets[node]!, 'message:send', same);
      return ack.ok && ack.data.message.id;
    }),
  );
  expect(new Set(ids).size).toBe(1);
  const page = await ask(peer, 'thread:history', { thread_id: thread.id });
  expect(page.ok && page.data.messages).toHaveLength(1);
});

test('G2: a message that two nodes store at the same moment is one, and a success on both', async () => {
  const { buyer, thread } = await buildTalk(nodes[0]!);
  const sockets = await Promise.all(nodes.map(node => node.connect(buyer, '/chat')));
  const same = message(thread);
  const em = nodes[0]!.orm.em.fork();
  await em.begin();
  await em.findOne(Thread, thread.id, { lockMode: LockMode.PESSIMISTIC_WRITE });
  const sent = Promise.all(sockets.map(socket => ask(socket, 'message:send', same)));
  const waiting = async () => (await nodes[1]!.orm.em.fork().execute(waitingStatements)).length;
  await eventually(async () => expect(await waiting()).toBe(2));
  await em.commit();
  const acks = (await sent).map(ack => ack.ok && ack.data);
  expect(acks.map(data => (data ? data.message.seq : 0))).toEqual([1, 1]);
  expect(acks.map(data => (data ? data.duplicate : null)).sort()).toEqual([false, true]);
});

test('G2: of two threads opened at once with one first message the second is a conflict, and is not opened', async () => {
  const [here, there] = nodes as [TestApp, TestApp];
  const [buyer, sellers] = [await buildTrader(here), [await buildTrader(here), await buildTrader(here)]];
  const sockets = await Promise.all([here, there].map(node => node.connect(buyer, '/chat')));
  for (let round = 1; round <= 15; round += 1) {
    const first_message = { client_id: newId(), text: 'Hi' };
    const posts = await Promise.all(sellers.map(seller => buildPost(here, seller)));
    const acks = await Promise.all(posts.map((post_id, at) => ask(sockets[at]!, 'thread:open', { post_id, first_message }))); // biome-ignore format: one line reads better
    expect(acks.map(ack => ack.ok || ack.error.code).sort()).toEqual(['idempotency_conflict', true]);
  }
  expect((await here.get(buyer, '/api/chat/threads/')).body.results).toHaveLength(15);
});

test('S-46: parallel starts on both doors and two nodes give one thread', async () => {
  const { outsider, thread } = await buildTalk(nodes[0]!);
  const sockets = await Promise.all(nodes.map(node => node.connect(outsider, '/chat')));
  const post_id = thread.postId;
  const answers = await Promise.all(
    Array.from({ length: 20 }, async (_, index) => {
      const node = index % 2;
      if (index % 4 < 2) return (await nodes[node]!.post(outsider, '/api/chat/start/', { post_id, text: 'Hi' })).body;
      const ack = await ask(sockets[node]!, 'thread:open', { post_id });
      return ack.ok && ack.data;
    }),
  );
  expect(new Set(answers.map(answer => answer.thread.id)).size).toBe(1);
  expect(answers.filter(answer => answer.created)).toHaveLength(1);
  expect((await nodes[1]!.get(outsider, '/api/chat/threads/')).body.results[0]).toMatchObject({ last_seq: 10 });
});
