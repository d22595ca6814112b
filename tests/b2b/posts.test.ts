import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { seedPlans } from '../../src/billing/service/plans.ts';
import { setSubscription } from '../../src/billing/service/subscriptions.ts';
import { type TestUser, useApp } from '../support/app.ts';
import { asStaff, buildDealer, postInput } from '../support/worlds.ts';

const app = useApp({ RATE_LIMITS: 'relaxed' });
const at = (moment: string) => ({ 'x-test-now': moment });
const create = (who: TestUser | null, more: object = {}, headers = {}) =>
  app.post(who, '/api/b2b/posts/', postInput(more), headers);
const used = async (who: TestUser, headers = {}) =>
  (await app.get(who, '/api/billing/me/', headers)).body.usage.posts_used;

test('an enabled dealer with a plan publishes, and hears what is left of the month', async () => {
  const dealer = await buildDealer(app, { plan: 'basic' });
  const reply = await create(dealer, {
    title: 'Oʻrindiq Cobalt',
    views_count: 99,
    author_id: randomUUID(),
    is_verified: true,
  });
  expect(reply).toMatchObject({
    status: 201,
    body: {
      title: 'Oʻrindiq Cobalt',
      status: 'published',
      price: '450000.00',
      views_count: 0,
      is_owner: true,
      author: { id: dealer.id, company_name: 'Chilonzor Ehtiyot Qismlar' },
      usage: { posts_used: 1, posts_limit: 5, posts_remaining: 4 },
    },
  });
  expect(reply.headers.get('location')).toBe(`/api/b2b/posts/${reply.body.id}/`);
  expect(JSON.stringify(reply.body)).not.toContain(dealer.phone);
});

test('who is not enabled, has no plan, or no token, does not publish and hears why', async () => {
  const [stranger, disabled, planless] = [
    await app.buildUser(),
    await buildDealer(app, { isEnabled: false }),
    await buildDealer(app, { plan: null }),
  ];
  expect(await create(null)).toMatchObject({ status: 401, body: { code: 'auth_required' } });
  expect(await create(stranger)).toMatchObject({
    status: 403,
    body: { code: 'b2b_not_enabled', details: { status: 'none' } },
  });
  expect(await create(disabled)).toMatchObject({
    status: 403,
    body: { code: 'b2b_not_enabled', details: { status: 'suspended' } },
  });
  expect(await create(planless)).toMatchObject({
    status: 403,
    body: { code: 'subscription_required', details: { status: 'none' } },
  });
  expect((await app.get(stranger, '/api/billing/me/')).body).toMatchObject({
    subscription: null,
    can_post: false,
    blockers: ['b2b_not_enabled', 'subscription_required'],
    entitlements: { posts_per_month: 0, saved_searches: 1 },
  });
});

test('S-42: at limit − 1, forty parallel creates publish one post and the counter is the limit', async () => {
  const dealer = await buildDealer(app, { plan: 'basic' });
  for (let n = 0; n < 4; n += 1) expect((await create(dealer)).status).toBe(201);
  const replies = await Promise.all(Array.from({ length: 40 }, () => create(dealer)));
  expect(replies.filter(({ status }) => status === 201)).toHaveLength(1);
  for (const { body } of replies.filter(({ status }) => status !== 201))
    expect(body).toMatchObject({ code: 'post_limit_reached', details: { limit: 5, used: 5, upgrade_to: 'pro' } });
  expect(await used(dealer)).toBe(5);
  expect((await app.get(dealer, '/api/b2b/posts/?mine=1&limit=100')).body.results).toHaveLength(5);
});

test('S-43: a create that is refused after the unit was taken gives it back', async () => {
  const dealer = await buildDealer(app, { plan: 'basic' });
  expect(await create(dealer, { currency: null })).toMatchObject({
    status: 400,
    body: { code: 'validation_failed', details: { fields: [{ path: 'currency', code: 'required_with_price' }] } },
  });
  expect(await used(dealer)).toBe(0);
});

test('S-44: a draft takes nothing, deleting gives nothing back, publishing again takes nothing', async () => {
  const dealer = await buildDealer(app, { plan: 'basic' });
  const draft = await create(dealer, { status: 'draft' });
  expect(draft.body).toMatchObject({ status: 'draft', published_at: null, usage: { posts_used: 0 } });
  const act = (action: string) => app.post(dealer, `/api/b2b/posts/${draft.body.id}/${action}/`);
  const published = await Promise.all([act('publish'), act('publish')]);
  expect(published.map(({ status }) => status).sort()).toEqual([200, 409]);
  expect(await used(dealer)).toBe(1);
  expect((await act('close')).body.status).toBe('closed');
  expect((await act('publish')).body.status).toBe('published');
  expect((await app.delete(dealer, `/api/b2b/posts/${draft.body.id}/`)).status).toBe(204);
  expect(await used(dealer)).toBe(1);
});

