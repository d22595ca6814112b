import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { startRedis, type TestRedis } from '../support/redis.ts';

beforeEach(() => void vi.stubEnv('REDIS_URL', '')); // a shared one could be neither killed nor empty
afterEach(() => void vi.unstubAllEnvs());

async function start(options?: { port?: number }): Promise<TestRedis> {
  const redis = await startRedis(options);
  onTestFinished(() => redis.stop());
  return redis;
}

function connect({ url }: TestRedis): Redis {
  const client = new Redis(url, { retryStrategy: () => null });
  client.on('error', () => {});
  onTestFinished(() => client.disconnect());
  return client;
}

test('a real Redis of version 7 or newer answers', async () => {
  const client = connect(await start());
  expect(Number(/redis_version:(\d+)/.exec(await client.info('server'))?.[1])).toBeGreaterThanOrEqual(7);
  expect(await client.spublish('channel', 'message')).toBe(0); // sharded channels, which came with 7
});

test('several started at the same moment know nothing of each other', async () => {
  const clients = (await Promise.all([start(), start(), start()])).map(connect);
  await clients[0]!.set('key', 'value');
  expect(await Promise.all(clients.map(client => client.get('key')))).toEqual(['value', null, null]);
});

test('a killed one comes back at the same place with nothing kept', async () => {
  const first = await start();
  await connect(first).set('key', 'value');
  await first.stop();
  await expect(connect(first).get('key')).rejects.toThrow();
  const second = await start({ port: Number(new URL(first.url).port) });
  expect(second.url).toBe(first.url);
  expect(second.pid).not.toBe(first.pid);
  expect(await connect(second).get('key')).toBeNull();
});

test('a server named by REDIS_URL is used and left running', async () => {
  const outside = await start();
  vi.stubEnv('REDIS_URL', outside.url);
  const redis = await startRedis();
  expect(redis).toMatchObject({ url: outside.url, pid: undefined });
  await redis.stop();
  expect(await connect(outside).ping()).toBe('PONG');
});

test('where none can be had it says the ways to one', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'parthub-no-redis-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  vi.stubEnv('PATH', folder); // no redis-server, no apt-get
  vi.stubEnv('XDG_CACHE_HOME', folder);
  await expect(startRedis()).rejects.toThrow(/REDIS_URL.*PATH.*apt-get/);
});
