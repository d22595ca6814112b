import { expect, onTestFinished, test } from 'vitest';
import { eventually, record, startApp } from '../support/app.ts';
import { holdThread } from '../support/batches.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { startRedis } from '../support/redis.ts';
import { buildPost, buildTalk, buildThread, done, message } from '../support/talk.ts';

test('G6: what was written before the last look and committed after it is told by the next one', async () => {
  const [redis, database] = [await startRedis(), await createTestDatabase()];
  // In health it looks every 750 ms.
  const app = await startApp(database.url, { REDIS_URL: redis.url, TEST_TIME_SCALE: '40' });
  onTestFinished(async () => {
    await app.close();
    await Promise.all([redis.stop(), database.drop()]);
  });
  const { buyer, seller, thread } = await buildTalk(app);
  const other = await buildThread(app, { buyer, seller, postId: await buildPost(app, seller) });
  const heads = record(await app.connect(seller, '/chat'), 'sync:head');
  const isTold = ({ id }: { id: string }, rev: number) =>
    eventually(() => expect(heads.flatMap(head => head.threads)).toContainEqual([id, rev]));
  const release = await holdThread(app, thread);
  const late = done(await app.connect(buyer, '/chat'), 'message:send', message(thread));
  await done(await app.connect(seller, '/chat'), 'message:send', message(other));
  await isTold(other, 2);
  await release();
  await late;
  await isTold(thread, 2);
});
