import { expect, test } from 'vitest';
import { newId } from '../../src/common/ids.ts';
import { Presence } from '../../src/presence/entities.ts';
import { eventually, type TestUser, useApp } from '../support/app.ts';
import { buildPair, follow, watch } from '../support/presence.ts';
import { openRawSocket } from '../support/raw-socket.ts';

// 45 s are 1,125 ms here, 5 min are 7.5 s, a minute is 1.5 s.
const SCALE = 40;
const app = useApp({ TEST_TIME_SCALE: `${SCALE}` });

const rowOf = (user: TestUser) => app.orm.em.fork().findOne(Presence, { userId: user.id });

test.concurrent('S-89: a peer that answers no ping is closed in 45 s, and its presence ends', async () => {
  const { peer, socket } = await buildPair(app);
  const deaf = await openRawSocket({ url: app.url, namespace: '/presence', token: peer.token, isDeaf: true });
  await deaf.join();
  expect(await watch(socket, [peer])).toMatchObject([{ status: 'online' }]);
  const states = follow(socket);
  const [openedAt] = [performance.now()];
  await deaf.closed;
  expect(performance.now() - openedAt).toBeLessThan(45_000 / SCALE + 500);
  await eventually(() => expect(states.get(peer.id)).toMatchObject({ status: 'offline' }), 2_000);
});

test.concurrent('when a user was last seen is stored at most once in 5 min, and known after all leases are forgotten', async () => {
  const { peer, socket } = await buildPair(app);
  const first = await app.connect(peer, '/presence');
  const written = await eventually(async () => (await rowOf(peer))!.lastSeenAt!);
  expect(Math.abs(written.getTime() - Date.now())).toBeLessThan(5_000);
  first.close();
  const second = await app.connect(peer, '/presence');
  await new Promise(resolve => setTimeout(resolve, 3_200)); // two more rounds of writing
  expect((await rowOf(peer))!.lastSeenAt).toEqual(written);
  const next = await eventually(async () => {
    const row = (await rowOf(peer))!;
    expect(row.lastSeenAt).not.toEqual(written);
    return row.lastSeenAt!;
  });
  expect(next.getTime() - written.getTime()).toBeGreaterThanOrEqual(300_000 / SCALE);
  second.close();
  socket.close();
});

test.concurrent('what is stored is shown of who was not there since the server started', async () => {
  const { peer, socket } = await buildPair(app);
  const lastSeenAt = new Date('2026-01-05T10:00:00.000Z');
  const em = app.orm.em.fork();
  em.create(Presence, { userId: peer.id, lastSeenAt });
  await em.flush();
  const state = { user_id: peer.id, status: 'offline', last_seen_at: lastSeenAt.toISOString() };
  expect(await watch(socket, [peer, { id: newId() }])).toMatchObject([state, { status: 'hidden', last_seen_at: null }]);
});

test.concurrent('of a deleted account nothing is kept', async () => {
  const { peer } = await buildPair(app);
  await app.connect(peer, '/presence');
  await eventually(async () => expect(await rowOf(peer)).not.toBeNull());
  expect(await app.delete(peer, '/api/auth/me/', { confirm: 'DELETE' })).toMatchObject({ status: 202 });
  await new Promise(resolve => setTimeout(resolve, 3_200)); // two rounds of writing
  expect(await rowOf(peer)).toBeNull();
});

test.concurrent('after 5 min without activity on any device a user is away, and online again with the next', {
  timeout: 30_000,
}, async () => {
  const { peer, socket } = await buildPair(app);
  const [phone, laptop] = [await app.connect(peer, '/presence'), await app.connect(peer, '/presence')];
  await watch(socket, [peer]);
  const states = follow(socket);
  const beganAt = performance.now();
  const idle = setInterval(() => phone.emit('presence:ping', { active: false }), 30_000 / SCALE);
  const busy = setInterval(() => laptop.emit('presence:ping', { active: true }), 30_000 / SCALE);
  await new Promise(resolve => setTimeout(resolve, 2_000));
  clearInterval(busy);
  await eventually(() => expect(states.get(peer.id)).toEqual({ user_id: peer.id, status: 'away', last_seen_at: null }), 20_000); // biome-ignore format: one line reads better
  clearInterval(idle);
  expect(performance.now() - beganAt).toBeGreaterThan(300_000 / SCALE + 1_000);
  phone.emit('presence:ping', { active: true });
  await eventually(() => expect(states.get(peer.id)).toMatchObject({ status: 'online' }), 1_000);
});
