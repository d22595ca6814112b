import type { Entitlements } from '../../billing/entities.ts';
import { noEntitlements } from '../../billing/service/plans.ts';
import { subscriptionOf } from '../../billing/service/subscriptions.ts';
import type { Context } from '../../common/context.ts';
import { AppError } from '../../common/errors.ts';

/** What the caller's plan allows at this moment. */
export async function entitlementsOf(ctx: Context): Promise<Entitlements> {
  return (await subscriptionOf(ctx, ctx.actor.userId))?.entitlements ?? noEntitlements;
}

/** Throws subscription_required. */
export async function ensureSubscribed(ctx: Context): Promise<void> {
  const subscribed = await subscriptionOf(ctx, ctx.actor.userId);
  if (!subscribed?.entitlements) throw new AppError('subscription_required', { status: subscribed?.status ?? 'none' });
}
