import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { io, type Socket } from 'socket.io-client';
import { afterEach, expect, test } from 'vitest';
import { createChat } from '../../src/client/chat.ts';
import { ask, eventually, newClientId, once, openSocket, startApp } from '../support/app.ts';
import { startBalancer } from '../support/balancer.ts';
import { endWithUs } from '../support/children.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { startProxy } from '../support/proxy.ts';
import { openRaw } from '../support/raw-socket.ts';
import { startRedis } from '../support/redis.ts';
import { startServerProcess } from '../support/server-process.ts';
import { buildTalk, buildThread, done, message } from '../support/talk.ts';

const SECRET_KEY = 'a secret key that all instances have in common';
const closers: (() => unknown)[] = [];
afterEach(async () => {
  while (closers.length > 0) await closers.pop()!();
});

test('a stopping instance is not ready, refuses whoever is new, tells its clients and finishes what it has begun', async () => {
  const database = await createTestDatabase();
  closers.push(database.drop);
  const app = await startApp(database.url);
  const { buyer, seller, thread } = await buildTalk(app);
  const sockets = [buyer, seller].map(({ token }) => openSocket(app.url, '/chat', { token }));
  await Promise.all(sockets.map(socket => once(socket, 'session:ready')));
  const stalled = await openRaw(app.url, buyer.token);
  stalled.ws.pause();
  const told = sockets.map(socket => once(socket, 'server:draining'));
  const reasons = sockets.map(socket => new Promise(resolve => socket.on('disconnect', resolve)));
  const startedAt = performance.now();
  const acks = sockets.map(socket => ask(socket, 'message:send', message(thread)));
  await new Promise(setImmediate);
  const closed = app.close(1_500);

  expect(await Promise.all(told)).toEqual(sockets.map(() => ({ reconnect: { min_delay_ms: 0, max_delay_ms: 1_000 } })));
  expect((await app.get(null, '/readyz')).body).toEqual({ status: 'not_ready', failing: ['draining'] });
  const alive = await fetch(`${app.url}/healthz`);
  expect([alive.status, alive.headers.get('connection')]).toEqual([200, 'close']);
  const late = openSocket(app.url, '/chat', { token: seller.token });
  expect((await new Promise<Error>(resolve => late.on('connect_error', resolve))).message).toBe('server_draining');
  for (const ack of await Promise.all(acks))
    if (!ack.ok) expect(ack.error).toMatchObject({ code: 'server_draining', retryable: true });
  // Not `io server disconnect`, after which a client would not come back.
  expect(await Promise.all(reasons)).toEqual(['transport close', 'transport close']);
  await closed; // the stalled reader holds up nobody
  expect(performance.now() - startedAt).toBeLessThan(9_000);
}, 30_000);

test('who asks a stopping instance for another namespace need not wait for its turn to go where it is let in', async () => {
  const database = await createTestDatabase();
  closers.push(database.drop);
  const app = await startApp(database.url);
  const [first, user] = [await app.buildUser(), await app.buildUser()];
  const sockets: Socket[] = [];
  for (const { token } of [first, user]) {
    const socket = openSocket(app.url, '/chat', { token });
    sockets.push(socket);
    await once(socket, 'session:ready');
  }
  const told = once(sockets[1]!, 'server:draining');
  const closed = app.close(6_000); // the turn of the second of two is after half of it
  await told;
  const startedAt = performance.now();
  const bell = sockets[1]!.io.socket('/notifications', { auth: { token: user.token } });
  const gone = once(sockets[1]!, 'disconnect');
  bell.connect();
  expect((await new Promise<Error>(resolve => bell.on('connect_error', resolve))).message).toBe('server_draining');
  expect(await gone).toBe('transport close');
  expect(performance.now() - startedAt).toBeLessThan(2_500);
  await closed;
});

test('a stopping instance tells its clients and ends although the database stands still', async () => {
  const database = await createTestDatabase();
  closers.push(database.drop);
  const proxy = await startProxy(database.url);
  closers.push(proxy.close);
  const world = await startApp(database.url, { SECRET_KEY });
  closers.push(() => world.close());
  const { buyer, thread } = await buildTalk(world);
  const server = await startServerProcess({ DATABASE_URL: proxy.url, SECRET_KEY, DRAIN_SECONDS: '1' });
  closers.push(() => server.kill());
  await eventually(async () => {
    const queues = 'select from pgboss.queue where name = ?';
    expect(await world.orm.em.fork().execute(queues, ['purge-idempotency-keys'])).toHaveLength(1);
  }, 20_000);
  const socket = openSocket(server.url, '/chat', { token: buyer.token });
  await once(socket, 'session:ready');
  proxy.pause();
  const ack = ask(socket, 'message:send', message(thread));
  const told = once(socket, 'server:draining');
  const stopped = server.stop();
  await told;
  expect(await ack).toMatchObject({ ok: false, error: { code: 'unavailable' } });
  expect(await stopped).toBe(0);
}, 60_000);

