import { Redis } from 'ioredis';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { type Budgets, createBudgets } from '../../src/common/budgets.ts';
import type { Limit } from '../../src/common/operations.ts';
import { eventLimit } from '../../src/common/session.ts';
import { createExcess } from '../../src/common/sockets/excess.ts';
import { createGate } from '../../src/common/sockets/gate.ts';
import { eventually, testConfig } from '../support/app.ts';
import { startRedis } from '../support/redis.ts';

afterEach(() => void vi.useRealTimers());

const config = testConfig('postgres://unused');
const bucket: Limit = { name: 'bucket', by: 'user', points: 5, windowSec: 1, burst: 20, isHot: true };
const perMinute: Limit = { name: 'window', by: 'user', points: 120, windowSec: 60, isHot: true };

function open(redis?: Redis, settings = config): Budgets {
  const budgets = createBudgets(settings, { redis, degraded: () => [] });
  onTestFinished(() => budgets.close());
  return budgets;
}

function spendAll(budgets: Budgets, limit: Limit, key: string): number {
  for (let count = 0; ; count += 1) if (budgets.spend(limit, key).isRefused || count === 100_000) return count;
}

test('a bucket lets its burst through at once and then its rate; another user has their own', () => {
  vi.useFakeTimers({ toFake: ['performance', 'Date'] });
  const budgets = open();
  expect(spendAll(budgets, bucket, 'one')).toBe(20);
  expect(budgets.spend(bucket, 'one')).toMatchObject({ isRefused: true, remaining: 0, retryAfterMs: 200 });
  expect(budgets.spend(bucket, 'two')).toMatchObject({ isRefused: false, remaining: 19 });
  vi.advanceTimersByTime(1_000);
  expect(spendAll(budgets, bucket, 'one')).toBe(5);
});

test('a window begins with its first call and is whole again at its end', () => {
  vi.useFakeTimers({ toFake: ['performance', 'Date'] });
  const budgets = open();
  expect(spendAll(budgets, perMinute, 'one')).toBe(120);
  vi.advanceTimersByTime(59_000);
  expect(budgets.spend(perMinute, 'one')).toMatchObject({ isRefused: true, retryAfterMs: 1_000, resetMs: 1_000 });
  vi.advanceTimersByTime(1_000);
  expect(spendAll(budgets, perMinute, 'one')).toBe(120);
});

test('a step of the clock refuses nobody and gives nobody more', () => {
  const budgets = open();
  for (let count = 0; count < 60; count += 1) budgets.spend(perMinute, 'one');
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 600_000 });
  expect(budgets.spend(perMinute, 'one')).toMatchObject({ isRefused: false, remaining: 59 });
  vi.setSystemTime(Date.now() + 1_200_000);
  expect(budgets.spend(perMinute, 'one')).toMatchObject({ isRefused: false, remaining: 58 });
});

test('relaxed budgets are a hundred times as large', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  expect(spendAll(open(undefined, { ...config, RATE_LIMITS: 'relaxed' }), bucket, 'one')).toBe(2_000);
});

async function openShared(): Promise<{ here: Budgets; there: Budgets; client: Redis; stop: () => Promise<void> }> {
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  const clients = [0, 1].map(() => new Redis(redis.url, { maxRetriesPerRequest: 1, enableOfflineQueue: false }));
  for (const client of clients) {
    client.on('error', () => {});
    onTestFinished(() => client.disconnect());
    await eventually(() => expect(client.status).toBe('ready'));
  }
  const [here, there] = clients.map(client => open(client)) as [Budgets, Budgets];
  return { here, there, client: clients[0]!, stop: redis.stop };
}

/** Counts its own calls, so that what is missed beside them was spent elsewhere. */
function spender(budgets: Budgets, limit: Limit, key: string) {
  let own = 0;
  const spend = (count: number): number => {
    own += count;
    return Array.from({ length: count }, () => budgets.spend(limit, key)).at(-1)!.remaining;
  };
  return { spend, spentElsewhere: () => limit.points - spend(1) - own };
}

const large: Limit = { name: 'large', by: 'user', points: 10_000, windowSec: 600, isHot: true };

test('what is spent on one instance is missed on the other, once, and each counts for itself without Redis', async () => {
  const { here, there, client, stop } = await openShared();
  const [one, other] = [spender(here, large, 'one'), spender(there, large, 'one')];
  // Somebody who has spent too little to be told of hears nothing either.
  for (const times of [1, 2, 3]) {
    one.spend(1_000);
    await eventually(async () =>
      expect(Number(await client.get('budget:large:one'))).toBeGreaterThanOrEqual(times * 1_000),
    );
  }
  other.spend(1_000);
  await eventually(() => expect(other.spentElsewhere()).toBeGreaterThanOrEqual(3_000));
  expect(other.spentElsewhere()).toBeLessThan(3_100);
  expect(one.spentElsewhere()).toBe(0);
  await stop();
  expect(spendAll(there, perMinute, 'two')).toBe(120);
  expect(spendAll(here, perMinute, 'two')).toBe(120);
});

test('what others spend is missed after the total in Redis has begun anew too', async () => {
  const { here, client } = await openShared();
  const one = spender(here, large, 'one');
  one.spend(3_000);
  await eventually(async () => expect(await client.get('budget:large:one')).toBe('3000'));
  await client.set('budget:large:one', '500');
  one.spend(1_000);
  await eventually(() => expect(one.spentElsewhere()).toBe(500));
});

