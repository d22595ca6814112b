import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { type Reply, type TestUser, useApp } from '../support/app.ts';
import { uploadFolder } from '../support/uploads.ts';

const folder = await uploadFolder();
const app = useApp({ RATE_LIMITS: 'relaxed', UPLOAD_DIR: folder });
const MOST_BYTES = 8_388_608;
const A_DAY = 200 * 100;
const picture = (color = '#c33') =>
  sharp({ create: { width: 40, height: 30, channels: 3, background: color } }).png().toBuffer(); // biome-ignore format: one line reads better

async function upload(who: TestUser, content: Buffer, name = 'part.png', key?: string): Promise<Reply> {
  const form = new FormData();
  form.set('purpose', 'chat');
  form.set('file', new File([new Uint8Array(content)], name));
  const headers = { authorization: `Bearer ${who.token}`, ...(key && { 'idempotency-key': key }) };
  const response = await fetch(`${app.url}/api/uploads/`, { method: 'POST', body: form, headers });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

test('S-54: a file of exactly 8 MB is taken, one byte more is not', async () => {
  const [user, image] = [await app.buildUser(), await picture()];
  const padded = (bytes: number) => Buffer.concat([image, Buffer.alloc(bytes - image.length)]);
  expect((await upload(user, padded(MOST_BYTES))).status).toBe(201);
  expect(await upload(user, padded(MOST_BYTES + 1))).toMatchObject({
    status: 413,
    body: { code: 'payload_too_large', details: { max_bytes: MOST_BYTES } },
  });
});

test('the name of a file is kept in any script', async () => {
  const { body } = await upload(await app.buildUser(), await picture(), 'Фото — oʻng.png');
  expect(body.name).toBe('Фото — oʻng.png');
});

test('a long name is cut between its characters, and an answer tells what is stored', async () => {
  const { body } = await upload(await app.buildUser(), await picture(), `a${'😀'.repeat(300)}`);
  expect(body.name).toBe(`a${'😀'.repeat(199)}`);
  expect(await app.orm.em.fork().execute('select name from uploads where id = ?', [body.id])).toEqual([
    { name: body.name },
  ]);
});

test('a name that cannot be stored is refused before anything of its file is kept', async () => {
  const [user, boundary] = [await app.buildUser(), randomUUID()];
  const part = (rest: string) => `--${boundary}\r\nContent-Disposition: form-data; ${rest}\r\n\r\n`;
  const head = `${part('name="purpose"')}chat\r\n${part(`name="file"; filename*=utf-8''a%00.png`)}`;
  const before = (await readdir(folder)).length;
  const response = await fetch(`${app.url}/api/uploads/`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${user.token}`,
      'content-type': `multipart/form-data; boundary=${boundary}`,
    },
    body: new Uint8Array(Buffer.concat([Buffer.from(head), await picture(), Buffer.from(`\r\n--${boundary}--`)])),
  });
  expect([response.status, await response.json()]).toMatchObject([
    400,
    { details: { fields: [{ path: 'file.name', code: 'control_characters' }] } },
  ]);
  expect((await readdir(folder)).length).toBe(before);
});

test('S-50: of eight uploads at once with two left of the day two are stored, and no file of the others', async () => {
  const [user, image] = [await app.buildUser(), await picture()];
  await app.orm.em.fork().execute(
    `insert into uploads (id, user_id, purpose, name, file_name, bytes, width, height, created_at)
     select gen_random_uuid(), ?, 'chat', 'x', 'x' || n, 1, 1, 1, now() from generate_series(1, ?) n`,
    [user.id, A_DAY - 2],
  );
  const before = (await readdir(folder)).length;
  const replies = await Promise.all(Array.from({ length: 8 }, () => upload(user, image)));
  const codes = replies.map(({ status, body }) => body.code ?? status).sort();
  expect(codes).toEqual([201, 201, ...Array.from({ length: 6 }, () => 'upload_quota_exceeded')]);
  expect((await readdir(folder)).length - before).toBe(4);
});

test('S-48: an upload is repeated by its key, and conflicts with another file', async () => {
  const [user, key] = [await app.buildUser(), randomUUID()];
  const first = await upload(user, await picture(), 'part.png', key);
  const again = await upload(user, await picture(), 'part.png', key);
  expect([again.status, again.headers.get('idempotent-replayed'), again.body]).toEqual([201, 'true', first.body]);
  for (const other of [
    upload(user, await picture('#33c'), 'part.png', key),
    upload(user, await picture(), 'b.png', key),
  ])
    expect(await other).toMatchObject({ status: 422, body: { code: 'idempotency_conflict' } });
  const stored = 'select id from uploads where user_id = ?';
  expect(await app.orm.em.fork().execute(stored, [user.id])).toHaveLength(1);
});
