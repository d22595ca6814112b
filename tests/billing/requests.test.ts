import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { askWhileDeleted } from '../support/deleting.ts';
import { postInput } from '../support/worlds.ts';
import { BEGIN, dayOf, iso, useBilling } from './world.ts';

const billing = useBilling();
const { app, me, request, cancel, act, subscriber, buildPlan, states, heard } = billing;
const ended = ['expired', 'canceled'];
const notEndedOf = async (who: Parameters<typeof states>[0]) =>
  (await states(who)).filter(state => !ended.includes(state));

test('who asks for a plan waits for staff and has no rights yet', async () => {
  const user = await app.buildUser();
  expect(await request(user, 'pro')).toMatchObject({
    status: 201,
    body: {
      subscription: {
        id: expect.any(String),
        plan: { code: 'pro', name: 'Pro' },
        status: 'pending',
        ...{ current_period_start: null, current_period_end: null, trial_end: null, grace_until: null },
        ...{ cancel_at_period_end: false, next_plan: null },
      },
    },
  });
  expect(await me(user)).toMatchObject({
    subscription: { status: 'pending' },
    entitlements: {
      posts_per_month: 0,
      max_images_per_post: 0,
      saved_searches: 1,
      contact_reveals_per_day: 3,
    },
    can_post: false,
    blockers: ['b2b_not_enabled', 'subscription_required'],
  });
  expect(heard(user)).toEqual([]);
});

test('S-49: price, period and status in the body of a user are not applied', async () => {
  const user = await app.buildUser();
  const wished = {
    ...{ status: 'active', price: '0.00', current_period_start: iso(0), current_period_end: iso(999), days: 999 },
    ...{ trial_end: iso(30), until: iso(999), user_id: randomUUID(), id: randomUUID(), next_plan: 'premium' },
  };
  const reply = await request(user, 'basic', BEGIN, wished);
  expect(reply).toMatchObject({
    status: 201,
    body: { subscription: { status: 'pending', current_period_end: null, trial_end: null, next_plan: null } },
  });
  expect(reply.body.subscription.id).not.toBe(wished.id);
  expect(await app.post(user, '/api/b2b/posts/', postInput())).toMatchObject({ status: 403 });
  expect((await cancel(user, { at_period_end: false, status: 'active' })).body.subscription.status).toBe('canceled');
});

test('S-49: no action of a user makes any plan active, and no user does what staff do', async () => {
  const user = await subscriber({ plan: 'basic' });
  await request(user, 'premium');
  await request(user, 'pro');
  expect(await me(user, dayOf(30))).toMatchObject({ subscription: { plan: { code: 'basic' }, status: 'past_due' } });
  expect(await me(user, dayOf(33))).toMatchObject({ subscription: { plan: { code: 'basic' }, status: 'expired' } });
  expect(await request(user, 'premium', dayOf(33))).toMatchObject({ status: 201 });
  for (const days of [0, 30, 200])
    expect(await me(user, dayOf(33 + days))).toMatchObject({
      subscription: { plan: { code: 'premium' }, status: 'pending' },
      can_post: false,
    });
  expect(await act(user, 'activate', user)).toMatchObject({ status: 403, body: { code: 'permission_denied' } });
});

test('a plan that is unknown, off the list or misspelt is not found', async () => {
  const [user, old] = [await app.buildUser(), await buildPlan({ isActive: false })];
  for (const plan of ['gold', old.code, 'PRO', "' or 1=1 --"])
    expect([plan, await request(user, plan)]).toMatchObject([plan, { status: 404, body: { code: 'not_found' } }]);
  expect(await states(user)).toEqual([]);
});

test.each([{ plan: 5 }, { plan: '' }, { plan: 'p\u0000' }, { plan: 'basic', provider: 'stripe' }, {}])(
  'a wrong request is named: %j',
  async body => {
    const key = { 'idempotency-key': randomUUID() };
    const reply = await app.post(await app.buildUser(), '/api/billing/subscriptions/', body, key);
    expect(reply).toMatchObject({ status: 400, body: { code: 'validation_failed' } });
  },
);

test('a request needs an Idempotency-Key, and a retry with it is answered with the stored answer', async () => {
  const [user, path, body] = [await app.buildUser(), '/api/billing/subscriptions/', { plan: 'pro' }];
  expect(await app.post(user, path, body)).toMatchObject({ status: 400, body: { code: 'idempotency_key_required' } });
  const key = { 'idempotency-key': randomUUID() };
  const [first, again] = [await app.post(user, path, body, key), await app.post(user, path, body, key)];
  expect([first.status, again.status, again.headers.get('idempotent-replayed')]).toEqual([201, 201, 'true']);
  expect(again.body).toEqual(first.body);
  expect(await states(user)).toEqual(['pending']);
});

