import { sql } from 'kysely';
import type { z } from 'zod';
import type { Actor, Context } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { AppError } from '../../common/errors.ts';
import type { Output } from '../../common/operations.ts';
import { type Blocker, isBusinessEnabled, type operations, type Usage } from '../contract.ts';
import { type Entitlements, MonthlyUsage, Plan } from '../entities.ts';
import { monthOf } from './months.ts';
import { noEntitlements } from './plans.ts';
import { ensureSubscribed, presentSubscription, subscriptionOf } from './subscriptions.ts';

type Scope = Pick<Context<Actor | null>, 'em' | 'now' | 'config'>;

const UNLIMITED = 2_147_483_647;

/** My subscription, what I used of it, and what keeps me from posting. */
export async function getBilling(ctx: Context): Promise<Output<typeof operations.getBilling>> {
  const { userId } = ctx.actor;
  const subscribed = await subscriptionOf(ctx, userId);
  const entitlements = subscribed?.entitlements ?? noEntitlements;
  const usage = await usageOf(ctx, userId, entitlements);
  const isEnabled = (await ctx.slot(isBusinessEnabled, [userId])).get(userId)!;
  const blockers = (
    [
      !isEnabled && 'b2b_not_enabled',
      !subscribed?.entitlements && 'subscription_required',
      subscribed?.entitlements && usage.posts_remaining === 0 && 'post_limit_reached',
    ] as const
  ).filter((blocker): blocker is z.output<typeof Blocker> => typeof blocker === 'string');
  return {
    subscription: subscribed && (await presentSubscription(ctx, subscribed.subscription)),
    usage,
    entitlements,
    can_post: blockers.length === 0,
    blockers,
  };
}

export async function usageOf({ em, now, config }: Scope, userId: string, entitlements: Entitlements): Promise<Usage> {
  const { period, endsAt } = monthOf(now, config.BILLING_TZ);
  const used = (await em.findOne(MonthlyUsage, { user: userId, period }, { disableIdentityMap: true }))?.used ?? 0;
  const limit = entitlements.posts_per_month;
  return {
    period,
    timezone: config.BILLING_TZ,
    posts_used: used,
    posts_limit: limit,
    posts_remaining: limit === null ? null : Math.max(0, limit - used),
    resets_at: endsAt.toISOString(),
  };
}

/**
 * Takes one post of the month in which it is published; a rollback gives it back. The limit is part of the statement, so
 * parallel calls cannot pass it. Throws subscription_required, post_limit_reached. Returns what the plan allows.
 */
export async function consumePost(scope: Scope, userId: string): Promise<Entitlements> {
  const { plan, entitlements } = await ensureSubscribed(scope, userId);
  const { period } = monthOf(scope.now, scope.config.BILLING_TZ);
  const limit = entitlements.posts_per_month;
  const consumed = await rows(
    scope.em,
    sql`insert into monthly_usage (user_id, period, used) select ${userId}::uuid, ${period}, 1 where ${limit ?? UNLIMITED}::int > 0
        on conflict (user_id, period) do update set used = monthly_usage.used + 1 where monthly_usage.used < ${limit ?? UNLIMITED}
        returning used`,
  );
  if (consumed.length > 0) return entitlements;
  const { posts_used: used, resets_at } = await usageOf(scope, userId, entitlements);
  throw new AppError('post_limit_reached', {
    ...{ limit, used, resets_at },
    upgrade_to: await nextPlan(scope, plan),
  });
}

/** The cheapest plan that allows more posts. */
async function nextPlan({ em }: Scope, { entitlements, sortOrder }: Plan): Promise<string | null> {
  const present = entitlements.posts_per_month ?? Number.POSITIVE_INFINITY;
  const plans = await em.find(
    Plan,
    { isActive: true, sortOrder: { $gt: sortOrder } },
    { orderBy: { sortOrder: 'asc' } },
  );
  return plans.find(plan => (plan.entitlements.posts_per_month ?? Number.POSITIVE_INFINITY) > present)?.code ?? null;
}
