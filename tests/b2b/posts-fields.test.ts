import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { Category } from '../../src/b2b/entities/reference.ts';
import { setSubscription } from '../../src/billing/service/subscriptions.ts';
import { type Reply, type TestUser, useApp } from '../support/app.ts';
import { buildThread } from '../support/talk.ts';
import { uploadFolder, uploadImage } from '../support/uploads.ts';
import { asStaff, buildDealer, postInput } from '../support/worlds.ts';

const app = useApp({ RATE_LIMITS: 'relaxed', UPLOAD_DIR: await uploadFolder() });

const create = (who: TestUser, more: object = {}, headers = {}) =>
  app.post(who, '/api/b2b/posts/', postInput(more), headers);
const pathOf = ({ id }: { id: string }) => `/api/b2b/posts/${id}/`;
const idsOf = (body: { images: { id: string }[] }) => body.images.map(image => image.id);

test('S-35: what only the server decides is not taken from a body, neither in a new post nor in a change', async () => {
  const [owner, other] = [await buildDealer(app), await buildDealer(app)];
  const wanted = {
    ...{ id: randomUUID(), author_id: other.id, author: { id: other.id }, sender_id: other.id, user_id: other.id },
    ...{
      rev: 77,
      seq: 5,
      views_count: 99,
      favorites_count: 99,
      is_favorite: true,
      published_at: '2020-01-01T00:00:00.000Z',
    },
    ...{ bumped_at: '2030-01-01T00:00:00.000Z', expires_at: '2030-01-01T00:00:00.000Z', counted_at: null },
    ...{
      moderation: { state: 'approved', reason: null },
      moderation_state: 'approved',
      role: 'superuser',
      is_staff: true,
    },
    ...{ is_enabled: true, is_verified: true, thumb_url: '/uploads/x.webp', images: [{ id: randomUUID() }] },
  };
  const made = (await create(owner, wanted)).body;
  const untouched = {
    ...{ views_count: 0, favorites_count: 0, is_favorite: false, thumb_url: null, images: [], rev: 1 },
    author: { id: owner.id, is_verified: false },
    moderation: { state: 'pending', reason: null },
  };
  expect(made).toMatchObject(untouched);
  expect([made.id, made.published_at]).not.toContain(wanted.id);
  expect(Date.parse(made.published_at)).toBeGreaterThan(Date.now() - 60_000);
  const path = pathOf(made);
  for (const change of [
    app.patch(owner, path, { ...wanted, status: 'draft' }),
    app.put(owner, path, postInput({ ...wanted, status: 'draft' })),
  ]) {
    const { body } = await change;
    expect(body).toMatchObject({ ...untouched, id: made.id, status: 'published', rev: expect.any(Number) });
    expect([body.published_at, body.bumped_at, body.expires_at]).toEqual([
      made.published_at,
      made.bumped_at,
      made.expires_at,
    ]);
  }
  expect((await app.get(owner, path)).body.rev).toBe(3);
  expect((await app.get(owner, '/api/auth/me/')).body).toMatchObject({ role: 'user', is_staff: false });
});

test('a post has all fields it was given; PUT empties those it does not name, PATCH keeps them', async () => {
  const owner = await buildDealer(app);
  const category = await buildCategory();
  const fields = {
    ...{ title: `Kolodka ${randomUUID()}`, body: 'Yangi', intent: 'sell', category_id: category, brand: 'Bosch' },
    ...{ part_number: randomUUID(), oem_numbers: ['A-1', 'A-2'], condition: 'used', price: '10.50', currency: 'USD' },
    ...{ price_negotiable: true, unit: 'set', quantity: 10, min_order_qty: 2, region: 'UZ-SA', city: 'Samarqand' },
    fitments: [{ make: 'Chevrolet', model: 'Cobalt', year_from: 2013, year_to: 2020, engine: '1.5' }],
  };
  const { body } = await app.post(owner, '/api/b2b/posts/', { ...fields, expires_in_days: 7 });
  expect(body).toMatchObject({ ...fields, expires_in_days: 7 });
  expect(Date.parse(body.expires_at) - Date.parse(body.published_at)).toBe(7 * 86_400_000);
  expect((await app.patch(owner, pathOf(body), { city: null })).body).toMatchObject({ ...fields, city: null });
  expect((await app.patch(owner, pathOf(body), { condition: null })).body.condition).toBeNull();
  const title = `Boshqa ${randomUUID()}`;
  expect((await app.put(owner, pathOf(body), { title })).body).toMatchObject({
    ...{ title, body: null, intent: 'sell', category_id: null, brand: null, part_number: null, oem_numbers: [] },
    ...{ condition: null, price: null, currency: null, price_negotiable: false, unit: null, quantity: null },
    ...{ min_order_qty: null, region: null, city: null, fitments: [], images: [] },
  });
});

