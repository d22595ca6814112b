import type { SharedContext } from '../../common/context.ts';
import { Plan, Subscription } from '../entities.ts';
import { endNow, lockSubscription, setSubscription } from './subscriptions.ts';

const AUTO_DAYS = 30;

/** AUTO_PLAN gives every new user a plan at once, in the transaction that registers them; a missing plan refuses nobody. */
export async function giveAutoPlan(ctx: SharedContext, userIds: readonly string[]): Promise<void> {
  const planCode = ctx.config.AUTO_PLAN;
  if (planCode === undefined) return;
  if (!(await ctx.em.findOne(Plan, { code: planCode })))
    return ctx.log.error({ plan: planCode }, 'AUTO_PLAN does not exist');
  // whoever registers somebody may have chosen a plan already
  for (const userId of userIds)
    if (!(await ctx.em.findOne(Subscription, { user: userId })))
      await setSubscription(ctx, { userId, planCode, status: 'active', days: AUTO_DAYS });
}

/** What belongs to a deleted account neither waits for staff nor tells anybody anything. */
export async function endDeleted(ctx: SharedContext, userIds: readonly string[]): Promise<void> {
  for (const userId of [...userIds].sort()) {
    const present = await lockSubscription(ctx, userId);
    if (present) endNow(ctx, present);
  }
  await ctx.em.flush();
}
