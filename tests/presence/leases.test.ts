import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../src/common/ids.ts';
import { createLog } from '../../src/common/log.ts';
import { type Cluster, joinCluster } from '../../src/common/redis.ts';
import { createLeases, type Leases, lastsFor, statusOf } from '../../src/presence/service/leases.ts';
import { scaledTimes } from '../../src/presence/service/times.ts';
import { eventually, testConfig } from '../support/app.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';

/** A lease of 1,200 ms, a grace of 300 ms, active for 6 s. */
const times = scaledTimes(50);
const active = times.active;

describe.each(['memory', 'redis'])('leases in %s', store => {
  let [redis, cluster, leases]: [TestRedis | undefined, Cluster, Leases] = [] as never;
  const heard: string[] = [];

  beforeAll(async () => {
    redis = store === 'redis' ? await startRedis() : undefined;
    cluster = await joinCluster(redis?.url, createLog(testConfig('postgres://unused')));
    leases = createLeases(cluster, times, userId => heard.push(userId));
  }, 240_000);
  afterAll(async () => {
    await cluster.close();
    await redis?.stop();
  });

  const statusNow = async (userId: string) => {
    const { now, sightings } = await leases.look([userId]);
    return sightings.has(userId) ? statusOf(sightings.get(userId)!, now, times) : 'nothing';
  };
  const lease = (userId: string, connection = newId()) => ({ userId, connection });

  async function timesTold(userId: string): Promise<number> {
    // What is told is heard in order: once the fence is, all before it was.
    const fence = newId();
    await leases.follow([fence]);
    await leases.hold([{ ...lease(fence), activeForMs: active }]);
    await eventually(() => expect(heard).toContain(fence));
    return heard.filter(id => id === userId).length;
  }

  test('of nobody nothing is known', async () => {
    expect(await statusNow(newId())).toBe('nothing');
    expect((await leases.look([])).sightings.size).toBe(0);
  });

  test('a lease makes its user online, and away without activity', async () => {
    const [busy, idle] = [lease(newId()), lease(newId())];
    await leases.hold([
      { ...busy, activeForMs: active },
      { ...idle, activeForMs: 0 },
    ]);
    expect(await Promise.all([busy, idle].map(one => statusNow(one.userId)))).toEqual(['online', 'away']);
  });

  test.concurrent('a lease that nobody renews ends, and the user is offline one grace later', async () => {
    const left = lease(newId());
    await leases.hold([{ ...left, activeForMs: active }]);
    const { now, sightings } = await leases.look([left.userId]);
    const sighting = sightings.get(left.userId)!;
    expect(sighting.endsAt - now).toBeGreaterThan(times.lease - 100);
    expect(sighting.endsAt - now).toBeLessThanOrEqual(times.lease);
    expect(lastsFor(sighting, now, times)).toBe(sighting.endsAt + times.grace - now);
    expect(await statusNow(left.userId)).toBe('online');
    await eventually(async () => expect(await statusNow(left.userId)).toBe('offline'));
  });

  test.concurrent('a lease that is renewed goes on', async () => {
    const kept = lease(newId());
    const endAt = Date.now() + times.lease + times.grace + 200;
    while (Date.now() < endAt) {
      await leases.hold([{ ...kept, activeForMs: 0 }]);
      await new Promise(resolve => setTimeout(resolve, 50));
    }
    expect(await statusNow(kept.userId)).toBe('away');
  });

  test.concurrent('ending a lease that is over or was never there brings nobody back', async () => {
    const [gone, never] = [lease(newId()), lease(newId())];
    await leases.hold([{ ...gone, activeForMs: active }]);
    await eventually(async () => expect(await statusNow(gone.userId)).toBe('offline'));
    await leases.end(gone);
    await leases.end(never);
    expect(await Promise.all([gone, never].map(one => statusNow(one.userId)))).toEqual(['offline', 'nothing']);
  });

  test('activity of any device counts, and an idle one takes none away', async () => {
    const userId = newId();
    await leases.hold([{ ...lease(userId), activeForMs: active }]);
    await leases.hold([{ ...lease(userId), activeForMs: 0 }]);
    await leases.hold([{ ...lease(userId), activeForMs: 1 }]);
    expect(await statusNow(userId)).toBe('online');
  });

  test('an ended lease leaves the grace, another device keeps its user there', async () => {
    const userId = newId();
    const [phone, laptop] = [lease(userId), lease(userId)];
    await leases.hold([phone, laptop].map(one => ({ ...one, activeForMs: active })));
    await leases.end(phone);
    const { now, sightings } = await leases.look([userId]);
    expect(sightings.get(userId)!.endsAt).toBeGreaterThan(now);
    await leases.end(laptop);
    const after = await leases.look([userId]);
    expect(after.sightings.get(userId)!.endsAt).toBeLessThanOrEqual(after.now);
    expect(await statusNow(userId)).toBe('online');
    await eventually(async () => expect(await statusNow(userId)).toBe('offline'));
  });

  test('what nobody could foresee is told, and nothing else: coming, becoming active, going', async () => {
    const userId = newId();
    const [phone, laptop] = [lease(userId), lease(userId)];
    await leases.follow([userId]);
    await leases.hold([{ ...phone, activeForMs: 0 }]);
    expect(await timesTold(userId)).toBe(1);
    await leases.hold([{ ...phone, activeForMs: 0 }]);
    await leases.hold([{ ...laptop, activeForMs: 0 }]);
    expect(await timesTold(userId)).toBe(1);
    await leases.hold([{ ...laptop, activeForMs: active }]);
    expect(await timesTold(userId)).toBe(2);
    await leases.end(phone);
    expect(await timesTold(userId)).toBe(2);
    await leases.end(laptop);
    expect(await timesTold(userId)).toBe(3);
    await leases.hold([{ ...phone, activeForMs: active }]); // within the grace: nothing has changed
    expect(await timesTold(userId)).toBe(3);
  });

  test('of whom is not followed nothing is told', async () => {
    const [userId, dropped] = [newId(), newId()];
    await leases.follow([dropped]);
    leases.unfollow([dropped]);
    for (const id of [userId, dropped]) await leases.hold([{ ...lease(id), activeForMs: active }]);
    expect(await timesTold(userId)).toBe(0);
    expect(await timesTold(dropped)).toBe(0);
  });

  test('thousands are held and looked at together', async () => {
    const many = Array.from({ length: 2_000 }, () => ({ ...lease(newId()), activeForMs: active }));
    await leases.hold(many);
    const { sightings } = await leases.look(many.map(one => one.userId));
    expect(sightings.size).toBe(2_000);
  });
});
