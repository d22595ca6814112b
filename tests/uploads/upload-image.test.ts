import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, expect, test } from 'vitest';
import { type Reply, type TestUser, useApp } from '../support/app.ts';

const folder = await mkdtemp(join(tmpdir(), 'parthub-uploads-'));
afterAll(() => rm(folder, { recursive: true, force: true }));
const app = useApp({ UPLOAD_DIR: folder });

const picture = (width = 600, height = 400) => sharp({ create: { width, height, channels: 3, background: '#c33' } });

async function upload(
  who: TestUser | null,
  content: Buffer,
  more: Record<string, string> = { purpose: 'chat' },
  name = 'part.jpg',
): Promise<Reply> {
  const form = new FormData();
  for (const [field, value] of Object.entries(more)) form.set(field, value);
  form.set('file', new File([new Uint8Array(content)], name));
  const response = await fetch(`${app.url}/api/uploads/`, {
    method: 'POST',
    body: form,
    headers: who ? { authorization: `Bearer ${who.token}` } : {},
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

const load = async (url: string) => {
  const response = await fetch(app.url + url);
  return { status: response.status, headers: response.headers, content: Buffer.from(await response.arrayBuffer()) };
};

test.each(['jpeg', 'png', 'webp'] as const)(
  'a %s becomes a WebP with a thumbnail, at an address nobody guesses',
  async format => {
    const { status, body } = await upload(
      await app.buildUser(),
      await picture(3_000, 1_000).toFormat(format).toBuffer(),
    );
    expect(status).toBe(201);
    expect(body).toMatchObject({
      kind: 'image',
      purpose: 'chat',
      name: 'part.jpg',
      mime: 'image/webp',
      width: 2_048,
      height: 683,
    });
    expect(body.url).toMatch(/^\/uploads\/[\w-]{22}\.webp$/);
    const [image, thumb] = [await load(body.url), await load(body.thumb_url)];
    expect(await sharp(image.content).metadata()).toMatchObject({ format: 'webp', width: 2_048 });
    expect(await sharp(thumb.content).metadata()).toMatchObject({ format: 'webp', width: 320 });
    expect(image.content.length).toBe(body.bytes);
  },
);

test('S-54: GPS and camera are gone, and the picture stands upright', async () => {
  const taken = await picture(600, 400)
    .withExif({ IFD0: { Make: 'SECRETCAM' }, IFD3: { GPSLatitude: '41/1 18/1 0/1' } })
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toBuffer();
  const { body } = await upload(await app.buildUser(), taken);
  const { content } = await load(body.url);
  const { width, height, exif, orientation } = await sharp(content).metadata();
  expect({ width, height, exif, orientation }).toEqual({
    width: 400,
    height: 600,
    exif: undefined,
    orientation: undefined,
  });
  expect(content.includes('SECRETCAM')).toBe(false);
});

test.each([
  ['SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')],
  ['HTML', Buffer.from('<html><script>alert(1)</script></html>')],
  ['a GIF', Buffer.from('GIF89a\u0001\u0000\u0001\u0000', 'latin1')],
  ['a torn JPEG', Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(200)])],
  ['nothing', Buffer.alloc(0)],
])('S-54: %s is no image, whatever its name says', async (_name, content) => {
  expect(await upload(await app.buildUser(), content, { purpose: 'post' }, 'part.jpg')).toMatchObject({
    status: 415,
    body: { code: 'unsupported_image' },
  });
});

test('S-54: what stands behind a picture in the same file does not come through', async () => {
  const polyglot = Buffer.concat([
    await picture().jpeg().toBuffer(),
    Buffer.from('<script>alert(document.cookie)</script>'),
  ]);
  const { status, body } = await upload(await app.buildUser(), polyglot);
  expect(status).toBe(201);
  expect((await load(body.url)).content.includes('<script>')).toBe(false);
});

