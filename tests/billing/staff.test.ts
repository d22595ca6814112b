import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { enableProfile } from '../../src/b2b/service/profiles.ts';
import type { Role } from '../../src/common/context.ts';
import type { TestUser } from '../support/app.ts';
import { asStaff, buildDealer, postInput } from '../support/worlds.ts';
import { dayOf, iso, ok, refused, useBilling } from './world.ts';

const billing = useBilling();
const { app, me, request, cancel, act, actOnPlan, subscriber, buildPlan, newestId, auditOf, heard, states } = billing;
const buildStaff = (role: Role = 'billing') => app.buildUser({ role });
const reason = { reason: 'Not paid' };

test('staff activate what was asked for: a month of Tashkent from now on', async () => {
  const [user, staff] = [await app.buildUser(), await buildStaff()];
  await request(user, 'pro');
  await ok(act(staff, 'activate', user));
  expect(await me(user)).toMatchObject({
    subscription: {
      ...{ status: 'active', plan: { code: 'pro' }, trial_end: null },
      ...{ current_period_start: iso(0), current_period_end: '2025-12-10T07:00:00.000Z' },
    },
    entitlements: { posts_per_month: 50 },
  });
  expect(heard(user)).toEqual([['subscriptionActivated', 'pro', '2025-12-10T07:00:00.000Z']]);
});

test('a month from the last of January ends with February', async () => {
  const [user, staff] = [await app.buildUser(), await buildStaff()];
  const moment = new Date('2026-01-30T20:00:00.000Z'); // 31 January, 01:00 in Tashkent
  await request(user, 'pro', moment);
  await ok(act(staff, 'activate', user, {}, moment));
  expect((await me(user, moment)).subscription.current_period_end).toBe('2026-02-27T20:00:00.000Z');
});

test('staff activate another plan and until a day of their own', async () => {
  const [user, staff] = [await app.buildUser(), await buildStaff()];
  await request(user, 'basic');
  await ok(act(staff, 'activate', user, { params: { plan: 'premium', until: '2026-11-10T12:00:00+05:00' } }));
  expect((await me(user)).subscription).toMatchObject({
    plan: { code: 'premium' },
    current_period_end: '2026-11-10T07:00:00.000Z',
  });
});

test('a subscription in its grace is activated anew, with the plan that was asked for', async () => {
  const [user, staff] = [await subscriber(), await buildStaff()];
  await request(user, 'pro', dayOf(31));
  await ok(act(staff, 'activate', user, { params: { until: iso(61) } }, dayOf(31)));
  expect((await me(user, dayOf(31))).subscription).toMatchObject({
    ...{ status: 'active', plan: { code: 'pro' }, next_plan: null, grace_until: null },
    ...{ current_period_start: iso(31), current_period_end: iso(61) },
  });
});

test('staff arrange the next plan of one that runs; its user changes it no more, but may cancel', async () => {
  const [user, staff] = [await subscriber(), await buildStaff()];
  await refused(act(staff, 'activate', user), 'invalid_state');
  await request(user, 'premium');
  await refused(act(staff, 'activate', user, { params: { until: iso(29) } }), 'validation_failed');
  await ok(act(staff, 'activate', user));
  expect((await me(user)).subscription).toMatchObject({ plan: { code: 'basic' }, next_plan: { code: 'premium' } });
  expect(await request(user, 'premium')).toMatchObject({ status: 200 });
  for (const plan of ['pro', 'basic'])
    expect(await request(user, plan)).toMatchObject({ status: 409, body: { code: 'invalid_state' } });
  expect((await me(user, dayOf(31))).subscription).toMatchObject({
    ...{ plan: { code: 'premium' }, status: 'active', next_plan: null },
    ...{ current_period_start: iso(30), current_period_end: '2026-01-10T07:00:00.000Z' },
  });
  await cancel(user);
  expect((await me(user, dayOf(31))).subscription).toMatchObject({ plan: { code: 'basic' }, status: 'canceled' });
});

test('what is paid for the same plan in advance follows as well', async () => {
  const [user, staff] = [await subscriber(), await buildStaff()];
  await request(user, 'pro');
  await ok(act(staff, 'activate', user, { params: { plan: 'basic', until: iso(60) } }));
  for (const day of [30, 30, 31]) await app.jobs.run('move-subscriptions', dayOf(day));
  expect(heard(user).slice(1)).toEqual([['subscriptionActivated', 'basic', iso(60)]]);
  expect((await me(user, dayOf(45))).subscription).toMatchObject({
    ...{ plan: { code: 'basic' }, status: 'active', current_period_start: iso(30), current_period_end: iso(60) },
  });
});

