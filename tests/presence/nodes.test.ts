import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, once, openSocket, record, startApp, type TestApp } from '../support/app.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { buildPeers, follow, hidden, type PresenceState, watch } from '../support/presence.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { startServerProcess } from '../support/server-process.ts';
import { done } from '../support/talk.ts';

// 80 s are 4 s here, a lease of 60 s is 3 s, the grace of 15 s is 750 ms.
const SCALE = 20;
const SECRET_KEY = 'a secret key that all nodes of this test share';
let [redis, database, nodes]: [TestRedis, TestDatabase, TestApp[]] = [] as never;
let env: Record<string, string>;

beforeAll(async () => {
  [redis, database] = await Promise.all([startRedis(), createTestDatabase()]);
  env = { REDIS_URL: redis.url, TEST_TIME_SCALE: `${SCALE}`, SECRET_KEY };
  nodes = await Promise.all([0, 1].map(() => startApp(database.url, env)));
}, 240_000);
afterAll(async () => {
  for (const node of nodes) await node.close();
  await database.drop();
  await redis.stop();
});

async function buildWatched() {
  const [here, there] = nodes as [TestApp, TestApp];
  const viewer = await here.buildUser();
  const [peer] = await buildPeers(here, viewer);
  const socket = await here.connect(viewer, '/presence');
  return { here, there, viewer, peer: peer!, socket, states: follow(socket) };
}

async function countFollowers(user: { id: string }): Promise<number> {
  const client = new Redis(redis.url);
  const [, count] = await client.pubsub('NUMSUB', `parthub:presence:${user.id}`);
  client.disconnect();
  return count as number;
}

// Each has users of its own, and Redis stays as it is: they wait beside each other.
test.concurrent('who connects to one node is seen on another, with devices on both until the last one leaves', async () => {
  const { here, there, peer, socket, states } = await buildWatched();
  expect(await watch(socket, [peer])).toMatchObject([{ status: 'offline' }]);
  const phone = await there.connect(peer, '/presence');
  await eventually(() => expect(states.get(peer.id)).toMatchObject({ status: 'online' }));
  const laptop = await here.connect(peer, '/presence');
  const heard = record(socket, 'presence:updated');
  phone.close();
  await new Promise(resolve => setTimeout(resolve, 1_500)); // twice the grace
  expect(heard).toEqual([]);
  laptop.close();
  await eventually(() => expect(states.get(peer.id)).toMatchObject({ status: 'offline' }));
});

test.concurrent('S-85, S-86: a block, an unblock and invisibility on one node hold on the other', async () => {
  const { there, viewer, peer, socket, states } = await buildWatched();
  const own = await there.connect(peer, '/presence');
  await watch(socket, [peer]);
  const chat = await there.connect(peer, '/chat');
  await done(chat, 'user:block', { user_id: viewer.id });
  await eventually(() => expect(states.get(peer.id)).toEqual(hidden(peer)));
  await done(chat, 'user:unblock', { user_id: viewer.id });
  await eventually(() => expect(states.get(peer.id)).toMatchObject({ status: 'online' }));
  await done(own, 'presence:set', { mode: 'invisible' });
  await eventually(() => expect(states.get(peer.id)).toEqual(hidden(peer)));
  await done(own, 'presence:set', { mode: 'auto' });
  await eventually(() => expect(states.get(peer.id)).toMatchObject({ status: 'online' }));
});

test.concurrent('S-85: a block whose word to the other node was lost holds there within a minute', async () => {
  const { viewer, peer, socket, states, there } = await buildWatched();
  await there.connect(peer, '/presence');
  await watch(socket, [peer]);
  const alone = await startApp(database.url, { SECRET_KEY });
  const chat = await alone.connect(viewer, '/chat');
  await done(chat, 'user:block', { user_id: peer.id });
  await eventually(() => expect(states.get(peer.id)).toEqual(hidden(peer)));
  await alone.close();
});

test.concurrent('a node that is killed leaves no ghosts: its users are offline within 80 s, and stay it', async () => {
  const { here, peer, socket, states } = await buildWatched();
  const server = await startServerProcess({ ...env, DATABASE_URL: database.url });
  const held = openSocket(server.url, '/presence', { token: peer.token });
  await once(held, 'session:ready');
  await eventually(async () => expect(await watch(socket, [peer])).toMatchObject([{ status: 'online' }]));
  const killedAt = performance.now();
  await server.kill();
  await eventually(() => expect(states.get(peer.id)).toMatchObject({ status: 'offline' }), 80_000 / SCALE);
  expect(performance.now() - killedAt).toBeGreaterThan(15_000 / SCALE);
  expect(await watch(socket, [peer])).toEqual([states.get(peer.id)]);
  await here.connect(peer, '/presence');
  await eventually(() => expect(states.get(peer.id)).toMatchObject({ status: 'online' }));
}, 30_000);

