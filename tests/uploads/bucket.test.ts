import { expect, test } from 'vitest';
import { fakeS3 } from '../fakes/s3.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { uploadImage } from '../support/uploads.ts';

const keys = { accessKey: 'key-of-the-bucket', bucket: 'parthub' };

async function withBucket(
  more: Record<string, string>,
  work: (app: TestApp, s3: Awaited<ReturnType<typeof fakeS3>>) => Promise<void>,
) {
  const s3 = await fakeS3(keys);
  const database = await createTestDatabase();
  const app = await startApp(database.url, {
    ...{
      S3_ENDPOINT: s3.url,
      S3_BUCKET: keys.bucket,
      S3_ACCESS_KEY_ID: keys.accessKey,
      S3_SECRET_ACCESS_KEY: 'secret',
    },
    ...more,
  });
  try {
    await work(app, s3);
  } finally {
    await app.close();
    await database.drop();
  }
}

test('images are kept in a bucket, read at its public address, and removed from it when nothing shows them', () =>
  withBucket({ S3_PUBLIC_URL: 'https://images.example.uz/' }, async (app, s3) => {
    const image = await uploadImage(app, await app.buildUser());
    expect(image.url).toMatch(/^https:\/\/images\.example\.uz\/[\w-]{22}\.webp$/);
    const names = [image.url, image.thumb_url].map(url => url.split('/').at(-1));
    expect([...s3.objects.keys()]).toEqual(names);
    expect([...s3.objects.values()]).toEqual([{ type: 'image/webp' }, { type: 'image/webp' }]);
    await app.jobs.run('remove-orphans', new Date(Date.now() + 25 * 3_600_000));
    expect(s3.objects.size).toBe(0);
  }));

test('without a public address the bucket itself is named', () =>
  withBucket({}, async (app, s3) => {
    const image = await uploadImage(app, await app.buildUser());
    expect(image.url.startsWith(`${s3.url}/${keys.bucket}/`)).toBe(true);
  }));

test('a bucket that refuses is unavailable, and nothing is stored', () =>
  withBucket({ S3_ACCESS_KEY_ID: 'another key' }, async app => {
    const refused = await uploadImage(app, await app.buildUser());
    expect(refused).toMatchObject({ code: 'unavailable', retryable: true });
    expect(JSON.stringify(refused)).not.toContain('AccessDenied');
    expect(await app.orm.em.fork().execute('select 1 from uploads')).toEqual([]);
  }));