test('S-54: more than 8 MB or 40 megapixels is refused', async () => {
  const user = await app.buildUser();
  const noise = Buffer.concat([await picture().jpeg().toBuffer(), Buffer.alloc(8_400_000)]);
  expect(await upload(user, noise)).toMatchObject({ status: 413, body: { code: 'payload_too_large' } });
  const huge = await sharp({ create: { width: 7_000, height: 6_000, channels: 3, background: '#fff' } })
    .png()
    .toBuffer();
  expect(await upload(user, huge)).toMatchObject({ status: 415, body: { code: 'unsupported_image' } });
});

test('S-54: images are served as nothing else, and no other file of the folder is', async () => {
  const { body } = await upload(await app.buildUser(), await picture().png().toBuffer());
  const { headers } = await load(body.url);
  expect(Object.fromEntries(headers)).toMatchObject({
    'content-type': 'image/webp',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; sandbox",
    'cache-control': 'public, max-age=31536000, immutable',
  });
  for (const path of [
    '/uploads/',
    '/uploads/../secret_key',
    '/uploads/..%2fsecret_key',
    '/uploads/x.webp',
    '/uploads/.hidden',
  ])
    expect((await load(path)).status).toBe(404);
});

test('S-61: a range or a condition that does not fit a file is no error of ours, and no cache keeps the refusal', async () => {
  const { body } = await upload(await app.buildUser(), await picture().png().toBuffer());
  const [panel] = await readdir(new URL('../../static/admin/assets/', import.meta.url));
  for (const path of [new URL(body.url, app.url).pathname, `/admin/assets/${panel}`, '/api/docs/assets/rest.js'])
    for (const [headers, status] of [
      [{ range: 'bytes=0-3' }, 206],
      [{ range: 'bytes=99999999-' }, 416],
      [{ 'if-match': '"another"' }, 412],
    ] as const) {
      const reply = await fetch(app.url + path, { headers });
      await reply.arrayBuffer();
      expect([path, reply.status]).toEqual([path, status]);
      if (status > 400) expect(reply.headers.get('cache-control')).toBe('private, no-store');
    }
});

test('without a token, a file or a purpose nothing is stored', async () => {
  const image = await picture().png().toBuffer();
  const user = await app.buildUser();
  expect(await upload(null, image)).toMatchObject({ status: 401, body: { code: 'auth_required' } });
  expect(await upload(user, image, {})).toMatchObject({
    status: 400,
    body: { code: 'validation_failed', details: { fields: [{ path: 'purpose' }] } },
  });
  expect(await upload(user, image, { purpose: 'other' })).toMatchObject({ status: 400 });
  expect(await app.post(user, '/api/uploads/', { purpose: 'chat' })).toMatchObject({
    status: 415,
    body: { code: 'unsupported_media_type' },
  });
});

test('an image that nothing shows is removed after a day', async () => {
  const { body } = await upload(await app.buildUser(), await picture().png().toBuffer());
  const file = body.url.split('/').at(-1);
  await app.jobs.run('remove-orphans', new Date(Date.now() + 23 * 3_600_000));
  expect(await readdir(folder)).toContain(file);
  await app.jobs.run('remove-orphans', new Date(Date.now() + 25 * 3_600_000));
  expect(await readdir(folder)).not.toContain(file);
});

test('S-50: a user has 200 uploads a day', async () => {
  const [user, other] = [await app.buildUser(), await app.buildUser()];
  await app.orm.em.fork().execute(
    `insert into uploads (id, user_id, purpose, name, file_name, bytes, width, height, created_at)
     select gen_random_uuid(), ?, 'chat', 'x', 'x' || n || ?, 1, 1, 1, now() from generate_series(1, 200) n`,
    [user.id, user.id.slice(-8)],
  );
  const image = await picture().png().toBuffer();
  expect(await upload(user, image)).toMatchObject({ status: 403, body: { code: 'upload_quota_exceeded' } });
  expect((await upload(other, image)).status).toBe(201);
});
