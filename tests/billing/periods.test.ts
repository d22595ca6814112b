import { expect, test } from 'vitest';
import { reachUserByPhone } from '../../src/accounts/service/superusers.ts';
import { seedPlans } from '../../src/billing/service/plans.ts';
import { setSubscription } from '../../src/billing/service/subscriptions.ts';
import { logIn, newPhone } from '../support/accounts.ts';
import { type TestUser, useApp } from '../support/app.ts';
import { asStaff, buildDealer, postInput } from '../support/worlds.ts';
import { at, BEGIN, dayOf, iso, useBilling } from './world.ts';

const billing = useBilling();
const auto = useApp({ AUTO_PLAN: 'basic' });
const { app, me, request, cancel, act, subscriber, heard, states, newestId } = billing;
const move = (moment: Date) => app.jobs.run('move-subscriptions', moment);
const justBefore = (days: number) => new Date(dayOf(days).getTime() - 1);

interface Story {
  name: string;
  begin: () => Promise<TestUser>;
  /** What it is at a moment: state, plan, posts a month. */
  course: [moment: Date, state: string, plan: string, posts: number | null][];
}

const withNext = async (plan: string, until?: string): Promise<TestUser> => {
  const [user, staff] = [await subscriber({ plan: 'basic' }), await app.buildUser({ role: 'billing' })];
  await request(user, plan);
  if (until) await act(staff, 'activate', user, { params: { until } });
  return user;
};

const stories: Story[] = [
  {
    name: 'active, then the grace of three days, then over',
    begin: () => subscriber(),
    course: [
      [BEGIN, 'active', 'basic', 5],
      [justBefore(30), 'active', 'basic', 5],
      [dayOf(30), 'past_due', 'basic', 5],
      [justBefore(33), 'past_due', 'basic', 5],
      [dayOf(33), 'expired', 'basic', 0],
    ],
  },
  {
    name: 'a trial, then the grace, then over',
    begin: () => subscriber({ status: 'trialing', days: 14 }),
    course: [
      [justBefore(14), 'trialing', 'basic', 5],
      [dayOf(14), 'past_due', 'basic', 5],
      [dayOf(17), 'expired', 'basic', 0],
    ],
  },
  {
    name: 'canceled at its end, without a grace',
    begin: async () => {
      const user = await subscriber();
      await cancel(user);
      return user;
    },
    course: [
      [justBefore(30), 'active', 'basic', 5],
      [dayOf(30), 'canceled', 'basic', 0],
    ],
  },
  {
    name: 'the next plan that staff arranged takes over, and ends in its turn',
    begin: () => withNext('premium', iso(60)),
    course: [
      [justBefore(30), 'active', 'basic', 5],
      [dayOf(30), 'active', 'premium', null],
      [justBefore(60), 'active', 'premium', null],
      [dayOf(60), 'past_due', 'premium', null],
      [dayOf(63), 'expired', 'premium', 0],
    ],
  },
  {
    name: 'a next plan that nobody arranged gives nothing by itself',
    begin: () => withNext('premium'),
    course: [
      [dayOf(30), 'past_due', 'basic', 5],
      [dayOf(33), 'expired', 'basic', 0],
    ],
  },
  {
    name: 'in its grace, then over',
    begin: () => subscriber({ status: 'past_due' }),
    course: [
      [justBefore(3), 'past_due', 'basic', 5],
      [dayOf(3), 'expired', 'basic', 0],
    ],
  },
  {
    name: 'pending for ever',
    begin: () => subscriber({ status: 'pending' }),
    course: [[dayOf(300), 'pending', 'basic', 0]],
  },
  {
    name: 'expired for ever',
    begin: () => subscriber({ status: 'expired' }),
    course: [[dayOf(9), 'expired', 'basic', 0]],
  },
];

const seen = async (who: TestUser, moment: Date) => {
  const { subscription, entitlements } = await me(who, moment);
  return [subscription.status, subscription.plan.code, entitlements.posts_per_month];
};

