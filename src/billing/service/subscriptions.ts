import { LockMode } from '@mikro-orm/core';
import { sql } from 'kysely';
import type { Actor, Context } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { AppError } from '../../common/errors.ts';
import { newId } from '../../common/ids.ts';
import { daysAfter } from '../../common/time.ts';
import { facts, type Subscription as SubscriptionView } from '../contract.ts';
import { type Entitlements, Plan, Subscription, type SubscriptionStatus } from '../entities.ts';
import { type Clock, graceEnd, type News, notEnded, running, type Standing, standingAt } from './standing.ts';

/** How far off the end of a period may lie. */
export const MOST_DAYS = 36_500;

type Scope = Pick<Context<Actor | null>, 'em' | 'now' | 'config'>;
export type Writing = Scope & Pick<Context, 'emit'>;

export interface Subscribed {
  subscription: Standing;
  plan: Plan;
  status: SubscriptionStatus;
  /** What the plan allows at this moment; null while it allows nothing. */
  entitlements: Entitlements | null;
}

/** The user's subscription, or else the last one that ended, with its state by dates. */
export async function subscriptionOf(scope: Scope, userId: string): Promise<Subscribed | null> {
  const written =
    (await scope.em.findOne(Subscription, { user: userId, status: { $in: notEnded } })) ??
    (await scope.em.findOne(Subscription, { user: userId }, { orderBy: { id: 'desc' } }));
  if (!written) return null;
  const { standing } = standingAt(written, scope);
  const plan = await scope.em.findOneOrFail(Plan, { id: standing.plan });
  const entitlements = running.includes(standing.status) ? plan.entitlements : null;
  return { subscription: standing, plan, status: standing.status, entitlements };
}

/** What the user's running plan allows. Throws subscription_required. */
export async function ensureSubscribed(
  scope: Scope,
  userId: string,
): Promise<{ plan: Plan; entitlements: Entitlements }> {
  const subscribed = await subscriptionOf(scope, userId);
  if (!subscribed?.entitlements) throw new AppError('subscription_required', { status: subscribed?.status ?? 'none' });
  return { plan: subscribed.plan, entitlements: subscribed.entitlements };
}

export async function presentSubscription(scope: Scope, standing: Standing): Promise<SubscriptionView> {
  const { status, currentPeriodStart, currentPeriodEnd, trialEnd } = standing;
  const graceUntil = status === 'past_due' && currentPeriodEnd ? graceEnd(currentPeriodEnd, scope) : null;
  return {
    id: standing.id,
    plan: await presentPlanName(scope, standing.plan),
    status,
    current_period_start: currentPeriodStart?.toISOString() ?? null,
    current_period_end: currentPeriodEnd?.toISOString() ?? null,
    trial_end: trialEnd?.toISOString() ?? null,
    grace_until: graceUntil?.toISOString() ?? null,
    cancel_at_period_end: standing.cancelAtPeriodEnd,
    next_plan: standing.nextPlan ? await presentPlanName(scope, standing.nextPlan) : null,
  };
}

async function presentPlanName({ em }: Scope, id: string): Promise<{ code: string; name: string }> {
  const { code, name } = await em.findOneOrFail(Plan, { id });
  return { code, name };
}

/**
 * The user's subscription that has not ended, as it was written. Until the commit nobody else begins or changes one: the
 * lock is the user's row, because there may be no other yet.
 */
export async function lockSubscription({ em }: Pick<Scope, 'em'>, userId: string): Promise<Subscription | null> {
  await rows(em, sql`select 1 from users where id = ${userId} for no key update`);
  const lock = { lockMode: LockMode.PESSIMISTIC_WRITE, refresh: true } as const;
  return em.findOne(Subscription, { user: userId, status: { $in: notEnded } }, lock);
}

type Moving = Pick<Writing, 'emit' | 'now'>;

/** Every change of a status is made here. */
export function moveTo({ emit, now }: Moving, subscription: Subscription, status: SubscriptionStatus): void {
  const { status: from } = subscription;
  if (from !== status) emit(facts.subscriptionMoved, { from, to: status });
  Object.assign(subscription, { status, updatedAt: now });
}

