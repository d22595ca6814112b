import { expect, test } from 'vitest';
import { migrate } from '../../src/common/database.ts';
import { type Reply, type TestUser, useApp } from '../support/app.ts';
import { buildTalk } from '../support/talk.ts';
import { uploadFolder, uploadImage } from '../support/uploads.ts';
import { act, buildDealer, postInput } from '../support/worlds.ts';

const app = useApp({ RATE_LIMITS: 'relaxed', UPLOAD_DIR: await uploadFolder() });
const posts = '/api/b2b/posts/';
const searches = '/api/b2b/saved-searches/';
const create = (who: TestUser, more: object = {}) => app.post(who, posts, postInput(more));
const save = (who: TestUser, filters: object) => app.post(who, searches, { name: 'Kuzatuv', filters });
const idsOf = ({ body }: Reply): string[] => body.results.map((one: { id: string }) => one.id);
const refusedAt = (path: string) => ({
  status: 400,
  body: { code: 'validation_failed', details: { fields: [{ path }] } },
});

test('ids are read in capitals too', async () => {
  const [dealer, watcher] = [await buildDealer(app), await buildDealer(app)];
  const [picture, logo, photo] = [
    await uploadImage(app, dealer, 'avatar'),
    await uploadImage(app, dealer, 'avatar'),
    await uploadImage(app, dealer),
  ];
  const me = await app.patch(dealer, '/api/auth/me/', { avatar_upload_id: picture.id.toUpperCase() });
  expect(me.body.avatar_url).toBe(picture.thumb_url);
  const profile = { company_name: 'Sergeli Auto', logo_upload_id: logo.id.toUpperCase() };
  for (const _ of ['first', 'again'])
    expect((await app.put(dealer, '/api/b2b/profile/', profile)).body.logo_upload_id).toBe(logo.id);
  const search = await save(watcher, { author: dealer.id.toUpperCase() });
  expect(search.body.filters).toEqual({ author: dealer.id });
  const ids = [photo.id.toUpperCase(), photo.id];
  const { body } = await create(dealer, { image_ids: ids });
  expect(body.images.map((image: { id: string }) => image.id)).toEqual([photo.id]);
  expect((await app.get(watcher, searches)).body.results).toMatchObject([{ new_count: 1 }]);
  expect(idsOf(await app.get(dealer, `${posts}?author=${dealer.id.toUpperCase()}`))).toEqual([body.id]);
  const session = `/api/auth/sessions/${dealer.sessionId.toUpperCase()}/`;
  expect((await app.delete(dealer, session)).status).toBe(204);
});

test.each(['0000-01-01T00:00:00Z', '1970-01-01T00:00:00+23:59', '9999-12-31T23:59:59-12:00', '1969-12-31T23:59:59Z'])(
  'the moment %s, which cannot be stored, is refused wherever one is given',
  async moment => {
    const { buyer, thread } = await buildTalk(app);
    const [dealer, staff] = [await buildDealer(app), await app.buildUser({ role: 'superuser' })];
    const listed = await app.get(dealer, `${posts}?created_after=${encodeURIComponent(moment)}`);
    expect(listed).toMatchObject(refusedAt('created_after'));
    expect(await save(dealer, { created_after: moment })).toMatchObject(refusedAt('filters.created_after'));
    const muted = await app.post(buyer, `/api/chat/threads/${thread.id}/mute/`, { until: moment });
    expect(muted).toMatchObject(refusedAt('until'));
    const terms = { params: { until: moment }, reason: 'x' };
    for (const action of ['users/block', 'subscriptions/extend'] as const)
      expect(await act(app, staff, action, dealer.id, terms)).toMatchObject(refusedAt('params.until').body);
  },
);

test('a moment of any offset is kept in UTC', async () => {
  const { body } = await save(await buildDealer(app), { created_after: '2026-01-01T00:00:00+23:59' });
  expect(body.filters).toEqual({ created_after: '2025-12-31T00:01:00.000Z' });
});

test('the highest price is stored and shown, and no price has a third decimal', async () => {
  const dealer = await buildDealer(app);
  for (const price of [1e12, '1000000000000.00']) {
    const { status, body } = await create(dealer, { price });
    expect([status, body.price]).toEqual([201, '1000000000000.00']);
    expect((await app.get(dealer, `${posts}${body.id}/`)).body.price).toBe('1000000000000.00');
  }
  expect((await create(dealer, { price: 19.99 })).body.price).toBe('19.99');
  for (const price of [1.005, '1.005', 1e12 + 1, '1000000000000.01'])
    expect(await create(dealer, { price })).toMatchObject(refusedAt('price'));
});

test('half a character is refused wherever text is stored as JSON', async () => {
  const dealer = await buildDealer(app);
  const half = 'Cobalt \ud83d';
  expect(await create(dealer, { fitments: [{ make: half }] })).toMatchObject(refusedAt('fitments.0.make'));
  expect(await save(dealer, { q: half })).toMatchObject(refusedAt('filters.q'));
  expect((await create(dealer, { fitments: [{ make: 'Cobalt 🚗' }] })).status).toBe(201);
});

test('titles of a script that is not normalised are told apart', async () => {
  const dealer = await buildDealer(app);
  const title = (text: string) => create(dealer, { title: text });
  expect((await title('大众汽车零件')).status).toBe(201);
  expect((await title('丰田刹车片')).status).toBe(201);
  expect((await title('刹车片 Cobalt 1.5')).status).toBe(201);
  expect((await title('机油 Cobalt 1.5')).status).toBe(201);
  for (const known of ['丰田刹车片', '机油 — COBALT 1,5'])
    expect(await title(known)).toMatchObject({ status: 409, body: { code: 'duplicate_post' } });
});

test.each(['UZ-XX', 'UZ-tk', 'KZ-AL', ''])('the region %s is none of ISO 3166-2:UZ', async region => {
  const dealer = await buildDealer(app);
  expect(await create(dealer, { region })).toMatchObject(refusedAt('region'));
  const profile = await app.put(dealer, '/api/b2b/profile/', { company_name: 'Sergeli Auto', region });
  expect(profile).toMatchObject(refusedAt('region'));
  expect(await app.get(dealer, `${posts}?region=${region}`)).toMatchObject(refusedAt('region'));
});

test('searches that were saved before moments and ids were read strictly neither stop a post nor miss it', async () => {
  const [dealer, watcher] = [await buildDealer(app), await buildDealer(app)];
  const [byMoment, byAuthor] = await Promise.all([1, 2].map(() => save(watcher, { author: dealer.id })));
  const em = app.orm.em.fork();
  const write = (id: string, field: object, more: string) =>
    em.execute(`update saved_searches set filters = filters || ?, wanted = wanted || ? ${more} where id = ?`, [
      JSON.stringify(field),
      JSON.stringify(field),
      id,
    ]);
  await write(byMoment!.body.id, { created_after: '2026-01-01T00:00:00+23:59' }, '');
  await write(byAuthor!.body.id, { author: dealer.id.toUpperCase() }, `, anchors = array['author:${dealer.id.toUpperCase()}']`); // biome-ignore format: one line reads better
  expect((await create(dealer)).status).toBe(500);
  await em.execute(`delete from mikro_orm_migrations where name = '0005_prices_and_searches'`);
  expect(await migrate(app.orm)).toEqual(['0005_prices_and_searches']);
  expect((await create(dealer)).status).toBe(201);
  const told = { filters: { author: dealer.id }, new_count: 1 };
  expect((await app.get(watcher, searches)).body.results).toMatchObject([told, told]);
});
