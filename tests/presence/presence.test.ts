import { expect, test } from 'vitest';
import { removeParticipant } from '../../src/chat/service/thread-changes.ts';
import { newId } from '../../src/common/ids.ts';
import { ask, eventually, record, useApp } from '../support/app.ts';
import { buildPair, buildPeers, follow, hidden, watch } from '../support/presence.ts';
import { buildPost, buildThread, buildTrader, done } from '../support/talk.ts';
import { asStaff } from '../support/worlds.ts';

// 15 s of grace are 750 ms here.
const SCALE = 20;
const app = useApp({ TEST_TIME_SCALE: `${SCALE}` });
const GRACE_MS = 15_000 / SCALE;

test('who never connected is offline, who is connected is online', async () => {
  const { peer, socket } = await buildPair(app);
  expect(await watch(socket, [peer])).toEqual([{ user_id: peer.id, status: 'offline', last_seen_at: null }]);
  const states = follow(socket);
  await app.connect(peer, '/presence');
  await eventually(() => expect(states.get(peer.id)).toEqual({ user_id: peer.id, status: 'online', last_seen_at: null })); // biome-ignore format: one line reads better
  expect(await watch(socket, [peer])).toMatchObject([{ status: 'online' }]);
});

test('a user who leaves is offline 15 s later, last seen when the connection ended', async () => {
  const { peer, socket } = await buildPair(app);
  const away = await app.connect(peer, '/presence');
  await watch(socket, [peer]);
  const states = follow(socket);
  const closedAt = Date.now();
  away.close();
  await eventually(() => expect(states.get(peer.id)).toMatchObject({ status: 'offline' }));
  expect(Date.now() - closedAt).toBeGreaterThanOrEqual(GRACE_MS);
  const lastSeenAt = Date.parse(states.get(peer.id)!.last_seen_at!);
  expect(Math.abs(lastSeenAt - closedAt)).toBeLessThan(200);
  expect(await done(socket, 'presence:get', { user_ids: [peer.id] })).toEqual({ states: [states.get(peer.id)] });
});

test('a reload within the grace is not told', async () => {
  const { viewer, peer, socket } = await buildPair(app);
  const [other] = await buildPeers(app, viewer);
  const [first, second] = [await app.connect(peer, '/presence'), await app.connect(other!, '/presence')];
  await watch(socket, [peer, other!]);
  const heard = record(socket, 'presence:updated');
  first.close();
  await app.connect(peer, '/presence');
  second.close(); // told later than the first would have been
  await eventually(() => expect(heard.at(-1)?.states).toMatchObject([{ user_id: other!.id, status: 'offline' }]));
  expect(heard.flatMap(push => push.states.map((state: { user_id: string }) => state.user_id))).not.toContain(peer.id);
});

test('a list replaces the one before, and an empty one ends it', async () => {
  const viewer = await app.buildUser();
  const [one, two] = await buildPeers(app, viewer, 2);
  const socket = await app.connect(viewer, '/presence');
  await watch(socket, [one!]);
  expect(await watch(socket, [two!, two!])).toHaveLength(1);
  const states = follow(socket);
  await app.connect(one!, '/presence');
  await app.connect(two!, '/presence');
  await eventually(() => expect(states.has(two!.id)).toBe(true));
  expect(await watch(socket, [])).toEqual([]);
  expect([...states.keys()]).toEqual([two!.id]);
});

test('presence:get tells it once and nothing after', async () => {
  const { peer, socket } = await buildPair(app);
  const heard = record(socket, 'presence:updated');
  expect(await done(socket, 'presence:get', { user_ids: [peer.id] })).toMatchObject({
    states: [{ status: 'offline' }],
  });
  await app.connect(peer, '/presence');
  await eventually(async () =>
    expect(await done(socket, 'presence:get', { user_ids: [peer.id] })).toMatchObject({
      states: [{ status: 'online' }],
    }),
  );
  expect(heard).toEqual([]);
});

test('S-86: strangers, invisible users and ids of nobody are the same hidden, in answers and in bytes', async () => {
  const viewer = await app.buildUser();
  const [invisible, seen] = await buildPeers(app, viewer, 2);
  const stranger = await app.buildUser();
  for (const user of [invisible!, stranger, seen!]) await app.connect(user, '/presence');
  const own = await app.connect(invisible!, '/presence');
  expect(await done(own, 'presence:set', { mode: 'invisible' })).toEqual({ mode: 'invisible' });
  const socket = await app.connect(viewer, '/presence');
  const list = [...Array.from({ length: 197 }, () => ({ id: newId() })), invisible!, stranger, seen!];
  const states = await watch(socket, list);
  expect(states.slice(0, 199)).toEqual(list.slice(0, 199).map(hidden));
  expect(states[199]).toMatchObject({ user_id: seen!.id, status: 'online' });
  const bytes = states.slice(0, 199).map(state => JSON.stringify(state).replace(state.user_id, ''));
  expect(new Set(bytes).size).toBe(1);
  const { states: got } = await done(socket, 'presence:get', { user_ids: list.map(user => user.id) });
  expect(JSON.stringify(got)).toBe(JSON.stringify(states));

  // nothing of them comes later either: what comes of the one who is seen is the fence
  const heard = follow(socket);
  own.close();
  await app.connect(stranger, '/presence');
  await app.connect(invisible!, '/presence');
  const third = await app.connect(seen!, '/presence');
  await done(third, 'presence:set', { mode: 'invisible' });
  await eventually(() => expect(heard.get(seen!.id)).toEqual(hidden(seen!)));
  expect([...heard.keys()]).toEqual([seen!.id]);
});

