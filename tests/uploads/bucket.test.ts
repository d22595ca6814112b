import { expect, test } from 'vitest';
import { fakeS3 } from '../fakes/s3.ts';
import { startApp, type TestApp, type TestUser } from '../support/app.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { uploadImage } from '../support/uploads.ts';

type Bucket = Awaited<ReturnType<typeof fakeS3>>;
const keys = { accessKey: 'key-of-the-bucket', bucket: 'parthub' };

async function withBucket(more: Record<string, string>, work: (app: TestApp, s3: Bucket) => Promise<void>, slowMs = 0) {
  const s3 = await fakeS3({ ...keys, slowMs });
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
  withBucket({ S3_ACCESS_KEY_ID: 'another key' }, async (app, s3) => {
    const refused = await uploadImage(app, await app.buildUser());
    expect(refused).toMatchObject({ code: 'unavailable', retryable: true });
    expect(JSON.stringify(refused)).not.toContain('AccessDenied');
    expect(await uploadsOf(app)).toHaveLength(1);
    s3.next.push({ status: 204 }, { status: 204 });
    await app.jobs.run('remove-orphans');
    expect(await uploadsOf(app)).toEqual([]);
  }));

test('of an image that a bucket takes by half nothing stays, and it counts for nobody', () =>
  withBucket({}, async (app, s3) => {
    const user = await app.buildUser();
    await buildOrphans(app, s3, user, 199);
    s3.held.add('.thumb.webp');
    expect(await uploadImage(app, user)).toMatchObject({ code: 'unavailable' });
    s3.held.clear();
    expect((await uploadImage(app, user)).id).toBeDefined();
    expect(await uploadImage(app, user)).toMatchObject({ code: 'upload_quota_exceeded' });
    expect(s3.objects.size).toBe(2 * 200 + 1);
    await app.jobs.run('remove-orphans');
    expect(s3.objects.size).toBe(2 * 200);
  }));

const tomorrow = () => new Date(Date.now() + 25 * 3_600_000);
const uploadsOf = async (app: TestApp): Promise<{ id: string }[]> =>
  app.orm.em.fork().execute('select id from uploads');

async function buildOrphans(app: TestApp, { objects }: Bucket, user: TestUser, count: number): Promise<void> {
  const made: { file_name: string }[] = await app.orm.em.fork().execute(
    `insert into uploads (id, user_id, purpose, name, file_name, bytes, width, height, created_at)
     select gen_random_uuid(), ?, 'avatar', 'x', 'orphan' || n, 1, 1, 1, now() from generate_series(1, ?) n returning file_name`,
    [user.id, count],
  );
  for (const { file_name } of made)
    for (const suffix of ['.webp', '.thumb.webp']) objects.set(file_name + suffix, { type: 'image/webp' });
}

test('orphans are removed however slow the bucket is', () =>
  withBucket(
    {},
    async (app, s3) => {
      await buildOrphans(app, s3, await app.buildUser(), 45);
      expect(await app.jobs.run('remove-orphans', tomorrow())).toEqual({ removed: 45 });
      expect([s3.objects.size, await uploadsOf(app)]).toEqual([0, []]);
    },
    100,
  ));

test('an image whose file is gone is never shown again, and what the bucket did not remove is tried again', () =>
  withBucket({}, async (app, s3) => {
    const user = await app.buildUser();
    await buildOrphans(app, s3, user, 3);
    s3.held.add('orphan2.thumb.webp');
    await expect(app.jobs.run('remove-orphans', tomorrow())).rejects.toMatchObject({ code: 'unavailable' });
    expect(await uploadsOf(app)).toHaveLength(1);
    for (const { id } of await uploadsOf(app))
      expect(await app.patch(user, '/api/auth/me/', { avatar_upload_id: id })).toMatchObject({ status: 404 });
    s3.held.clear();
    await app.jobs.run('remove-orphans', tomorrow());
    expect(await uploadsOf(app)).toEqual([]);
  }));

test('one image that a bucket does not let go keeps no other', () =>
  withBucket({}, async (app, s3) => {
    await buildOrphans(app, s3, await app.buildUser(), 45);
    s3.held.add('orphan7.webp');
    await expect(app.jobs.run('remove-orphans', tomorrow())).rejects.toMatchObject({ code: 'unavailable' });
    expect([[...s3.objects.keys()], await uploadsOf(app)]).toMatchObject([
      ['orphan7.webp', 'orphan7.thumb.webp'],
      { length: 1 },
    ]);
    s3.held.clear();
    expect(await app.jobs.run('remove-orphans', tomorrow())).toEqual({ removed: 1 });
  }));