test('a post that names no region is of that of its profile; PATCH of something else leaves it where it was', async () => {
  const owner = await buildDealer(app);
  const { body } = await create(owner);
  await app.put(owner, '/api/b2b/profile/', { company_name: 'Sergeli Auto', region: 'UZ-SA' });
  const regionOf = ({ body: post }: Reply) => [post.title, post.region];
  expect(regionOf(await app.patch(owner, pathOf(body), { title: 'Boshqa' }))).toEqual(['Boshqa', null]);
  expect(regionOf(await app.patch(owner, pathOf(body), { region: null }))).toEqual(['Boshqa', 'UZ-SA']);
  expect(regionOf(await app.put(owner, pathOf(body), { title: 'Yana' }))).toEqual(['Yana', 'UZ-SA']);
  expect((await create(owner)).body.region).toBe('UZ-SA');
});

async function buildCategory(): Promise<string> {
  const em = app.orm.em.fork();
  const name = { uz: 'Tormoz', 'uz-Cyrl': 'Тормоз', ru: 'Тормоза', en: 'Brakes' };
  const category = em.create(Category, {
    ...{ id: randomUUID(), code: randomUUID(), name, searchNorm: 'tormoz', sortOrder: 0 },
  });
  await em.flush();
  return category.id;
}

test('a category that does not exist is named', async () => {
  expect(await create(await buildDealer(app), { category_id: randomUUID() })).toMatchObject({
    status: 400,
    body: { code: 'validation_failed', details: { fields: [{ path: 'category_id', code: 'unknown' }] } },
  });
});

test('images are shown in the order they were given, to everybody, and the first one in conversations', async () => {
  const [owner, buyer] = [await buildDealer(app), await buildDealer(app, { plan: null })];
  const [first, second, third] = await Promise.all([1, 2, 3].map(() => uploadImage(app, owner)));
  const { body } = await create(owner, { image_ids: [second!.id, first!.id, second!.id] });
  expect(body.images[0]).toEqual({
    ...{ id: second!.id, url: second!.url, thumb_url: second!.thumb_url },
    width: 40,
    height: 30,
  });
  expect([idsOf(body), body.thumb_url]).toEqual([[second!.id, first!.id], second!.thumb_url]);
  const thread = await buildThread(app, { buyer, seller: owner, postId: body.id });
  const changed = await app.patch(owner, pathOf(body), { image_ids: [first!.id, third!.id, second!.id] });
  expect(idsOf(changed.body)).toEqual([first!.id, third!.id, second!.id]);
  expect(idsOf((await app.get(buyer, pathOf(body))).body)).toEqual([first!.id, third!.id, second!.id]);
  expect((await app.get(buyer, `/api/chat/threads/${thread.id}/`)).body.thread.post.thumb_url).toBe(first!.thumb_url);
  // PATCH of something else leaves them
  expect(idsOf((await app.patch(owner, pathOf(body), { city: 'Toshkent' })).body)).toHaveLength(3);
  await app.delete(owner, pathOf(body));
  expect((await app.get(buyer, `/api/chat/threads/${thread.id}/`)).body.thread.post).toMatchObject({
    ...{ status: 'removed', thumb_url: null },
  });
});

test('an image that is shown no more is free for another post, one that is shown is not', async () => {
  const owner = await buildDealer(app);
  const image = await uploadImage(app, owner);
  const first = (await create(owner, { image_ids: [image.id] })).body;
  expect((await create(owner, { image_ids: [image.id] })).body.code).toBe('not_found');
  expect((await app.patch(owner, pathOf(first), { image_ids: [] })).body).toMatchObject({
    images: [],
    thumb_url: null,
  });
  const second = (await create(owner, { image_ids: [image.id] })).body;
  expect(idsOf(second)).toEqual([image.id]);
  await app.delete(owner, pathOf(second));
  expect(idsOf((await create(owner, { image_ids: [image.id] })).body)).toEqual([image.id]);
});

test('one image attached by two posts at once is shown by one', async () => {
  const owner = await buildDealer(app);
  const image = await uploadImage(app, owner);
  const replies = await Promise.all([1, 2].map(() => create(owner, { image_ids: [image.id] })));
  expect(replies.map(({ status }) => status).sort()).toEqual([201, 404]);
});

test('S-36: uploads of others, of another purpose, and of nobody are attached to nothing, and no unit is taken', async () => {
  const [owner, thief] = [await buildDealer(app), await buildDealer(app)];
  const [foreign, avatar] = [await uploadImage(app, owner), await uploadImage(app, thief, 'avatar')];
  for (const id of [foreign.id, avatar.id, randomUUID()])
    expect(await create(thief, { image_ids: [id] })).toMatchObject({ status: 404, body: { code: 'not_found' } });
  const { body } = await create(thief);
  const path = pathOf(body);
  expect((await app.patch(thief, path, { image_ids: [foreign.id] })).body.code).toBe('not_found');
  expect((await app.get(thief, path)).body).toMatchObject({ images: [], rev: 1 });
  expect((await app.get(thief, '/api/billing/me/')).body.usage.posts_used).toBe(1);
  expect(idsOf((await create(owner, { image_ids: [foreign.id] })).body)).toEqual([foreign.id]);
});

