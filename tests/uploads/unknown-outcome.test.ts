import { readdir } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { startApp } from '../support/app.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { startProxy } from '../support/proxy.ts';
import { uploadFolder, uploadImage } from '../support/uploads.ts';

const folder = await uploadFolder();

test('the files of an image stay while nobody knows whether it was stored', async () => {
  const database = await createTestDatabase();
  const network = await startProxy(database.url);
  const app = await startApp(network.url, { UPLOAD_DIR: folder });
  onTestFinished(async () => {
    await app.close();
    await network.close();
    await database.drop();
  });
  const user = await app.buildUser();
  network.loseAnswers(request => request.includes('commit\0'));
  expect(await uploadImage(app, user)).toMatchObject({ code: 'unavailable', retryable: true });
  network.loseAnswers(null);
  const [stored] = await app.orm.em.fork().execute<{ file_name: string }[]>('select file_name from uploads');
  const files = ['.webp', '.thumb.webp'].map(suffix => stored!.file_name + suffix);
  expect((await readdir(folder)).sort()).toEqual(files.sort());
  // Nothing shows it, so it goes as any other.
  await app.jobs.run('remove-orphans', new Date(Date.now() + 25 * 3_600_000));
  expect(await readdir(folder)).toEqual([]);
});
