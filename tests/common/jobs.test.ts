import { expect, test } from 'vitest';
import { eventually, startApp } from '../support/app.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { startProxy } from '../support/proxy.ts';

test('jobs begin as soon as the database lets them, and nothing is done twice', async () => {
  const database = await createTestDatabase();
  const { hostname, port } = new URL(database.url);
  let [tries, isAway] = [0, true];
  const proxy = await startProxy(() => {
    tries += 1;
    return isAway ? null : `http://${hostname}:${port}`;
  });
  const app = await startApp(database.url, { TEST_TIME_SCALE: '20' });
  const done: string[] = [];
  const work = async ({ name }: { name: string }) => void done.push(name);
  app.jobs.take({ name: 'greet', parallel: 2, retries: 0, work });
  const url = new URL(database.url);
  url.port = new URL(proxy.url).port;
  url.hostname = '127.0.0.1';
  const started = app.jobs.start(url.href);
  await eventually(() => expect(tries).toBeGreaterThan(1));
  let isLost = false;
  proxy.loseAnswers(request => {
    const isMiddle = !isLost && request.includes('forget-views');
    isLost ||= isMiddle;
    return isMiddle;
  });
  isAway = false;
  await started;
  expect(isLost).toBe(true);
  await app.jobs.ask('greet', [{ key: 'a', data: { name: 'Aziza' } }]);
  await eventually(() => expect(done).toEqual(['Aziza']));
  const schedules: { name: string }[] = await app.orm.em.fork().execute('select name from pgboss.schedule');
  expect(schedules.map(({ name }) => name)).toContain('purge-idempotency-keys');
  await app.close();
  await proxy.close();
  await database.drop();
}, 30_000);
