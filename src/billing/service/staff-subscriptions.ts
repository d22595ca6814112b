import { audit } from '../../accounts/service/audit.ts';
import { actOnEach, ensureReason, ensureStaff } from '../../accounts/service/staff-actions.ts';
import type { Context } from '../../common/context.ts';
import { AppError } from '../../common/errors.ts';
import type { Input, Output } from '../../common/operations.ts';
import { daysAfter } from '../../common/time.ts';
import type { operations } from '../contract.ts';
import { Plan, Subscription } from '../entities.ts';
import { monthAfter } from './months.ts';
import { type News, notEnded } from './standing.ts';
import {
  announce,
  endNow,
  endTrial,
  lockSubscription,
  MOST_DAYS,
  moveTo,
  presentSubscription,
  settle,
} from './subscriptions.ts';

type ActOnSubscriptions = Input<typeof operations.actOnSubscriptions>;

/** What staff say beside the action. */
interface Terms {
  plan: Plan | null;
  until: Date | null;
  days: number | null;
}

/**
 * Does one thing to up to 200 subscriptions; each is answered by itself, each leaves an audit row. Nothing else makes a
 * subscription active. Throws permission_denied, validation_failed; answers not_found, invalid_state, already_subscribed.
 */
export async function actOnSubscriptions(
  ctx: Context,
  input: ActOnSubscriptions,
): Promise<Output<typeof operations.actOnSubscriptions>> {
  ensureStaff(ctx.actor, ['billing']);
  if (input.action === 'cancel') ensureReason(input.reason);
  const terms = await readTerms(ctx, input);
  return actOnEach(ctx, input.ids, id => actOn(ctx, id, input, terms));
}

async function readTerms({ em, now }: Context, { action, params }: ActOnSubscriptions): Promise<Terms> {
  const plan = params.plan === undefined ? null : await em.findOne(Plan, { code: params.plan });
  if (params.plan !== undefined && !plan) throw wrong('plan', 'not_found');
  const until = params.until === undefined ? null : new Date(params.until);
  if (until && until <= now) throw wrong('until', 'too_small');
  if (until) ensureNear(now, 'until', until);
  if (action === 'change_plan' && !plan) throw wrong('plan', 'required');
  if (action === 'extend' && !until === (params.days === undefined)) throw wrong('until', 'required');
  return { plan, until, days: params.days ?? null };
}

/** A period ends while somebody may live to see it, not beyond what a date can say. */
function ensureNear(now: Date, param: 'until' | 'days', end: Date): void {
  if (end > daysAfter(now, MOST_DAYS)) throw wrong(param, 'too_big');
}

function wrong(param: keyof Terms, code: string): AppError {
  return new AppError('validation_failed', { fields: [{ path: `params.${param}`, code }] });
}

async function actOn(ctx: Context, id: string, { action, reason }: ActOnSubscriptions, terms: Terms): Promise<void> {
  const subscription = await reachSubscription(ctx, id);
  const before = await auditView(ctx, subscription);
  const missed = settle(ctx, subscription);
  if (!notEnded.includes(subscription.status)) throw new AppError('invalid_state', { state: subscription.status });
  const news = await actions[action](ctx, subscription, terms);
  subscription.updatedAt = ctx.now;
  const after = await auditView(ctx, subscription);
  audit(ctx, { action, resource: 'subscriptions', objectId: subscription.id, before, after, reason });
  await ctx.em.flush();
  await announce(ctx, [{ subscription, news: news ?? missed }]);
}

/** Throws not_found, invalid_state (it has ended). */
async function reachSubscription(ctx: Context, id: string): Promise<Subscription> {
  const found = await ctx.em.findOne(Subscription, { id });
  if (!found) throw new AppError('not_found');
  const present = await lockSubscription(ctx, found.user);
  if (present?.id !== found.id) throw new AppError('invalid_state', { state: found.status });
  return present;
}

async function auditView(ctx: Context, subscription: Subscription): Promise<Record<string, unknown>> {
  const { id: _, ...view } = await presentSubscription(ctx, subscription);
  return { ...view, next_period_end: subscription.nextPeriodEnd?.toISOString() ?? null };
}

type Action = (ctx: Context, subscription: Subscription, terms: Terms) => Promise<News | null>;

const actions: Record<ActOnSubscriptions['action'], Action> = {
  async activate(ctx, subscription, terms) {
    if (subscription.status === 'active') return arrangeNext(ctx, subscription, terms);
    const plan = terms.plan ?? (await ctx.em.findOneOrFail(Plan, { id: subscription.nextPlan ?? subscription.plan }));
    const trialEnd = terms.until ? null : await trialEndOf(ctx, subscription, plan);
    endTrial(subscription, ctx.now);
    moveTo(ctx, subscription, trialEnd ? 'trialing' : 'active');
    Object.assign(subscription, {
      ...{ plan: plan.id, cancelAtPeriodEnd: false },
      currentPeriodStart: ctx.now,
      currentPeriodEnd: terms.until ?? trialEnd ?? monthAfter(ctx.now, ctx.config.BILLING_TZ),
      ...(trialEnd && { trialEnd }),
      ...{ nextPlan: null, nextPeriodEnd: null },
    });
    return 'subscriptionActivated';
  },
  async extend(ctx, subscription, { until, days }) {
    const { status, currentPeriodEnd: end, nextPeriodEnd } = subscription;
    if (!end) throw new AppError('invalid_state', { state: status });
    const later = until ?? daysAfter(end, days!);
    if (later <= end || later <= ctx.now) throw wrong('until', 'too_small');
    ensureNear(ctx.now, 'days', later);
    if (status === 'past_due') moveTo(ctx, subscription, 'active');
    Object.assign(subscription, {
      ...{ currentPeriodEnd: later, cancelAtPeriodEnd: false },
      ...(status === 'trialing' && { trialEnd: later }),
      ...(nextPeriodEnd && { nextPeriodEnd: new Date(nextPeriodEnd.getTime() + later.getTime() - end.getTime()) }),
    });
    return 'subscriptionActivated';
  },
  async change_plan(_ctx, subscription, { plan }) {
    const { status } = subscription;
    if (plan!.id === subscription.plan) throw new AppError('already_subscribed');
    Object.assign(subscription, { plan: plan!.id, nextPlan: null, nextPeriodEnd: null });
    return status === 'trialing' || status === 'active' ? 'subscriptionActivated' : null;
  },
  async cancel(ctx, subscription) {
    endNow(ctx, subscription);
    return 'subscriptionCanceled';
  },
};

/** What runs goes on to its end; then the next plan takes over by itself. */
async function arrangeNext({ config }: Context, subscription: Subscription, terms: Terms): Promise<null> {
  const { status, nextPlan, currentPeriodEnd } = subscription;
  if (!nextPlan || !currentPeriodEnd) throw new AppError('invalid_state', { state: status });
  const nextPeriodEnd = terms.until ?? monthAfter(currentPeriodEnd, config.BILLING_TZ);
  if (nextPeriodEnd <= currentPeriodEnd) throw wrong('until', 'too_small');
  Object.assign(subscription, { nextPlan: terms.plan?.id ?? nextPlan, nextPeriodEnd });
  return null;
}

/** A plan is tried once: whoever had a trial before pays. */
async function trialEndOf({ em, now }: Context, subscription: Subscription, plan: Plan): Promise<Date | null> {
  if (plan.trialDays === 0 || subscription.status !== 'pending') return null;
  const hadOne = await em.count(Subscription, { user: subscription.user, trialEnd: { $ne: null } });
  return hadOne ? null : daysAfter(now, plan.trialDays);
}
