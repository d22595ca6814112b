import { facts as accounts } from '../accounts/contract.ts';
import type { Listeners } from '../common/announcements.ts';
import { setSubscription } from './service/subscriptions.ts';

/** AUTO_PLAN gives every new user a plan at once, in the transaction that registers them. */
export function billingListeners(listeners: Listeners): void {
  listeners.on(accounts.userRegistered, async (registered, ctx) => {
    const planCode = ctx.config.AUTO_PLAN;
    if (planCode === undefined) return;
    for (const { payload } of registered)
      await setSubscription(ctx, { userId: payload.userId, planCode, status: 'active', days: 30 });
  });
}