test('however much others have spent, a bucket is refilled within the time of two bursts', async () => {
  const { here, client } = await openShared();
  await client.set('budget:bucket:one', '100000');
  for (let count = 0; count < 5; count += 1) here.spend(bucket, 'one');
  await eventually(() => expect(here.spend(bucket, 'one').retryAfterMs).toBeGreaterThan(3_000));
  expect(here.spend(bucket, 'one').retryAfterMs).toBeLessThanOrEqual((1_000 * (20 + 1)) / 5);
});

test('a budget that was used up is not forgotten while its window runs', () => {
  vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] });
  const budgets = open();
  expect(spendAll(budgets, perMinute, 'one')).toBe(120);
  vi.advanceTimersByTime(45_000);
  expect(budgets.spend(perMinute, 'one')).toMatchObject({ isRefused: true, retryAfterMs: 15_000 });
});

/** When a connection that calls so often is cut and when it was first refused, in s; each call spends of all limits. */
function flood(limits: readonly Limit[], perSecond: number, seconds: number): { cutAt?: number; refusedAt?: number } {
  vi.useFakeTimers({ toFake: ['performance'] });
  const [budgets, excess, startedAt] = [open(), createExcess(), performance.now()];
  let refusedAt: number | undefined;
  for (let count = 0; count < perSecond * seconds; count += 1) {
    const now = performance.now();
    const at = (now - startedAt) / 1000;
    for (const { name } of limits) excess.ask(name, now);
    const refusing = limits.find(limit => budgets.spend(limit, 'one').isRefused);
    if (refusing) refusedAt ??= at;
    if (refusing && excess.refuse(refusing, now, 30_000)) return { cutAt: at, refusedAt: refusedAt! };
    vi.advanceTimersByTime(1_000 / perSecond);
  }
  return refusedAt === undefined ? {} : { refusedAt };
}

const perTenSeconds: Limit = { name: 'ten', by: 'user', points: 50, windowSec: 10, isHot: true };

test.each([bucket, perMinute, perTenSeconds, eventLimit])(
  'S-74: 30 s above three times a limit are too much, less is not ($name: $points in $windowSec s)',
  limit => {
    const allowed = limit.points / limit.windowSec;
    for (const times of [1.5, 2.2, 2.4, 2.9]) {
      const { cutAt, refusedAt } = flood([limit], times * allowed, 200);
      expect([times, cutAt, refusedAt === undefined]).toEqual([times, undefined, false]);
    }
    for (const times of [3.2, 4, 10]) {
      const { cutAt, refusedAt } = flood([limit], times * allowed, 200);
      expect([times, cutAt! - refusedAt! >= 29.99, cutAt! - refusedAt! < 31]).toEqual([times, true, true]);
    }
    expect(flood([limit], 10 * allowed, 29).cutAt).toBe(undefined);
  },
);

test('S-74: limits that count the same calls add up to nothing', () => {
  const ofSend = [eventLimit, bucket, perMinute];
  expect(flood(ofSend, 4.8, 200)).toEqual({ refusedAt: expect.any(Number) }); // 2.4 times what a minute allows
  expect(flood(ofSend, 8, 200).cutAt).toBeLessThan(61);
});

test('S-73: the gate works on some handshakes at a time, in their order, and lets an error hold up nobody', async () => {
  const gate = createGate();
  onTestFinished(() => gate.close());
  let running = 0;
  let most = 0;
  const order: number[] = [];
  const visits = Array.from({ length: 200 }, (_, index) =>
    gate.pass(async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise(setImmediate);
      running -= 1;
      order.push(index);
      if (index % 10 === 0) throw new Error('refused');
    }),
  );
  const settled = await Promise.allSettled(visits);
  expect(settled.filter(one => one.status === 'rejected')).toHaveLength(20);
  expect(order).toEqual([...order].sort((a, b) => a - b));
  expect(most).toBeLessThanOrEqual(32);
});

test('S-73: beyond what may wait, the gate answers server_busy with a time to come back', async () => {
  const gate = createGate();
  onTestFinished(() => gate.close());
  const { promise, resolve } = Promise.withResolvers<void>();
  const visits = Array.from({ length: 8_100 }, () => gate.pass(() => promise));
  resolve();
  const refused = (await Promise.allSettled(visits)).filter(one => one.status === 'rejected');
  expect(refused).toHaveLength(8_100 - 32 - 8_000);
  expect(refused[0]!.reason).toMatchObject({ code: 'server_busy', details: { retry_after_ms: expect.any(Number) } });
});

test('S-65, S-73: who has waited at the gate for five seconds, because a database holds up those before it, hears server_busy', async () => {
  vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] });
  const gate = createGate();
  onTestFinished(() => gate.close());
  const { promise, resolve } = Promise.withResolvers<void>();
  const visits = Array.from({ length: 40 }, () => gate.pass(() => promise));
  const outcomes = Promise.allSettled(visits);
  vi.advanceTimersByTime(4_900);
  const late = Promise.allSettled([gate.pass(() => promise)]);
  vi.advanceTimersByTime(300);
  resolve();
  const refused = (await outcomes).filter(one => one.status === 'rejected');
  expect(refused).toHaveLength(40 - 32);
  expect(refused[0]!.reason).toMatchObject({ code: 'server_busy', details: { retry_after_ms: expect.any(Number) } });
  expect(await late).toMatchObject([{ status: 'fulfilled' }]);
});