test('S-45: the last moment of a month in Tashkent and the first of the next count to their own month', async () => {
  const dealer = await buildDealer(app, { plan: null });
  const november = new Date('2025-11-01T00:00:00Z');
  const plan = { userId: dealer.id, planCode: 'basic', status: 'active' as const, days: 365 };
  await asStaff(app, ctx => seedPlans(ctx).then(() => setSubscription(ctx, plan)), november);
  const [before, after] = [at('2025-11-30T18:59:59.999Z'), at('2025-11-30T19:00:00.000Z')];
  const last = await create(app.tokenOf(dealer, new Date(before['x-test-now'])), {}, before);
  const first = await create(app.tokenOf(dealer, new Date(after['x-test-now'])), {}, after);
  expect(last.body.usage).toMatchObject({ period: '2025-11', posts_used: 1, resets_at: '2025-11-30T19:00:00.000Z' });
  expect(first.body.usage).toMatchObject({ period: '2025-12', posts_used: 1, resets_at: '2025-12-31T19:00:00.000Z' });
});

test('a buyer finds a part by any spelling of its number, and others not', async () => {
  const [seller, buyer] = [await buildDealer(app), await buildDealer(app, { plan: null })];
  const number = `90919-${String(Math.floor(Math.random() * 90_000) + 10_000)}`;
  const { body } = await create(seller, { part_number: `АВ ${number}`, oem_numbers: [`K-${number}`] });
  const find = async (spelling: string) =>
    (await app.get(buyer, `/api/b2b/posts/?part_number=${encodeURIComponent(spelling)}`)).body.results.map(
      (post: { id: string }) => post.id,
    );
  for (const spelling of [`AB-${number}`, `ab${number.replace('-', '')}`, `АВ.${number}`, `k ${number}`])
    expect(await find(spelling)).toEqual([body.id]);
  for (const other of [number, `AB-${number}0`, '---']) expect(await find(other)).toEqual([]);
});

test('a buyer finds a post by words in both scripts', async () => {
  const [seller, buyer] = [await buildDealer(app), await buildDealer(app, { plan: null })];
  const mark = randomUUID().slice(0, 8).replace(/\d/g, 'x').replace('-', '');
  const { body } = await create(seller, { title: `Oʻrindiq gʻilofi ${mark}` });
  const find = async (q: string) =>
    (await app.get(buyer, `/api/b2b/posts/?q=${encodeURIComponent(`${q} ${mark}`)}`)).body.results.map(
      (post: { id: string }) => post.id,
    );
  for (const q of ["O'rindiq", 'Ўриндиқ', 'orindiq', 'ORIN', "g'ilof", 'ғилофи'])
    expect(await find(q)).toEqual([body.id]);
  for (const q of ['motor', ':* | balonlar', "'; drop table posts"]) expect(await find(q)).toEqual([]);
});

test('the board is for enabled businesses; pages go on where they ended and a foreign cursor is refused', async () => {
  const [seller, other, stranger] = [await buildDealer(app), await buildDealer(app), await app.buildUser()];
  for (let n = 0; n < 3; n += 1) await create(seller);
  expect(await app.get(null, '/api/b2b/posts/')).toMatchObject({ status: 401, body: { code: 'auth_required' } });
  expect(await app.get(stranger, '/api/b2b/posts/')).toMatchObject({ status: 403, body: { code: 'b2b_not_enabled' } });
  const path = `/api/b2b/posts/?author=${seller.id}&limit=2`;
  const first = await app.get(seller, path);
  expect(first.body).toMatchObject({ previous: null, next: expect.stringContaining('cursor=') });
  const second = await app.get(seller, first.body.next);
  expect([...first.body.results, ...second.body.results].map(post => post.id)).toHaveLength(3);
  expect(new Set([...first.body.results, ...second.body.results].map(post => post.id)).size).toBe(3);
  expect(second.body).toMatchObject({ next: null, next_cursor: null });
  for (const [who, url] of [
    [other, first.body.next],
    [seller, `${first.body.next}x`],
    [seller, first.body.next.replace('limit=2', 'limit=2&intent=buy')],
  ] as const)
    expect(await app.get(who, url)).toMatchObject({ status: 400, body: { code: 'invalid_cursor' } });
});