test.each(stories)('by dates alone: $name', async ({ begin, course }) => {
  const user = await begin();
  for (const [moment, ...expected] of course) expect([moment, await seen(user, moment)]).toEqual([moment, expected]);
});

test.each(stories)(
  'a job at any of these moments changes nothing of what is seen: $name',
  async ({ begin, course }) => {
    const user = await begin();
    for (const [moment, ...expected] of course) {
      const before = await me(user, moment);
      await move(moment);
      expect(await me(user, moment)).toEqual(before);
      expect([moment, (await states(user)).at(-1)]).toEqual([moment, expected[0]]);
    }
  },
);

test('the grace is told while it lasts, and only then', async () => {
  const user = await subscriber();
  expect((await me(user, justBefore(30))).subscription.grace_until).toBeNull();
  expect((await me(user, dayOf(31))).subscription).toMatchObject({
    current_period_end: iso(30),
    grace_until: iso(33),
  });
  expect((await me(user, dayOf(34))).subscription.grace_until).toBeNull();
});

test('a job that was away for months says only what is true in the end', async () => {
  const user = await withNext('premium', iso(60));
  await move(dayOf(300));
  expect(await states(user)).toEqual(['expired']);
  expect(heard(user).slice(1)).toEqual([['subscriptionExpired', 'premium', iso(63)]]);
  await move(dayOf(301));
  expect(heard(user)).toHaveLength(2);
});

test('each move is told once, whoever makes it and however many jobs run', async () => {
  const user = await withNext('premium', iso(60));
  for (const moment of [justBefore(27), dayOf(30), dayOf(30), dayOf(61), dayOf(63), dayOf(64)])
    await Promise.all([move(moment), move(moment), move(moment)]);
  expect(heard(user)).toEqual([
    ['subscriptionActivated', 'basic', iso(30)],
    ['subscriptionActivated', 'premium', iso(60)],
    ['subscriptionExpired', 'premium', iso(63)],
  ]);
});

test('within three days of its end a user is warned, once a period', async () => {
  const [user, staff] = [await subscriber(), await app.buildUser({ role: 'billing' })];
  const warnings = () => heard(user).filter(([name]) => name === 'subscriptionExpiring');
  await move(justBefore(27));
  expect(warnings()).toEqual([]);
  await Promise.all([move(dayOf(27)), move(dayOf(27))]);
  await move(dayOf(29));
  expect(warnings()).toEqual([['subscriptionExpiring', 'basic', iso(30)]]);
  await act(staff, 'extend', user, { params: { days: 10 } }, dayOf(29));
  await move(dayOf(29));
  expect(warnings()).toHaveLength(1);
  await move(dayOf(38));
  expect(warnings().slice(1)).toEqual([['subscriptionExpiring', 'basic', iso(40)]]);
});

test('who has cancelled or arranged what follows is not warned; who is on trial is', async () => {
  const [canceled, arranged, pending] = [await subscriber(), await withNext('pro', iso(60)), await app.buildUser()];
  const trial = await subscriber({ status: 'trialing', days: 30 });
  await cancel(canceled);
  await request(pending, 'pro');
  await move(dayOf(28));
  const warned = (who: TestUser) => heard(who).some(([name]) => name === 'subscriptionExpiring');
  expect([canceled, arranged, pending, trial].map(warned)).toEqual([false, false, false, true]);
});

test('a job leaves alone what somebody is changing, and finds it the next minute', async () => {
  const user = await subscriber();
  const id = await newestId(user);
  await app.orm.em.fork().transactional(async em => {
    await em.execute('select 1 from subscriptions where id = ? for update', [id]);
    await move(dayOf(40));
  });
  expect(await states(user)).toEqual(['active']);
  await move(dayOf(40));
  expect(await states(user)).toEqual(['expired']);
});

