import type { Entitlements } from '../../billing/entities.ts';
import { noEntitlements } from '../../billing/service/plans.ts';
import { subscriptionOf } from '../../billing/service/subscriptions.ts';
import type { Context } from '../../common/context.ts';

/** What the caller's plan allows at this moment. */
export async function entitlementsOf(ctx: Context): Promise<Entitlements> {
  return (await subscriptionOf(ctx, ctx.actor.userId))?.entitlements ?? noEntitlements;
}