test('the owner changes and removes a post; others see that they may not, or nothing at all', async () => {
  const [owner, other] = [await buildDealer(app), await buildDealer(app)];
  const { id } = (await create(owner)).body;
  const draft = (await create(owner, { status: 'draft' })).body;
  const path = `/api/b2b/posts/${id}/`;
  expect(await app.patch(owner, path, { price: '99.50', currency: 'USD', status: 'draft', rev: 77 })).toMatchObject({
    status: 200,
    body: { price: '99.50', currency: 'USD', status: 'published', rev: 2, intent: 'sell' },
  });
  expect(await app.put(owner, path, { title: 'Faqat nom' })).toMatchObject({
    status: 200,
    body: { title: 'Faqat nom', price: null, part_number: null, brand: null },
  });
  expect(await app.patch(other, path, { title: 'Mening' })).toMatchObject({
    status: 403,
    body: { code: 'permission_denied' },
  });
  expect(await app.patch(other, `/api/b2b/posts/${draft.id}/`, { title: 'Mening' })).toMatchObject({
    status: 404,
    body: { code: 'not_found' },
  });
  expect(await app.get(other, `/api/b2b/posts/${draft.id}/`)).toMatchObject({ status: 404 });
  expect(await app.delete(other, path)).toMatchObject({ status: 403 });
  expect((await app.delete(owner, path)).status).toBe(204);
  for (const who of [owner, other])
    expect(await app.get(who, path)).toMatchObject({ status: 404, body: { code: 'not_found' } });
});

test.each([
  [{ title: 'ab' }, 'title'],
  [{ title: 'x'.repeat(121) }, 'title'],
  [{ intent: 'rent' }, 'intent'],
  [{ price: -1 }, 'price'],
  [{ price: 'free' }, 'price'],
  [{ currency: 'EUR' }, 'currency'],
  [{ fitments: [{ make: 'Chevrolet', year_from: 2020, year_to: 2010 }] }, 'fitments.0.year_to'],
  [{ quantity: 1, min_order_qty: 2 }, 'min_order_qty'],
  [{ region: 'Tashkent' }, 'region'],
  [{ oem_numbers: Array.from({ length: 21 }, () => '1') }, 'oem_numbers'],
  [{ body: 'a\u0000b' }, 'body'],
])('a wrong field is named: %j', async (more, path) => {
  const reply = await create(await buildDealer(app), more);
  expect(reply).toMatchObject({ status: 400, body: { code: 'validation_failed' } });
  expect(reply.body.details.fields.map((field: { path: string }) => field.path)).toContain(path);
});

test('the business profile waits for an operator, and its owner cannot enable it', async () => {
  const user = await app.buildUser();
  expect((await app.get(user, '/api/b2b/profile/')).body).toMatchObject({
    status: 'none',
    is_enabled: false,
    company_name: null,
  });
  const put = await app.put(user, '/api/b2b/profile/', {
    company_name: 'Sergeli Auto',
    tin: '123456789',
    activity: ['seller'],
    region: 'UZ-TK',
    is_enabled: true,
    is_verified: true,
    status: 'enabled',
  });
  expect(put).toMatchObject({
    status: 200,
    body: { company_name: 'Sergeli Auto', status: 'pending', is_enabled: false, rev: 1 },
  });
  expect((await app.get(user, '/api/auth/me/')).body).toMatchObject({
    display_name: 'Sergeli Auto',
    b2b: { is_enabled: false, status: 'pending', company_name: 'Sergeli Auto' },
  });
});

test('plans are open to all and seeded as described', async () => {
  await buildDealer(app);
  const { status, body, headers } = await app.get(null, '/api/billing/plans/');
  expect([status, headers.get('cache-control')]).toEqual([200, 'public, max-age=30']);
  expect(
    body.results.map(({ code, entitlements }: { code: string; entitlements: object }) => [code, entitlements]),
  ).toEqual([
    ['basic', { posts_per_month: 5, max_images_per_post: 3, saved_searches: 3, contact_reveals_per_day: 10 }],
    ['pro', { posts_per_month: 50, max_images_per_post: 8, saved_searches: 20, contact_reveals_per_day: 50 }],
    ['premium', { posts_per_month: null, max_images_per_post: 15, saved_searches: 100, contact_reveals_per_day: 200 }],
  ]);
});