test('more ends at a moment than one run writes is written by the next ones', async () => {
  const em = app.orm.em.fork();
  const users = await em.execute(
    `insert into users (id, phone, created_at) select gen_random_uuid(), '+99899' || (1000000 + n), now()
     from generate_series(1, 1500) n returning id`,
  );
  const ids = users.map(row => row['id']);
  await em.execute(
    `insert into subscriptions (id, user_id, plan_id, status, current_period_start, current_period_end, created_at, updated_at)
     select gen_random_uuid(), u, (select id from plans where code = 'pro'), 'active', ?, ?, now(), now()
     from unnest(string_to_array(?, ',')::uuid[]) u`,
    [dayOf(-400), dayOf(-370), ids.join(',')],
  );
  expect([await move(BEGIN), await move(BEGIN), await move(BEGIN)]).toMatchObject([
    { moved: 1000 },
    { moved: 500 },
    { moved: 0 },
  ]);
});

test('S-45: the month of Tashkent decides what is used and when it is given anew', async () => {
  const dealer = await buildDealer(app, { plan: null });
  const plan = { userId: dealer.id, planCode: 'basic', status: 'active' as const, days: 90 };
  await asStaff(app, ctx => setSubscription(ctx, plan), BEGIN);
  const post = (moment: Date) => app.post(app.tokenOf(dealer, moment), '/api/b2b/posts/', postInput(), at(moment));
  const last = new Date('2025-11-30T18:59:59.999Z');
  const first = new Date('2025-11-30T19:00:00.000Z');
  for (let n = 0; n < 5; n += 1) expect((await post(last)).status).toBe(201);
  expect(await me(dealer, last)).toMatchObject({
    usage: {
      ...{ period: '2025-11', timezone: 'Asia/Tashkent', posts_used: 5, posts_limit: 5, posts_remaining: 0 },
      resets_at: '2025-11-30T19:00:00.000Z',
    },
    can_post: false,
    blockers: ['post_limit_reached'],
  });
  expect(await post(last)).toMatchObject({ status: 403, body: { code: 'post_limit_reached' } });
  expect(await me(dealer, first)).toMatchObject({
    usage: { period: '2025-12', posts_used: 0, posts_remaining: 5, resets_at: '2025-12-31T19:00:00.000Z' },
    can_post: true,
    blockers: [],
  });
  expect(await me(dealer, new Date('2025-12-31T19:00:00.000Z'))).toMatchObject({
    usage: { period: '2026-01', resets_at: '2026-01-31T19:00:00.000Z' },
  });
});

test('all blockers are told, in their order', async () => {
  const dealer = await buildDealer(app, { plan: null, isEnabled: false });
  expect((await me(dealer)).blockers).toEqual(['b2b_not_enabled', 'subscription_required']);
  await asStaff(
    app,
    ctx => setSubscription(ctx, { userId: dealer.id, planCode: 'basic', status: 'active', days: 30 }),
    BEGIN,
  );
  await app.orm.em
    .fork()
    .execute('insert into monthly_usage (user_id, period, used) values (?, ?, 5)', [dealer.id, '2025-11']);
  expect((await me(dealer)).blockers).toEqual(['b2b_not_enabled', 'post_limit_reached']);
});

test('AUTO_PLAN gives new users a plan, refuses nobody where it does not exist, and replaces no choice', async () => {
  const planOf = async (access: string) =>
    (await auto.get(null, '/api/billing/me/', { authorization: `Bearer ${access}` })).body.subscription;
  const early = await logIn(auto);
  expect([early.status, await planOf(early.body.access)]).toEqual([200, null]);
  await asStaff(auto, seedPlans);
  const newcomer = await logIn(auto);
  expect(await planOf(newcomer.body.access)).toMatchObject({ plan: { code: 'basic' }, status: 'active' });
  const phone = newPhone();
  await asStaff(auto, async ctx => {
    const { id } = await reachUserByPhone(ctx, phone);
    await setSubscription(ctx, { userId: id, planCode: 'pro', status: 'active', days: 30 });
  });
  expect(await planOf((await logIn(auto, phone)).body.access)).toMatchObject({ plan: { code: 'pro' } });
});