test('a plan allows so many images; fewer than before are always allowed', async () => {
  const owner = await buildDealer(app, { plan: 'basic' });
  const ids = (await Promise.all([1, 2, 3, 4].map(() => uploadImage(app, owner)))).map(image => image.id);
  expect(await create(owner, { image_ids: ids })).toMatchObject({
    status: 400,
    body: { code: 'validation_failed', details: { fields: [{ path: 'image_ids', code: 'above_plan_limit' }] } },
  });
  const { body } = await create(owner, { image_ids: ids.slice(0, 3) });
  expect(idsOf(body)).toHaveLength(3);
  await app.orm.em.fork().execute(`update subscriptions set status = 'canceled' where user_id = ?`, [owner.id]);
  expect((await app.patch(owner, pathOf(body), { image_ids: ids })).body.code).toBe('validation_failed');
  expect(idsOf((await app.patch(owner, pathOf(body), { image_ids: ids.slice(1, 3) })).body)).toHaveLength(2);
});

test('a draft with more images than the plan allows by now is published once it shows fewer', async () => {
  const owner = await buildDealer(app);
  const ids = (await Promise.all([1, 2, 3, 4].map(() => uploadImage(app, owner)))).map(image => image.id);
  const { body } = await create(owner, { status: 'draft', image_ids: ids });
  await asStaff(app, ctx => setSubscription(ctx, { userId: owner.id, planCode: 'basic', status: 'active', days: 30 }));
  const publish = () => app.post(owner, `${pathOf(body)}publish/`);
  expect((await publish()).body).toMatchObject({
    ...{ code: 'validation_failed', details: { fields: [{ path: 'image_ids', code: 'above_plan_limit' }] } },
  });
  expect((await app.get(owner, '/api/billing/me/')).body.usage.posts_used).toBe(0);
  await app.patch(owner, pathOf(body), { image_ids: ids.slice(1) });
  expect((await publish()).body).toMatchObject({ status: 'published', images: [{}, {}, {}] });
});

test('If-Match: a change of what its owner has not seen is refused and shows the present state', async () => {
  const owner = await buildDealer(app);
  const made = await create(owner);
  const path = pathOf(made.body);
  const etag = made.headers.get('etag')!;
  expect(etag).toBe('"1"');
  const changed = await app.patch(owner, path, { city: 'Toshkent' }, { 'if-match': etag });
  expect([changed.status, changed.headers.get('etag')]).toEqual([200, '"2"']);
  const title = `Eski ${randomUUID()}`;
  const stale = [
    app.patch(owner, path, { title }, { 'if-match': etag }),
    app.put(owner, path, { title }, { 'if-match': etag }),
    app.delete(owner, path, undefined, { 'if-match': etag }),
    // a weak tag never matches
    app.patch(owner, path, { title }, { 'if-match': 'W/"2"' }),
  ];
  for (const reply of await Promise.all(stale))
    expect(reply).toMatchObject({
      status: 412,
      body: { code: 'conflict', details: { current: { id: made.body.id, rev: 2, city: 'Toshkent' } } },
    });
  expect((await app.get(owner, path)).headers.get('etag')).toBe('"2"');
  expect((await app.patch(owner, path, { title }, { 'if-match': '"1", "2"' })).status).toBe(200);
  expect((await app.delete(owner, path, undefined, { 'if-match': '*' })).status).toBe(204);
});

test('If-Match: of two changes at once that saw the same state one is made', async () => {
  const owner = await buildDealer(app);
  const { body } = await create(owner);
  const change = (city: string) => app.patch(owner, pathOf(body), { city }, { 'if-match': '"1"' });
  const replies = await Promise.all(['Buxoro', 'Xiva', 'Nukus'].map(change));
  expect(replies.map(({ status }) => status).sort()).toEqual([200, 412, 412]);
});

test('S-34: neither a phone nor a note of the moderators is in what others see of a post', async () => {
  const [owner, other] = [await buildDealer(app), await buildDealer(app, { plan: null })];
  const { body } = await create(owner);
  await app.orm.em.fork().execute(`update posts set moderation_reason = 'a note' where id = ?`, [body.id]);
  const text = JSON.stringify((await app.get(other, pathOf(body))).body);
  expect(text).not.toContain(owner.phone);
  expect(text).not.toContain('a note');
  expect((await app.get(owner, pathOf(body))).body.moderation.reason).toBe('a note');
});
