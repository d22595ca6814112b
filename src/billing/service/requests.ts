import { keepAccount } from '../../accounts/service/users.ts';
import type { Context } from '../../common/context.ts';
import { AppError } from '../../common/errors.ts';
import type { Input, Output } from '../../common/operations.ts';
import type { operations } from '../contract.ts';
import { Plan, type Subscription } from '../entities.ts';
import { notEnded } from './standing.ts';
import {
  announce,
  beginSubscription,
  endNow,
  lockSubscription,
  presentSubscription,
  settle,
  subscriptionOf,
} from './subscriptions.ts';

/**
 * Asks for a plan. Without a running subscription a pending one begins, which staff activate; asked for another plan it
 * is replaced by a new one, so that staff never activate a plan other than the one they saw. While one runs, the plan
 * becomes its next; its own plan again takes a cancellation or a choice of another plan back.
 * Throws not_found (a plan that is unknown, or off the list and not the caller's), already_subscribed, session_revoked,
 * invalid_state (the next plan is arranged with staff).
 */
export async function requestSubscription(
  ctx: Context,
  input: Input<typeof operations.requestSubscription>,
): Promise<Output<typeof operations.requestSubscription>> {
  const plan = await ctx.em.findOne(Plan, { code: input.plan });
  const present = await reachPresent(ctx);
  await keepAccount(ctx, ctx.actor.userId);
  if (!plan || !(plan.isActive || plan.id === present?.plan)) throw new AppError('not_found');
  if (present && present.status !== 'pending') {
    chooseNext(present, plan, ctx.now);
    await ctx.em.flush();
    return { subscription: await presentSubscription(ctx, present) };
  }
  if (present) replacePending(ctx, present, plan);
  await ctx.em.flush();
  const userId = ctx.actor.userId;
  const begun = await beginSubscription(ctx, { userId, planId: plan.id, status: 'pending' });
  return { subscription: await presentSubscription(ctx, begun) };
}

/** The caller's subscription, locked and brought up to date; one that time has ended is written as such. */
async function reachPresent(ctx: Context): Promise<Subscription | null> {
  const present = await lockSubscription(ctx, ctx.actor.userId);
  if (!present) return null;
  const news = settle(ctx, present);
  await ctx.em.flush();
  await announce(ctx, [{ subscription: present, news }]);
  return notEnded.includes(present.status) ? present : null;
}

function replacePending(ctx: Context, pending: Subscription, plan: Plan): void {
  if (pending.plan === plan.id) throw new AppError('already_subscribed');
  endNow(ctx, pending);
}

function chooseNext(present: Subscription, plan: Plan, now: Date): void {
  const { status, nextPlan, nextPeriodEnd, cancelAtPeriodEnd } = present;
  if (plan.id === nextPlan) return;
  if (plan.id === present.plan && !nextPlan && !cancelAtPeriodEnd) throw new AppError('already_subscribed');
  if (nextPeriodEnd) throw new AppError('invalid_state', { state: status });
  const next = plan.id === present.plan ? null : plan.id;
  Object.assign(present, { nextPlan: next, cancelAtPeriodEnd: false, updatedAt: now });
}

/**
 * Cancels at the end of the period, or at once. A pending subscription, and one whose period is over, ends at once in
 * both cases. Throws invalid_state.
 */
export async function cancelSubscription(
  ctx: Context,
  { at_period_end }: Input<typeof operations.cancelSubscription>,
): Promise<Output<typeof operations.cancelSubscription>> {
  const present = await reachPresent(ctx);
  if (!present) {
    const last = await subscriptionOf(ctx, ctx.actor.userId);
    throw new AppError('invalid_state', { state: last?.status ?? 'none' });
  }
  const isLater = at_period_end && (present.status === 'trialing' || present.status === 'active');
  const isKnown = isLater && present.cancelAtPeriodEnd;
  if (isLater)
    Object.assign(present, { cancelAtPeriodEnd: true, nextPlan: null, nextPeriodEnd: null, updatedAt: ctx.now });
  else endNow(ctx, present);
  await ctx.em.flush();
  await announce(ctx, [{ subscription: present, news: isKnown ? null : 'subscriptionCanceled' }]);
  return { subscription: await presentSubscription(ctx, present) };
}
