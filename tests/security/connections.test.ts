import { Redis } from 'ioredis';
import type { Socket } from 'socket.io-client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually, openSocket, startApp, type TestApp, type TestUser } from '../support/app.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { startProxy } from '../support/proxy.ts';
import { openRaw } from '../support/raw-socket.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { startServerProcess } from '../support/server-process.ts';

const SECRET_KEY = 'a secret key that all instances of this test share';
let [redis, database, here, there]: [TestRedis, TestDatabase, TestApp, TestApp] = [] as never;
const closers: (() => unknown)[] = [];
const env = () => ({ REDIS_URL: redis.url, SECRET_KEY });

beforeEach(async () => {
  [redis, database] = await Promise.all([startRedis(), createTestDatabase()]);
  [here, there] = (await Promise.all([0, 1].map(() => startApp(database.url, env())))) as [TestApp, TestApp];
  closers.push(redis.stop, database.drop, here.close, there.close);
});
afterEach(async () => {
  while (closers.length > 0) await closers.pop()!();
});

/** The refusal, or the socket once it is connected. */
async function tryConnect(url: string, user: TestUser, namespace = '/chat'): Promise<Socket | string> {
  const socket = openSocket(url, namespace, { token: user.token });
  closers.push(() => socket.close());
  return new Promise(resolve => {
    socket.on('connect', () => resolve(socket));
    socket.on('connect_error', error => resolve(error.message));
  });
}

const connectMany = (url: string, user: TestUser, count: number) =>
  Promise.all(Array.from({ length: count }, () => tryConnect(url, user)));
const refusals = (tries: (Socket | string)[]) => tries.filter(one => typeof one === 'string');

/** A user makes 30 connections a minute, so this asks seldom. */
async function connectsWithin(limitMs: number, url: string, user: TestUser): Promise<number> {
  const startedAt = performance.now();
  for (;;) {
    if (typeof (await tryConnect(url, user)) !== 'string') return performance.now() - startedAt;
    if (performance.now() - startedAt > limitMs) throw new Error(`refused for ${limitMs} ms`);
    await new Promise(resolve => setTimeout(resolve, 500));
  }
}

test('S-73: a user has ten connections over all instances; one that closes on the one makes room on the other', async () => {
  const [user, other] = [await here.buildUser(), await here.buildUser()];
  const [held] = await Promise.all([connectMany(here.url, user, 5), connectMany(there.url, user, 5)]);
  for (const node of [here, there]) expect(await tryConnect(node.url, user)).toBe('too_many_connections');
  expect(await tryConnect(there.url, other)).toBeTypeOf('object');
  (held[0] as Socket).close();
  await connectsWithin(3_000, there.url, user);
  expect(await tryConnect(here.url, user)).toBe('too_many_connections');
});

test('S-73: of handshakes that race on two instances ten are let in', async () => {
  const user = await here.buildUser();
  const tries = await Promise.all([here.url, there.url].map(url => connectMany(url, user, 12)));
  expect(refusals(tries.flat())).toEqual(Array.from({ length: 14 }, () => 'too_many_connections'));
});

test('S-73: the connections of an instance that was killed count no more after a few seconds', async () => {
  const user = await here.buildUser();
  const doomed = await startServerProcess({ ...env(), DATABASE_URL: database.url });
  closers.push(doomed.kill);
  expect(refusals(await connectMany(doomed.url, user, 10))).toEqual([]);
  await expect.poll(() => tryConnect(here.url, user), { interval: 500 }).toBe('too_many_connections');
  await doomed.kill();
  expect(await connectsWithin(8_000, here.url, user)).toBeLessThan(5_000);
  const client = new Redis(redis.url);
  expect(await client.hlen(`parthub:connections:${user.id}`)).toBe(1);
  client.disconnect();
});

test('S-73: who goes while it is let in counts nowhere', async () => {
  const user = await here.buildUser();
  const proxy = await startProxy(database.url);
  const slow = await startApp(proxy.url, env());
  closers.push(proxy.close, slow.close);
  proxy.pause();
  for (let count = 0; count < 12; count += 1) {
    const raw = await openRaw(slow.url);
    const connect = `40/chat,${JSON.stringify({ token: user.token })}`;
    raw.ws.send(connect, () => raw.ws.terminate());
    await raw.closed;
  }
  const connections = async () =>
    /connections\{of="connection"\} (\d+)/.exec((await slow.get(null, '/metrics')).body)?.[1];
  await expect.poll(connections).toBe('0');
  proxy.resume();
  expect(refusals(await connectMany(slow.url, user, 5))).toEqual([]);
  expect(refusals(await connectMany(there.url, user, 5))).toEqual([]);
});

test('S-28: a session that ends while its socket is let in is cut as well', async () => {
  const user = await here.buildUser();
  const proxy = await startProxy(redis.url);
  const slow = await startApp(database.url, { ...env(), REDIS_URL: proxy.url });
  closers.push(proxy.close, slow.close);
  // So the session is known, and what is waited for is the count of connections.
  await slow.get(user, '/api/auth/me/');
  const raw = await openRaw(slow.url);
  proxy.pause();
  raw.send(`40/chat,${JSON.stringify({ token: user.token })}`);
  raw.send('40/nowhere,');
  await raw.answer('44/nowhere,');
  expect((await slow.post(user, '/api/auth/logout/')).status).toBe(204);
  expect(raw.heard.join()).not.toContain('session:ready');
  // The sweep would find it too, after 15 s.
  await eventually(() => expect(raw.heard).toContain('42/chat,["session:revoked",{"reason":"logout"}]'), 7_000);
  await raw.closed;
});

test('S-65, S-73: while Redis is away each instance counts for itself, at once; once it is back they count together', async () => {
  const user = await here.buildUser();
  await redis.stop();
  const startedAt = performance.now();
  expect(refusals(await connectMany(here.url, user, 10))).toEqual([]);
  expect(await tryConnect(here.url, user)).toBe('too_many_connections');
  expect(typeof (await tryConnect(there.url, user))).toBe('object');
  expect(performance.now() - startedAt).toBeLessThan(4_000);
  redis = await startRedis({ port: Number(new URL(redis.url).port) });
  closers.unshift(redis.stop);
  // Of `there` alone it has far fewer.
  await eventually(async () => {
    const result = await tryConnect(there.url, user);
    if (typeof result !== 'string') result.close();
    await new Promise(resolve => setTimeout(resolve, 500));
    expect(result).toBe('too_many_connections');
  });
});

test('S-73: connections that end while their instance is cut off from Redis are counted nowhere once it is back', async () => {
  const [gone, fewer] = [await here.buildUser(), await here.buildUser()];
  const proxy = await startProxy(redis.url);
  const cutOff = await startApp(database.url, { ...env(), REDIS_URL: proxy.url });
  closers.push(proxy.close, cutOff.close);
  const [ofGone, ofFewer] = await Promise.all([gone, fewer].map(user => connectMany(cutOff.url, user, 10)));
  for (const user of [gone, fewer]) expect(await tryConnect(here.url, user)).toBe('too_many_connections');
  proxy.cut();
  for (const socket of [...ofGone!, ...ofFewer!.slice(0, 5)]) (socket as Socket).close();
  await eventually(async () =>
    expect((await cutOff.get(null, '/metrics')).body).toContain('connections{of="connection"} 5'),
  );
  proxy.resume();
  await connectsWithin(6_000, here.url, gone);
  await connectsWithin(6_000, here.url, fewer);
  expect(refusals(await connectMany(here.url, fewer, 5))).toEqual(['too_many_connections']);
});