test.concurrent('whoever leaves while its list is being answered watches nobody any more', async () => {
  const { there, peer, socket } = await buildWatched();
  socket.emit('presence:subscribe', { user_ids: [peer.id] });
  socket.disconnect();
  const other = await there.connect(peer, '/presence');
  await done(other, 'presence:get', { user_ids: [] });
  await new Promise(resolve => setTimeout(resolve, 2 * (30_000 / SCALE))); // a user whom nobody watches is forgotten by then
  expect(await countFollowers(peer)).toBe(0);
});

test('while Redis is away all is unknown, and right again by itself when an empty one is back', async () => {
  const { here, there, viewer, peer, socket, states } = await buildWatched();
  const [gone] = await buildPeers(here, viewer);
  const [leaving] = await buildPeers(here, viewer);
  const stranger = await here.buildUser();
  await there.connect(peer, '/presence');
  const last = await there.connect(leaving!, '/presence');
  await watch(socket, [peer, gone!, leaving!, stranger]);
  const told: PresenceState[] = [];
  socket.on('presence:updated', push => told.push(...push.states));

  await redis.stop();
  const all = [peer.id, gone!.id, leaving!.id];
  await eventually(() => expect(all.map(id => states.get(id)?.status)).toEqual(['unknown', 'unknown', 'unknown']));
  expect(await watch(socket, [peer, stranger])).toEqual([
    { user_id: peer.id, status: 'unknown', last_seen_at: null },
    hidden(stranger),
  ]);
  expect(await done(socket, 'presence:get', { user_ids: [stranger.id, peer.id] })).toMatchObject({
    states: [{ status: 'hidden' }, { status: 'unknown' }],
  });
  await watch(socket, [peer, gone!, leaving!, stranger]);
  last.close();
  const late = await there.connect(gone!, '/presence'); // while it is away

  told.length = 0;
  redis = await startRedis({ port: Number(new URL(redis.url).port) });
  await eventually(() => expect(all.map(id => states.get(id)?.status)).toEqual(['online', 'online', 'offline']));
  expect(told.filter(state => state.user_id === peer.id).map(state => state.status)).toEqual(['online']);
  late.close();
  await eventually(() => expect(states.get(gone!.id)).toMatchObject({ status: 'offline' }));
}, 30_000);

test('a Redis that hangs is as good as away: nobody stays online by it', async () => {
  const { there, peer, socket, states } = await buildWatched();
  await there.connect(peer, '/presence');
  await eventually(async () => expect(await watch(socket, [peer])).toMatchObject([{ status: 'online' }]));
  process.kill(redis.pid!, 'SIGSTOP');
  try {
    await eventually(() => expect(states.get(peer.id)).toMatchObject({ status: 'unknown' }));
    expect(await done(socket, 'presence:get', { user_ids: [peer.id] })).toMatchObject({
      states: [{ status: 'unknown' }],
    });
  } finally {
    process.kill(redis.pid!, 'SIGCONT');
  }
  await eventually(() => expect(states.get(peer.id)).toMatchObject({ status: 'online' }));
}, 30_000);

test('whoever stops watching while Redis is away is not heard of any more once it is back', async () => {
  const { there, peer, socket, states } = await buildWatched();
  const { peer: other, socket: staying, states: seen } = await buildWatched();
  await there.connect(other, '/presence');
  await Promise.all([watch(socket, [peer]), watch(staying, [other])]);
  expect(await countFollowers(peer)).toBe(1);
  await redis.stop();
  await eventually(() => expect(states.get(peer.id)).toMatchObject({ status: 'unknown' }));
  socket.disconnect();
  redis = await startRedis({ port: Number(new URL(redis.url).port) });
  await eventually(() => expect(seen.get(other.id)).toMatchObject({ status: 'online' }));
  await new Promise(resolve => setTimeout(resolve, 2 * (30_000 / SCALE)));
  expect([await countFollowers(other), await countFollowers(peer)]).toEqual([1, 0]);
}, 30_000);

test('a Redis that was emptied knows of nobody, until all have told it again', async () => {
  const { there, peer, socket, states } = await buildWatched();
  await there.connect(peer, '/presence');
  await eventually(async () => expect(await watch(socket, [peer])).toMatchObject([{ status: 'online' }]));
  const client = new Redis(redis.url);
  await client.flushall();
  client.disconnect();
  await eventually(() => expect(states.get(peer.id)).toMatchObject({ status: 'unknown' }));
  await eventually(() => expect(states.get(peer.id)).toMatchObject({ status: 'online' }));
});
