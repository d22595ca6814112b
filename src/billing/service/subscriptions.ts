import type { Actor, Context } from '../../common/context.ts';
import { AppError } from '../../common/errors.ts';
import { newId } from '../../common/ids.ts';
import { facts, type Subscription as SubscriptionView } from '../contract.ts';
import { type Entitlements, Plan, Subscription, type SubscriptionStatus } from '../entities.ts';

type Scope = Pick<Context<Actor | null>, 'em' | 'now' | 'config'>;

const DAY_MS = 86_400_000;
export const notEnded: SubscriptionStatus[] = ['pending', 'trialing', 'active', 'past_due'];

export interface Subscribed {
  subscription: Subscription;
  plan: Plan;
  status: SubscriptionStatus;
  /** What the plan allows at this moment; null while it allows nothing. */
  entitlements: Entitlements | null;
}

/** The user's subscription that has not ended, with its state by dates: a job may be late, rights are not. */
export async function subscriptionOf(scope: Scope, userId: string): Promise<Subscribed | null> {
  const subscription = await scope.em.findOne(Subscription, { user: userId, status: { $in: notEnded } });
  if (!subscription) return null;
  const plan = await scope.em.findOneOrFail(Plan, { id: subscription.plan });
  const status = statusByDates(subscription, scope);
  const isEntitled = status === 'trialing' || status === 'active' || status === 'past_due';
  return { subscription, plan, status, entitlements: isEntitled ? plan.entitlements : null };
}

function statusByDates({ status, currentPeriodEnd }: Subscription, { now, config }: Scope): SubscriptionStatus {
  if (!currentPeriodEnd || status === 'pending' || now < currentPeriodEnd) return status;
  return now < graceEnd(currentPeriodEnd, config.GRACE_DAYS) ? 'past_due' : 'expired';
}

function graceEnd(periodEnd: Date, graceDays: number): Date {
  return new Date(periodEnd.getTime() + graceDays * DAY_MS);
}

export async function presentSubscription(
  scope: Scope,
  { subscription, plan, status }: Subscribed,
): Promise<SubscriptionView> {
  const next = subscription.nextPlan ? await scope.em.findOneOrFail(Plan, { id: subscription.nextPlan }) : null;
  const { currentPeriodStart, currentPeriodEnd, trialEnd } = subscription;
  const graceUntil =
    status === 'past_due' && currentPeriodEnd ? graceEnd(currentPeriodEnd, scope.config.GRACE_DAYS) : null;
  return {
    id: subscription.id,
    plan: { code: plan.code, name: plan.name },
    status,
    current_period_start: currentPeriodStart?.toISOString() ?? null,
    current_period_end: currentPeriodEnd?.toISOString() ?? null,
    trial_end: trialEnd?.toISOString() ?? null,
    grace_until: graceUntil?.toISOString() ?? null,
    cancel_at_period_end: subscription.cancelAtPeriodEnd,
    next_plan: next && { code: next.code, name: next.name },
  };
}

export interface NewSubscription {
  userId: string;
  planCode: string;
  status: SubscriptionStatus;
  days: number;
}

/** Ends the user's present subscription and begins another; for staff. Throws not_found for an unknown plan. */
export async function setSubscription(
  ctx: Scope & Pick<Context, 'emit'>,
  { userId, planCode, status, days }: NewSubscription,
): Promise<SubscriptionView> {
  const { em, now } = ctx;
  const plan = await em.findOne(Plan, { code: planCode });
  if (!plan) throw new AppError('not_found');
  await em.nativeUpdate(
    Subscription,
    { user: userId, status: { $in: notEnded } },
    { status: 'canceled', updatedAt: now },
  );
  const until = new Date(now.getTime() + days * DAY_MS);
  const subscription = em.create(Subscription, {
    ...{ id: newId(), user: userId, plan: plan.id, status, createdAt: now, updatedAt: now },
    ...(status !== 'pending' && { currentPeriodStart: now, currentPeriodEnd: until }),
    ...(status === 'trialing' && { trialEnd: until }),
  });
  await em.persist(subscription).flush();
  if (status === 'active')
    ctx.emit(facts.subscriptionActivated, { userId, planCode, planName: plan.name, until: until.toISOString() });
  return presentSubscription(ctx, { subscription, plan, status, entitlements: plan.entitlements });
}
