import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { buildDealer, postInput } from '../support/worlds.ts';
import { dayOf, iso, ok, refused, useBilling } from './world.ts';

const { app, me, request, cancel, act, actOnPlan, subscriber, buildPlan, auditOf } = useBilling();
const buildStaff = () => app.buildUser({ role: 'billing' });

test('staff edit a plan: the list shows it with another ETag, subscribers have it at once', async () => {
  const [staff, plan] = [await buildStaff(), await buildPlan()];
  const [user, list] = [await subscriber({ plan: plan.code }), () => app.get(null, '/api/billing/plans/')];
  const find = async () => (await list()).body.results.find(({ code }: { code: string }) => code === plan.code);
  const { etag } = Object.fromEntries((await list()).headers);
  const cached = await app.get(null, '/api/billing/plans/', { 'if-none-match': etag! });
  expect([cached.status, cached.body, cached.headers.get('etag')]).toEqual([304, '', etag]);
  const changes = {
    ...{ name: 'Oltin', description: 'Hammasi', price: '99000.5', currency: 'USD', trial_days: 7, sort_order: 50 },
    entitlements: { posts_per_month: 9 },
  };
  await ok(actOnPlan(staff, 'edit', plan.id, changes));
  expect(await find()).toEqual({
    ...changes,
    ...{ code: plan.code, interval: 'month', price: '99000.50' },
    entitlements: { posts_per_month: 9, max_images_per_post: 1, saved_searches: 1, contact_reveals_per_day: 1 },
  });
  const fresh = await app.get(null, '/api/billing/plans/', { 'if-none-match': etag! });
  expect([fresh.status, fresh.headers.get('etag') === etag]).toEqual([200, false]);
  expect(await me(user)).toMatchObject({ entitlements: { posts_per_month: 9 }, usage: { posts_limit: 9 } });
  expect(await auditOf(plan.id)).toMatchObject([
    { action: 'edit', resource: 'plans', before: { name: 'Own' }, after: { name: 'Oltin', price: '99000.5' } },
  ]);
});

test('of changes of one plan at once none is lost', async () => {
  const [staff, plan] = [await buildStaff(), await buildPlan()];
  const wanted = { posts_per_month: 91, max_images_per_post: 21, saved_searches: 31, contact_reveals_per_day: 41 };
  const each = Object.entries(wanted).map(([name, most]) => ({ entitlements: { [name]: most } }));
  await Promise.all(each.map(changes => ok(actOnPlan(staff, 'edit', plan.id, changes))));
  const { results } = (await app.get(null, '/api/billing/plans/')).body;
  expect(results.find(({ code }: { code: string }) => code === plan.code).entitlements).toEqual(wanted);
});

test('a limit that is lowered below what is used is told as it is', async () => {
  const [staff, plan] = [await buildStaff(), await buildPlan()];
  const dealer = await buildDealer(app, { plan: plan.code });
  const create = () => app.post(dealer, '/api/b2b/posts/', postInput());
  for (let n = 0; n < 3; n += 1) expect((await create()).status).toBe(201);
  await ok(actOnPlan(staff, 'edit', plan.id, { entitlements: { posts_per_month: 2 } }));
  expect(await create()).toMatchObject({ body: { code: 'post_limit_reached', details: { limit: 2, used: 3 } } });
  await ok(actOnPlan(staff, 'edit', plan.id, { entitlements: { posts_per_month: null } }));
  expect((await create()).body.usage).toMatchObject({ posts_used: 4, posts_limit: null, posts_remaining: null });
});

test('who has used up a plan is shown the next one that is on the list', async () => {
  const staff = await buildStaff();
  const entitlements = { posts_per_month: 0, max_images_per_post: 1, saved_searches: 1, contact_reveals_per_day: 1 };
  const of = (sortOrder: number, posts: number) =>
    buildPlan({ sortOrder, entitlements: { ...entitlements, posts_per_month: posts } });
  const [none, , some, more] = [await of(200, 0), await of(201, 0), await of(202, 5), await of(203, 6)];
  const dealer = await buildDealer(app, { plan: none.code });
  const next = async () => (await app.post(dealer, '/api/b2b/posts/', postInput())).body.details.upgrade_to;
  expect(await next()).toBe(some.code);
  await ok(actOnPlan(staff, 'deactivate', some.id));
  expect(await next()).toBe(more.code);
});

