import { readdir } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { startApp } from '../support/app.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { startProxy } from '../support/proxy.ts';
import { uploadFolder, uploadImage } from '../support/uploads.ts';

const folder = await uploadFolder();

/** The statement whose answer is lost, and what of the image is known then. */
const lost = [
  ['insert into "uploads"', 0],
  ['commit\0', 1],
] as const;

test.each(lost)('of an image whose “%s” is not answered nothing stays', async (statement, known) => {
  const database = await createTestDatabase();
  const network = await startProxy(database.url);
  const app = await startApp(network.url, { UPLOAD_DIR: folder });
  onTestFinished(async () => {
    await app.close();
    await network.close();
    await database.drop();
  });
  const user = await app.buildUser();
  const stored = () => app.orm.em.fork().execute('select file_name from uploads');
  network.loseAnswers(request => request.includes(statement));
  expect(await uploadImage(app, user)).toMatchObject({ code: 'unavailable', retryable: true });
  network.loseAnswers(null);
  expect([await readdir(folder), await stored()]).toMatchObject([[], { length: known }]);
  await app.jobs.run('remove-orphans', new Date(Date.now() + 25 * 3_600_000));
  expect(await stored()).toEqual([]);
});