test('S-82: while an instance stops, sessions behind its sockets end as always', async () => {
  const database = await createTestDatabase();
  closers.push(database.drop);
  const app = await startApp(database.url, { TEST_TIME_SCALE: '300' });
  const [first, user] = [await app.buildUser(), await app.buildUser()];
  // A token ends at a whole second, and its sockets a tenth of one later; the second connection is closed after two.
  const endsAt = Math.ceil((Date.now() + 300) / 1_000) * 1_000;
  const { token } = app.tokenOf(user, new Date(endsAt - app.config.ACCESS_TTL * 1_000));
  const sockets: Socket[] = [];
  for (const one of [first.token, token]) {
    const socket = openSocket(app.url, '/chat', { token: one });
    sockets.push(socket);
    await once(socket, 'session:ready');
  }
  const revoked = once(sockets[1]!, 'session:revoked');
  await Promise.all([app.close(4_000), revoked]);
  expect(await revoked).toEqual({ reason: 'token_expired' });
});

test('the server ends with the npm that has started it', async () => {
  const database = await createTestDatabase();
  closers.push(database.drop);
  const env = { DATABASE_URL: database.url, SECRET_KEY, PORT: '0', HOST: '127.0.0.1', DEBUG: '1', DRAIN_SECONDS: '0' };
  const npm = spawn('npm', ['start'], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'ignore'], detached: true }); // biome-ignore format: one line reads better
  endWithUs(npm);
  // With a server that stayed behind.
  closers.push(() => spawn('kill', ['-KILL', '--', `-${npm.pid}`], { stdio: 'ignore' }));
  const log: string[] = [];
  for await (const line of createInterface({ input: npm.stdout })) {
    if (line.includes('listens on')) npm.kill('SIGTERM');
    log.push(line);
  }
  // Its output ends once nobody is left to write it.
  expect(log.join('\n')).toContain('SIGTERM: draining');
}, 30_000);

test('a rolling restart of two instances under load loses no message and fails none', async () => {
  const [redis, database, balancer] = await Promise.all([startRedis(), createTestDatabase(), startBalancer()]);
  closers.push(redis.stop, database.drop, balancer.close);
  const world = await startApp(database.url, { SECRET_KEY });
  closers.push(() => world.close());
  const { buyer, seller, thread } = await buildTalk(world);
  const other = await buildThread(world, { buyer: seller, seller: buyer, postId: newClientId() });
  const env = { DATABASE_URL: database.url, REDIS_URL: redis.url, SECRET_KEY, RATE_LIMITS: 'relaxed', DRAIN_SECONDS: '1', LOG_LEVEL: 'warn' }; // biome-ignore format: one line reads better
  const start = async () => {
    const server = await startServerProcess({ ...env, LOG_LEVEL: 'info' });
    closers.push(() => server.kill());
    return server;
  };
  const [first, second] = await Promise.all([start(), start()]);
  balancer.use(first.url, second.url);

  const refused: string[] = [];
  const chats = [buyer, seller, buyer, seller].map(({ token }) => {
    const socket = io(`${balancer.url}/chat`, { transports: ['websocket'], auth: { token }, forceNew: true, reconnectionDelay: 20, reconnectionDelayMax: 500 }); // biome-ignore format: one line reads better
    closers.push(() => socket.close());
    return createChat(socket, { onRefused: (_message, { code }) => refused.push(code) });
  });
  await eventually(() => expect(chats.every(chat => chat.isSettled() && chat.views().size === 2)).toBe(true));
  const sent: string[] = [];
  const load = setInterval(() => {
    for (const [index, chat] of chats.entries()) {
      const client_id = newClientId();
      sent.push(client_id);
      chat.send({ thread_id: index < 2 ? thread.id : other.id, client_id, text: `${sent.length}` });
    }
  }, 50);
  closers.push(() => clearInterval(load));

  const enough = (count: number) => eventually(() => expect(sent.length).toBeGreaterThan(count), 20_000);
  await enough(60);
  balancer.use(second.url);
  expect(await first.stop()).toBe(0);
  const third = await start();
  balancer.use(third.url);
  const before = sent.length;
  expect(await second.stop()).toBe(0);
  await enough(before + 60);
  clearInterval(load);

  await eventually(() => expect(chats.flatMap(chat => chat.unsent())).toEqual([]), 20_000);
  expect(refused).toEqual([]);
  const reader = await world.connect(buyer, '/chat');
  const { threads } = await done(reader, 'sync:pull', {});
  const stored = threads.reduce(
    (total: number, one: { thread: { last_seq: number } }) => total + one.thread.last_seq,
    0,
  );
  expect(stored).toBe(sent.length);
  // What each client shows is whole and in order, whichever instance it was connected to.
  for (const chat of chats)
    await eventually(() => {
      const shown = [...chat.views().values()].flatMap(view => view.messages.map(one => one.client_id));
      expect(new Set(shown)).toEqual(new Set(sent));
      expect(shown).toHaveLength(sent.length);
    });
}, 90_000);