test('a plan off the list is no longer asked for, and stays with those who have it', async () => {
  const [staff, plan, user] = [await buildStaff(), await buildPlan(), await app.buildUser()];
  const holder = await subscriber({ plan: plan.code });
  await ok(actOnPlan(staff, 'deactivate', plan.id));
  await refused(actOnPlan(staff, 'deactivate', plan.id), 'invalid_state');
  const { body } = await app.get(null, '/api/billing/plans/');
  expect(body.results.map(({ code }: { code: string }) => code)).not.toContain(plan.code);
  expect(await request(user, plan.code)).toMatchObject({ status: 404 });
  expect(await me(holder)).toMatchObject({ subscription: { status: 'active' }, entitlements: { posts_per_month: 7 } });
  await cancel(holder);
  expect(await request(holder, plan.code)).toMatchObject({ status: 200 });
  await ok(actOnPlan(staff, 'edit', plan.id, { is_active: true }));
  expect(await request(user, plan.code)).toMatchObject({ status: 201 });
});

test.each([
  [{}, 'params'],
  [{ price: '-1' }, 'params.price'],
  [{ price: 'free' }, 'params.price'],
  [{ price: '1.005' }, 'params.price'],
  [{ price: '1000000000000' }, 'params.price'],
  [{ currency: 'sum' }, 'params.currency'],
  [{ name: '  ' }, 'params.name'],
  [{ trial_days: -1 }, 'params.trial_days'],
  [{ entitlements: { posts_per_month: 2_147_483_648 } }, 'params.entitlements.posts_per_month'],
  [{ entitlements: { posts_per_day: 5 } }, 'params.entitlements'],
])('a wrong edit of a plan is named: %j', async (params, path) => {
  const [staff, plan] = [await buildStaff(), await buildPlan()];
  expect(await actOnPlan(staff, 'edit', plan.id, params)).toMatchObject({
    status: 400,
    body: { code: 'validation_failed', details: { fields: [{ path }] } },
  });
});

test('a plan that does not exist is not found, and what is no action neither', async () => {
  const staff = await buildStaff();
  await refused(actOnPlan(staff, 'edit', randomUUID(), { name: 'X' }), 'not_found');
  expect(await actOnPlan(staff, 'remove', randomUUID())).toMatchObject({ status: 404 });
  expect(await act(staff, 'refund', await subscriber())).toMatchObject({ status: 404 });
});

test('a plan with a trial begins with it, once for a user; paid for it is active', async () => {
  const [user, staff, plan] = [await app.buildUser(), await buildStaff(), await buildPlan({ trialDays: 14 })];
  await request(user, plan.code);
  await ok(act(staff, 'activate', user));
  expect(await me(user)).toMatchObject({
    subscription: { status: 'trialing', trial_end: iso(14), current_period_end: iso(14) },
    entitlements: { posts_per_month: 7 },
  });
  await ok(act(staff, 'activate', user, {}, dayOf(2)));
  expect((await me(user, dayOf(2))).subscription).toMatchObject({
    ...{ status: 'active', trial_end: iso(2), current_period_start: iso(2) },
    current_period_end: '2025-12-12T07:00:00.000Z',
  });
  await cancel(user, { at_period_end: false }, dayOf(3));
  await request(user, plan.code, dayOf(3));
  await ok(act(staff, 'activate', user, {}, dayOf(3)));
  expect((await me(user, dayOf(3))).subscription).toMatchObject({ status: 'active', trial_end: null });
});

test('who has paid until a day gets no trial', async () => {
  const [user, staff, plan] = [await app.buildUser(), await buildStaff(), await buildPlan({ trialDays: 14 })];
  await request(user, plan.code);
  await ok(act(staff, 'activate', user, { params: { until: iso(90) } }));
  expect((await me(user)).subscription).toMatchObject({ status: 'active', current_period_end: iso(90) });
});

test('whoever has paid before gets no trial in their grace', async () => {
  const [user, staff, plan] = [await subscriber(), await buildStaff(), await buildPlan({ trialDays: 14 })];
  await ok(act(staff, 'activate', user, { params: { plan: plan.code } }, dayOf(31)));
  expect((await me(user, dayOf(31))).subscription).toMatchObject({ status: 'active', trial_end: null });
});