test('a pending request for the same plan is already there; for another plan a new one takes its place', async () => {
  const user = await app.buildUser();
  const first = (await request(user, 'basic')).body.subscription;
  expect(await request(user, 'basic')).toMatchObject({ status: 409, body: { code: 'already_subscribed' } });
  const second = await request(user, 'pro');
  expect(second).toMatchObject({ status: 201, body: { subscription: { status: 'pending', plan: { code: 'pro' } } } });
  expect(second.body.subscription.id).not.toBe(first.id);
  expect(await states(user)).toEqual(['canceled', 'pending']);
});

test.each(['trialing', 'active', 'past_due'] as const)(
  'while %s another plan becomes the next one, and the same is already there',
  async status => {
    const user = await subscriber({ status });
    expect(await request(user, 'basic')).toMatchObject({ status: 409, body: { code: 'already_subscribed' } });
    const { status: answered, body } = await request(user, 'pro');
    const next = { next_plan: { code: 'pro', name: 'Pro' } };
    expect([answered, body.subscription]).toMatchObject([200, { status, plan: { code: 'basic' }, ...next }]);
    expect(await request(user, 'pro')).toMatchObject({ status: 200, body: { subscription: next } });
    expect((await request(user, 'premium')).body.subscription.next_plan.code).toBe('premium');
    expect(await me(user)).toMatchObject({ subscription: { status }, entitlements: { posts_per_month: 5 } });
    expect(await states(user)).toEqual([status]);
  },
);

test('asking for the running plan takes back another choice or a cancellation', async () => {
  const user = await subscriber();
  await request(user, 'pro');
  expect(await request(user, 'basic')).toMatchObject({ status: 200, body: { subscription: { next_plan: null } } });
  await cancel(user);
  const back = await request(user, 'basic');
  expect(back).toMatchObject({
    status: 200,
    body: { subscription: { cancel_at_period_end: false, status: 'active' } },
  });
  await cancel(user);
  const other = await request(user, 'pro');
  expect(other.body.subscription).toMatchObject({ cancel_at_period_end: false, next_plan: { code: 'pro' } });
  expect(await request(user, 'basic')).toMatchObject({ status: 200 });
  expect(await request(user, 'basic')).toMatchObject({ status: 409, body: { code: 'already_subscribed' } });
});

test.each(['expired', 'canceled'] as const)(
  'after it is %s a new one is asked for, the same plan too',
  async status => {
    const user = await subscriber({ status });
    expect(await me(user)).toMatchObject({
      subscription: { status },
      blockers: expect.arrayContaining(['subscription_required']),
    });
    expect(await request(user, 'basic')).toMatchObject({ status: 201, body: { subscription: { status: 'pending' } } });
    expect(await states(user)).toEqual([status, 'pending']);
  },
);

test('one that is over by its dates makes way although no job has run', async () => {
  const user = await subscriber();
  expect(await request(user, 'basic', dayOf(33))).toMatchObject({ status: 201 });
  expect(await states(user)).toEqual(['expired', 'pending']);
  expect(heard(user)).toEqual([
    ['subscriptionActivated', 'basic', iso(30)],
    ['subscriptionExpired', 'basic', iso(33)],
  ]);
});

test('twenty parallel requests for a plan begin one subscription, and the others hear why not', async () => {
  const user = await app.buildUser();
  const replies = await Promise.all(Array.from({ length: 20 }, () => request(user, 'pro')));
  expect(replies.filter(({ status }) => status === 201)).toHaveLength(1);
  for (const { status, body } of replies.filter(({ status }) => status !== 201))
    expect([status, body.code]).toEqual([409, 'already_subscribed']);
  expect(await states(user)).toEqual(['pending']);
});

test('parallel requests, cancellations and activations leave one subscription and never an internal error', async () => {
  const [user, staff] = [await app.buildUser(), await app.buildUser({ role: 'billing' })];
  await request(user, 'basic');
  const replies = await Promise.all(
    Array.from({ length: 8 }, (_, n) => [
      request(user, ['basic', 'pro', 'premium'][n % 3]!),
      cancel(user, { at_period_end: n % 2 === 0 }),
      act(staff, 'activate', user),
      act(staff, 'change_plan', user, { params: { plan: 'pro' } }),
      app.jobs.run('move-subscriptions', dayOf(n * 10)).then(() => ({ status: 200 })),
    ]).flat(),
  );
  expect(replies.filter(({ status }) => ![200, 201, 409].includes(status))).toEqual([]);
  expect((await notEndedOf(user)).length).toBeLessThanOrEqual(1);
});