test('extending goes on from the end of the period, also out of the grace, and takes a cancellation back', async () => {
  const [user, late, trial, staff] = [
    await subscriber(),
    await subscriber(),
    await subscriber({ status: 'trialing' }),
    await buildStaff(),
  ];
  await cancel(user);
  await ok(act(staff, 'extend', user, { params: { days: 10 } }, dayOf(5)));
  expect((await me(user)).subscription).toMatchObject({ current_period_end: iso(40), cancel_at_period_end: false });
  await ok(act(staff, 'extend', late, { params: { days: 30 } }, dayOf(32)));
  expect((await me(late, dayOf(32))).subscription).toMatchObject({ status: 'active', current_period_end: iso(60) });
  await refused(act(staff, 'extend', late, { params: { days: 1 } }, dayOf(62)), 'validation_failed');
  await ok(act(staff, 'extend', trial, { params: { until: iso(44) } }));
  expect((await me(trial)).subscription).toMatchObject({ status: 'trialing', trial_end: iso(44) });
  await refused(act(staff, 'extend', trial, { params: { until: iso(44) } }), 'validation_failed');
  expect(heard(late).at(-1)).toEqual(['subscriptionActivated', 'basic', iso(60)]);
});

test('nothing is extended beyond a hundred years', async () => {
  const [user, staff] = [await subscriber(), await buildStaff()];
  for (let times = 0; times < 9; times += 1) await ok(act(staff, 'extend', user, { params: { days: 3_650 } }));
  await refused(act(staff, 'extend', user, { params: { days: 3_650 } }), 'validation_failed');
  expect((await act(staff, 'extend', user, { params: { until: iso(36_501) } })).body).toMatchObject({
    ...{ code: 'validation_failed', details: { fields: [{ path: 'params.until', code: 'too_big' }] } },
  });
  await ok(act(staff, 'extend', user, { params: { until: iso(36_499) } }));
});

test('what was arranged for afterwards moves along with an extension', async () => {
  const [user, staff] = [await subscriber(), await buildStaff()];
  await request(user, 'pro');
  await ok(act(staff, 'activate', user, { params: { until: iso(60) } }));
  await ok(act(staff, 'extend', user, { params: { days: 40 } }));
  expect((await me(user, dayOf(69))).subscription).toMatchObject({ plan: { code: 'basic' }, status: 'active' });
  expect((await me(user, dayOf(70))).subscription).toMatchObject({
    plan: { code: 'pro' },
    current_period_end: iso(100),
  });
});

test('changing the plan holds at once and keeps the period', async () => {
  const [user, pending, staff] = [await subscriber(), await subscriber({ status: 'pending' }), await buildStaff()];
  await request(user, 'premium');
  await ok(act(staff, 'change_plan', user, { params: { plan: 'pro' } }, dayOf(3)));
  expect(await me(user, dayOf(3))).toMatchObject({
    subscription: { plan: { code: 'pro' }, current_period_end: iso(30), next_plan: null },
    entitlements: { posts_per_month: 50 },
  });
  await refused(act(staff, 'change_plan', user, { params: { plan: 'pro' } }), 'already_subscribed');
  await ok(act(staff, 'change_plan', pending, { params: { plan: 'pro' } }));
  expect(await me(pending)).toMatchObject({ subscription: { plan: { code: 'pro' }, status: 'pending' } });
});

test('S-38: a subscription that staff end loses its rights at once, with an old token', async () => {
  const [dealer, staff] = [await buildDealer(app, { plan: 'basic' }), await buildStaff()];
  const create = () => app.post(dealer, '/api/b2b/posts/', postInput());
  expect((await create()).status).toBe(201);
  await ok(act(staff, 'cancel', dealer, reason, new Date()));
  expect(await create()).toMatchObject({
    status: 403,
    body: { code: 'subscription_required', details: { status: 'canceled' } },
  });
  expect((await app.get(dealer, '/api/billing/me/')).body).toMatchObject({
    subscription: { status: 'canceled' },
    blockers: ['subscription_required'],
  });
  expect(heard(dealer).at(-1)![0]).toBe('subscriptionCanceled');
});

test('S-38: a profile that is switched off blocks at once, and the plan is still there', async () => {
  const dealer = await buildDealer(app, { plan: 'pro' });
  await asStaff(app, ctx => enableProfile(ctx, { userId: dealer.id, isEnabled: false }));
  expect((await app.get(dealer, '/api/billing/me/')).body).toMatchObject({
    subscription: { status: 'active' },
    can_post: false,
    blockers: ['b2b_not_enabled'],
  });
});

test.each([
  ['activate', {}],
  ['extend', { days: 5 }],
  ['change_plan', { plan: 'pro' }],
  ['cancel', {}],
])('staff cannot %s what has ended, by a job or by its dates alone', async (action, params) => {
  const staff = await buildStaff();
  const [canceled, expired, overdue] = [
    await subscriber({ status: 'canceled' }),
    await subscriber({ status: 'expired' }),
    await subscriber(),
  ];
  for (const user of [canceled, expired, overdue])
    await refused(act(staff, action, user, { params, ...reason }, dayOf(40)), 'invalid_state');
  expect(await states(overdue)).toEqual(['active']);
  expect(heard(overdue)).toHaveLength(1);
});