/** Writes what time has made of it, and returns what its user should hear of that. */
export function settle(ctx: Writing, subscription: Subscription): News | null {
  const { standing, hasMoved, news } = standingAt(subscription, ctx);
  if (!hasMoved) return null;
  moveTo(ctx, subscription, standing.status);
  Object.assign(subscription, standing);
  return news;
}

/** Ends it now, with the rights that it gave. */
export function endNow(ctx: Moving, subscription: Subscription): void {
  const { now } = ctx;
  const { currentPeriodEnd: end } = subscription;
  endTrial(subscription, now);
  moveTo(ctx, subscription, 'canceled');
  Object.assign(subscription, { nextPlan: null, nextPeriodEnd: null });
  if (end && now < end) subscription.currentPeriodEnd = now;
}

/** A trial that ends before its time; that there was one stays known. */
export function endTrial(subscription: Subscription, now: Date): void {
  if (subscription.trialEnd && now < subscription.trialEnd) subscription.trialEnd = now;
}

/** Tells what has become of subscriptions; after all that may refuse. */
export async function announce(
  ctx: Writing,
  told: readonly { subscription: Subscription; news: News | null }[],
): Promise<void> {
  if (told.every(({ news }) => !news)) return;
  const plans = await ctx.em.find(Plan, { id: { $in: [...new Set(told.map(one => one.subscription.plan))] } });
  const byId = new Map(plans.map(plan => [plan.id, plan]));
  for (const { subscription, news } of told) {
    if (!news) continue;
    const { code, name } = byId.get(subscription.plan)!;
    const until = rightsEnd(subscription, ctx).toISOString();
    ctx.emit(facts[news], { userId: subscription.user, planCode: code, planName: name, until });
  }
}

function rightsEnd({ status, currentPeriodEnd, cancelAtPeriodEnd }: Subscription, clock: Clock): Date {
  // One that was ended in its grace had its rights until then.
  if (!currentPeriodEnd || (status === 'canceled' && !cancelAtPeriodEnd)) return clock.now;
  return status === 'expired' ? graceEnd(currentPeriodEnd, clock) : currentPeriodEnd;
}

export interface NewSubscription {
  userId: string;
  planCode: string;
  status: SubscriptionStatus;
  days: number;
}

/** Ends the user's present subscription and begins another in any state; for operators. Throws not_found for an unknown plan. */
export async function setSubscription(
  ctx: Writing,
  { userId, planCode, status, days }: NewSubscription,
): Promise<SubscriptionView> {
  const { em } = ctx;
  const plan = await em.findOne(Plan, { code: planCode });
  if (!plan) throw new AppError('not_found', { plan: planCode });
  const present = await lockSubscription(ctx, userId);
  if (present) {
    endNow(ctx, present);
    await em.flush();
  }
  const subscription = await beginSubscription(ctx, {
    userId,
    planId: plan.id,
    status,
    ...periodOf(ctx, status, days),
  });
  const isUsable = status === 'trialing' || status === 'active';
  await announce(ctx, [{ subscription, news: isUsable ? 'subscriptionActivated' : null }]);
  return presentSubscription(ctx, subscription);
}

interface Period {
  currentPeriodStart?: Date;
  currentPeriodEnd?: Date;
  trialEnd?: Date;
}

function periodOf(clock: Clock, status: SubscriptionStatus, days: number): Period {
  if (status === 'pending') return {};
  const daysLeft = { trialing: days, active: days, past_due: 0, canceled: 0, expired: -clock.config.GRACE_DAYS };
  const currentPeriodEnd = daysAfter(clock.now, daysLeft[status]);
  const period = { currentPeriodStart: daysAfter(currentPeriodEnd, -days), currentPeriodEnd };
  return status === 'trialing' ? { ...period, trialEnd: currentPeriodEnd } : period;
}

type Beginning = Period & { userId: string; planId: string; status: SubscriptionStatus };

/** The caller holds the user's lock, and nothing of the user's is left that has not ended. */
export async function beginSubscription(
  { em, now, emit }: Pick<Writing, 'em' | 'now' | 'emit'>,
  { userId, planId, ...rest }: Beginning,
): Promise<Subscription> {
  const subscription = em.create(Subscription, {
    ...{ id: newId(), user: userId, plan: planId, createdAt: now, updatedAt: now },
    ...rest,
  });
  await em.persist(subscription).flush();
  emit(facts.subscriptionMoved, { from: 'none', to: subscription.status });
  return subscription;
}