test('cancelling ends at the end of the period by default; the rights last until then', async () => {
  const user = await subscriber();
  await request(user, 'pro');
  expect(await cancel(user, {}, dayOf(1))).toMatchObject({
    status: 200,
    body: {
      subscription: { status: 'active', cancel_at_period_end: true, next_plan: null, current_period_end: iso(30) },
    },
  });
  expect((await cancel(user, {}, dayOf(2))).status).toBe(200);
  expect(await me(user, new Date(dayOf(30).getTime() - 1))).toMatchObject({
    subscription: { status: 'active' },
    entitlements: { posts_per_month: 5 },
  });
  expect(await me(user, dayOf(30))).toMatchObject({
    subscription: { status: 'canceled', grace_until: null },
    entitlements: { posts_per_month: 0 },
  });
  const canceled = ['subscriptionCanceled', 'basic', iso(30)];
  expect(heard(user).slice(1)).toEqual([canceled]);
  await app.jobs.run('move-subscriptions', dayOf(30));
  expect(heard(user).slice(1)).toEqual([canceled, canceled]);
});

test.each(['pending', 'trialing', 'active', 'past_due'] as const)(
  'cancelling at once ends what is %s with its rights',
  async status => {
    const user = await subscriber({ status });
    const reply = await cancel(user, { at_period_end: false }, dayOf(1));
    expect(reply).toMatchObject({ status: 200, body: { subscription: { status: 'canceled' } } });
    expect(await me(user, dayOf(1))).toMatchObject({ can_post: false, entitlements: { posts_per_month: 0 } });
    expect(heard(user).at(-1)).toEqual(['subscriptionCanceled', 'basic', iso(1)]);
    expect(await cancel(user, {}, dayOf(1))).toMatchObject({
      status: 409,
      body: { code: 'invalid_state', details: { state: 'canceled' } },
    });
  },
);

test('a trial that is cancelled at once is over, and stays known', async () => {
  const user = await subscriber({ status: 'trialing' });
  const { body } = await cancel(user, { at_period_end: false }, dayOf(1));
  expect(body.subscription).toMatchObject({ trial_end: iso(1), current_period_end: iso(1) });
});

test.each(['pending', 'past_due'] as const)(
  'one that is %s ends at once also when its end was asked for',
  async status => {
    const user = await subscriber({ status });
    expect((await cancel(user)).body.subscription.status).toBe('canceled');
  },
);

test('there is nothing to cancel without a subscription or after it', async () => {
  const [user, late, expired] = [await app.buildUser(), await subscriber(), await subscriber({ status: 'expired' })];
  for (const [who, state, moment] of [
    [user, 'none', BEGIN],
    [expired, 'expired', BEGIN],
    [late, 'expired', dayOf(33)],
  ] as const)
    expect(await cancel(who, {}, moment)).toMatchObject({
      status: 409,
      body: { code: 'invalid_state', details: { state } },
    });
  expect(await cancel(late, { at_period_end: 'maybe' })).toMatchObject({ status: 400 });
});

test('nobody but its user sees or changes a subscription', async () => {
  const [user, other] = [await subscriber({ plan: 'pro' }), await app.buildUser()];
  expect((await me(other)).subscription).toBeNull();
  expect((await cancel(other)).status).toBe(409);
  for (const path of ['subscriptions/', 'cancel/'])
    expect(await app.post(null, `/api/billing/${path}`, { plan: 'pro' })).toMatchObject({ status: 401 });
  expect((await me(user)).subscription.status).toBe('active');
});

test('a deleted account leaves no request behind', async () => {
  const user = await app.buildUser();
  await request(user, 'pro');
  expect((await app.delete(user, '/api/auth/me/', { confirm: 'DELETE' })).status).toBe(202);
  expect([await states(user), heard(user)]).toEqual([['canceled'], []]);
});

test('whoever asks for a plan while their account is being deleted leaves no request behind either', async () => {
  const user = await app.buildUser();
  const path = '/api/billing/subscriptions/';
  const key = { 'idempotency-key': randomUUID() };
  const asked = await askWhileDeleted(app, user, () => app.post(user, path, { plan: 'pro' }, key));
  expect([asked.status, asked.body.code]).toEqual([401, 'session_revoked']);
  expect(await states(user)).toEqual([]);
});