test('what is pending is not extended', async () => {
  await refused(
    act(await buildStaff(), 'extend', await subscriber({ status: 'pending' }), { params: { days: 5 } }),
    'invalid_state',
  );
});

test.each([
  ['activate', { plan: 'gold' }, 'params.plan'],
  ['activate', { until: iso(-1) }, 'params.until'],
  ['activate', { until: 'tomorrow' }, 'params.until'],
  ['extend', {}, 'params.until'],
  ['extend', { days: 5, until: iso(40) }, 'params.until'],
  ['extend', { days: 0 }, 'params.days'],
  ['change_plan', {}, 'params.plan'],
  ['cancel', {}, 'reason'],
])('wrong terms are named and change nothing: %s %j', async (action, params, path) => {
  const [user, staff] = [await subscriber(), await buildStaff()];
  expect(await act(staff, action, user, { params })).toMatchObject({
    status: 400,
    body: { code: 'validation_failed', details: { fields: [{ path }] } },
  });
  expect(await auditOf(await newestId(user))).toEqual([]);
});

test('each subscription is answered by itself', async () => {
  const [staff, first, second] = [await buildStaff(), await app.buildUser(), await subscriber()];
  await request(first, 'pro');
  const ids = [randomUUID(), (await newestId(first)).toUpperCase(), await newestId(second)];
  const { body } = await app.post(staff, '/api/admin/subscriptions/actions/activate/', { ids });
  expect(body.results).toEqual(
    expect.arrayContaining([
      { id: ids[0], ok: false, code: 'not_found' },
      { id: ids[1]!.toLowerCase(), ok: true },
      { id: ids[2], ok: false, code: 'invalid_state' },
    ]),
  );
});

test('parallel activations of one request activate it once', async () => {
  const [user, staff] = [await app.buildUser(), await buildStaff()];
  await request(user, 'pro');
  const replies = await Promise.all(Array.from({ length: 10 }, () => act(staff, 'activate', user)));
  expect(replies.filter(({ body }) => body.results[0].ok)).toHaveLength(1);
  expect(replies.filter(({ body }) => body.results[0].code === 'invalid_state')).toHaveLength(9);
  expect(heard(user)).toHaveLength(1);
  expect(await auditOf(await newestId(user))).toHaveLength(1);
});

test('staff never activate another plan than the one they saw: a replaced request is gone', async () => {
  const [user, staff] = [await app.buildUser(), await buildStaff()];
  const { id } = (await request(user, 'basic')).body.subscription;
  await request(user, 'premium');
  const { body } = await app.post(staff, '/api/admin/subscriptions/actions/activate/', { ids: [id] });
  expect(body.results).toEqual([{ id, ok: false, code: 'invalid_state' }]);
});

test('billing and superusers act on subscriptions and plans, nobody else does', async () => {
  const [target, plan] = [await subscriber(), await buildPlan()];
  const tryBoth = async (who: TestUser) => [
    (await act(who, 'extend', target, { params: { days: 1 } })).body.code,
    (await actOnPlan(who, 'edit', plan.id, { sort_order: 100 })).body.code,
  ];
  for (const role of ['user', 'moderator', 'support', 'auditor'] as const)
    expect([role, await tryBoth(await buildStaff(role))]).toEqual([role, ['permission_denied', 'permission_denied']]);
  for (const role of ['billing', 'superuser'] as const)
    expect([role, await tryBoth(await buildStaff(role))]).toEqual([role, [undefined, undefined]]);
  expect(await tryBoth(target)).toEqual(['permission_denied', 'permission_denied']);
});

test('S-66: every act of staff leaves a row of the audit: who, what, before and after, why', async () => {
  const [user, staff] = [await app.buildUser(), await buildStaff()];
  await request(user, 'pro');
  await act(staff, 'activate', user, { params: { until: iso(30) }, reason: 'Paid by transfer' });
  await act(staff, 'cancel', user, reason, dayOf(1));
  await act(staff, 'cancel', user, reason, dayOf(1));
  expect(await auditOf(await newestId(user))).toMatchObject([
    {
      ...{ action: 'activate', resource: 'subscriptions', actor_id: staff.id, actor_role: 'billing' },
      before: { status: 'pending', current_period_end: null },
      after: { status: 'active', current_period_end: iso(30) },
      reason: 'Paid by transfer',
    },
    {
      action: 'cancel',
      before: { status: 'active', current_period_end: iso(30) },
      after: { status: 'canceled', current_period_end: iso(1) },
      reason: 'Not paid',
    },
  ]);
});
