import { afterAll, beforeAll, expect, type TestContext, test } from 'vitest';
import { facts as accounts } from '../../src/accounts/contract.ts';
import { ask, eventually, startApp, type TestApp, type TestUser } from '../support/app.ts';
import { waiting } from '../support/locks.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { startProxy, type TestProxy } from '../support/proxy.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { buildTalk, message } from '../support/talk.ts';
import { asStaff } from '../support/worlds.ts';

interface Badge {
  unread: number;
  unseen: number;
}
interface Node {
  app: TestApp;
  redis: TestProxy;
}
let [redis, database, here, there]: [TestRedis, TestDatabase, Node, Node] = [] as never;

beforeAll(async () => {
  [redis, database] = await Promise.all([startRedis(), createTestDatabase()]);
  [here, there] = [await startNode(), await startNode()];
}, 240_000);
afterAll(async () => {
  for (const node of [here, there]) {
    await node.app.close();
    await node.redis.close();
  }
  await database.drop();
  await redis.stop();
});

async function startNode(): Promise<Node> {
  const proxy = await startProxy(redis.url);
  return { redis: proxy, app: await startApp(database.url, { REDIS_URL: proxy.url }) };
}

/** What a device of this user shows, as it was told last. */
async function showBadge({ app }: Node, user: TestUser, told: Badge[] = []): Promise<() => Badge | undefined> {
  const socket = await app.connect(user, '/notifications');
  socket.onAny((_event, { badge }) => badge && told.push(badge));
  return () => told.at(-1);
}

test('whichever of two instances counts first, devices show the number that is stored', async () => {
  const { buyer, seller, thread } = await buildTalk(here.app);
  const badges: Badge[] = [];
  const shown = await showBadge(there, seller, badges);
  await asStaff(there.app, async ({ emit }) => emit(accounts.loggedIn, { userId: seller.id, device: null }));
  await eventually(() => expect(shown()).toEqual({ unread: 1, unseen: 1 }));
  const [login] = (await there.app.get(seller, '/api/notifications/')).body.results;
  await there.app.orm.em.fork().transactional(async holder => {
    // One has counted, and cannot say yet who has written.
    await holder.execute('lock table b2b_profiles in access exclusive mode');
    await here.app.post(buyer, '/api/chat/send/', message(thread));
    await waiting(there.app, 1);
    await there.app.post(seller, '/api/notifications/read/', { id: login.id });
    await eventually(() => expect(shown()).toEqual({ unread: 1, unseen: 1 }));
  });
  await eventually(() => expect(badges).toContainEqual({ unread: 2, unseen: 1 }));
  await eventually(() => expect(shown()).toEqual({ unread: 1, unseen: 1 }));
}, 30_000);

test.each([
  ['that tells', () => here],
  ['that is told', () => there],
])(
  'numbers are right again by themselves after the instance %s was cut off from Redis',
  async (_which, cutOff) => {
    const { buyer, seller, thread } = await buildTalk(here.app);
    const [told, shown] = [await showBadge(here, seller), await showBadge(there, seller)];
    const chat = await here.app.connect(buyer, '/chat');
    cutOff().redis.cut();
    await eventually(async () => expect((await cutOff().app.get(null, '/readyz')).body).toMatchObject({ degraded: expect.arrayContaining(['cross_node']) })); // biome-ignore format: one line reads better
    expect(await ask(chat, 'message:send', message(thread))).toMatchObject({ ok: true });
    await eventually(() => expect(told()).toEqual({ unread: 1, unseen: 1 }));
    expect(shown()).toBeUndefined();
    cutOff().redis.resume();
    await eventually(() => expect(shown()).toEqual({ unread: 1, unseen: 1 }));
  },
  30_000,
);

interface Alone extends Node {
  database: TestProxy;
}

/** With a database of its own. */
async function startAlone(onTestFinished: TestContext['onTestFinished']): Promise<Alone> {
  const own = await createTestDatabase();
  onTestFinished(own.drop);
  const [toDatabase, toRedis] = [await startProxy(own.url), await startProxy(redis.url)];
  const app = await startApp(toDatabase.url, { REDIS_URL: toRedis.url });
  onTestFinished(async () => {
    await app.close();
    await Promise.all([toDatabase.close(), toRedis.close()]);
  });
  return { app, redis: toRedis, database: toDatabase };
}

test('numbers that were lost with Redis are told even if the database is away when it is back', async ({
  onTestFinished,
}) => {
  const { app, database: network, redis: toRedis } = await startAlone(onTestFinished);
  const user = await app.buildUser();
  // As another instance has written it, which could not tell.
  await app.orm.em.fork().execute(
    `insert into notifications (id, user_id, type, count, title, body, actor_ids, data, rev, created_at, updated_at)
     values (gen_random_uuid(), ?, 'announcement', 1, 'News', 'Soon', '{}', '{}', 1, now(), now())`,
    [user.id],
  );
  toRedis.cut();
  await eventually(async () => expect((await app.get(null, '/readyz')).body.degraded).toContain('cross_node'));
  const shown = await showBadge({ app, redis: toRedis }, user);
  const counting = app.orm.em.fork().transactional(async holder => {
    await holder.execute('lock table notifications in access exclusive mode');
    toRedis.resume();
    await waiting(app, 1);
    network.cut();
  });
  await expect(counting).rejects.toThrow();
  network.resume();
  await eventually(() => expect(shown()).toEqual({ unread: 1, unseen: 1 }));
}, 30_000);

test('what was stored before the database went away is told once it is back', async ({ onTestFinished }) => {
  const { app, database: network, redis: toRedis } = await startAlone(onTestFinished);
  const { buyer, seller, thread } = await buildTalk(app);
  const shown = await showBadge({ app, redis: toRedis }, seller);
  const telling = app.orm.em.fork().transactional(async holder => {
    // The note is stored, and cannot be told yet: who has written it is asked for.
    await holder.execute('lock table b2b_profiles in access exclusive mode');
    await app.post(buyer, '/api/chat/send/', message(thread));
    await waiting(app, 1);
    network.cut();
  });
  await expect(telling).rejects.toThrow();
  network.resume();
  await eventually(() => expect(shown()).toEqual({ unread: 1, unseen: 1 }));
}, 30_000);