test('S-86: 201 ids, and ids that are none, are refused', async () => {
  const { socket } = await buildPair(app);
  for (const user_ids of [Array.from({ length: 201 }, () => newId()), ['x'], 'x', null, undefined])
    for (const event of ['presence:subscribe', 'presence:get'])
      expect(await ask(socket, event, { user_ids })).toMatchObject({ ok: false, error: { code: 'validation_failed' } });
});

test('invisible is hidden for everybody and on all devices, and auto shows the user again', async () => {
  const { peer, socket } = await buildPair(app);
  const [phone] = [await app.connect(peer, '/presence'), await app.connect(peer, '/presence')];
  await watch(socket, [peer]);
  const states = follow(socket);
  await done(phone!, 'presence:set', { mode: 'invisible' });
  await eventually(() => expect(states.get(peer.id)).toEqual(hidden(peer)));
  await app.connect(peer, '/presence');
  expect(await watch(socket, [peer])).toEqual([hidden(peer)]);
  await done(phone!, 'presence:set', { mode: 'auto' });
  await eventually(() => expect(states.get(peer.id)).toMatchObject({ status: 'online' }));
});

test('who opens a thread is seen from then on, by a watcher that asked before', async () => {
  const [buyer, seller] = [await buildTrader(app), await buildTrader(app)];
  const [socket, peer] = [await app.connect(seller, '/presence'), await app.connect(buyer, '/presence')];
  expect(await watch(socket, [buyer])).toEqual([hidden(buyer)]);
  expect(await watch(peer, [seller])).toEqual([hidden(seller)]);
  const [states, reverse] = [follow(socket), follow(peer)];
  const chat = await app.connect(buyer, '/chat');
  await done(chat, 'thread:open', { post_id: await buildPost(app, seller) });
  await eventually(() => expect(states.get(buyer.id)).toMatchObject({ status: 'online' }));
  await eventually(() => expect(reverse.get(seller.id)).toMatchObject({ status: 'online' }));
});

test('who was removed from the only thread of the two is a stranger again; another thread keeps them known', async () => {
  const [viewer, peer] = [await app.buildUser(), await app.buildUser()];
  const threads = [1, 2].map(() => buildThread(app, { buyer: viewer, seller: peer, postId: newId() }));
  const [first, second] = await Promise.all(threads);
  const [socket] = [await app.connect(viewer, '/presence'), await app.connect(peer, '/presence')];
  const remove = (threadId: string) =>
    asStaff(app, ctx => removeParticipant(ctx, { threadId, userId: peer.id, reason: 'spam' }));
  await watch(socket!, [peer]);
  const states = follow(socket!);
  await remove(first!.id);
  expect(await watch(socket!, [peer])).toMatchObject([{ status: 'online' }]);
  await remove(second!.id);
  await eventually(() => expect(states.get(peer.id)).toEqual(hidden(peer)));
  expect(await watch(socket!, [peer])).toEqual([hidden(peer)]);
});

test('a user whose sessions end is gone like anybody who leaves', async () => {
  const { peer, socket } = await buildPair(app);
  await app.connect(peer, '/presence');
  await watch(socket, [peer]);
  const states = follow(socket);
  await app.post(peer, '/api/auth/logout/');
  await eventually(() => expect(states.get(peer.id)).toMatchObject({ status: 'offline' }));
});

// These wait; they do it side by side.
test.concurrent('with two devices a user is there until the last one leaves', async () => {
  const { peer, socket } = await buildPair(app);
  const [phone, laptop] = [await app.connect(peer, '/presence'), await app.connect(peer, '/presence')];
  await watch(socket, [peer]);
  const heard = record(socket, 'presence:updated');
  phone.close();
  await new Promise(resolve => setTimeout(resolve, GRACE_MS * 2)); // the time in which it would be told
  expect(await watch(socket, [peer])).toMatchObject([{ status: 'online' }]);
  expect(heard).toEqual([]);
  laptop.close();
  await eventually(() => expect(heard.at(-1)?.states).toMatchObject([{ status: 'offline' }]));
});

test.concurrent('S-85: from the moment of a block on neither hears of the other; unblocked they do again', async () => {
  const { viewer, peer, socket } = await buildPair(app);
  const other = await app.connect(peer, '/presence');
  await watch(socket, [peer]);
  await watch(other, [viewer]);
  const [states, reverse] = [follow(socket), follow(other)];
  const heard = record(socket, 'presence:updated');
  const chat = await app.connect(viewer, '/chat');
  await done(chat, 'user:block', { user_id: peer.id });
  await eventually(() => expect([states.get(peer.id), reverse.get(viewer.id)]).toEqual([hidden(peer), hidden(viewer)]));
  other.close();
  await new Promise(resolve => setTimeout(resolve, GRACE_MS * 2));
  const again = await app.connect(peer, '/presence');
  expect(await watch(socket, [peer])).toEqual([hidden(peer)]);
  expect(await watch(again, [viewer])).toEqual([hidden(viewer)]);
  expect(heard).toHaveLength(1);
  await done(chat, 'user:unblock', { user_id: peer.id });
  await eventually(() => expect(states.get(peer.id)).toMatchObject({ status: 'online' }));
});

test.concurrent('S-85: a block in the middle of subscribing is never overruled', async () => {
  for (let round = 0; round < 8; round += 1) {
    const { viewer, peer, socket } = await buildPair(app);
    const [chat] = [await app.connect(viewer, '/chat'), await app.connect(peer, '/presence')];
    const heard = follow(socket);
    const [states] = await Promise.all([watch(socket, [peer]), done(chat, 'user:block', { user_id: peer.id })]);
    await eventually(() => expect(heard.get(peer.id) ?? states[0]).toEqual(hidden(peer)));
    expect(await watch(socket, [peer])).toEqual([hidden(peer)]);
    socket.close();
    chat.close();
  }
});
