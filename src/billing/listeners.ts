import { facts as accounts } from '../accounts/contract.ts';
import type { Listeners } from '../common/announcements.ts';
import { endDeleted, giveAutoPlan } from './service/accounts.ts';

export function billingListeners(listeners: Listeners): void {
  listeners.on(accounts.userRegistered, (registered, ctx) =>
    giveAutoPlan(
      ctx,
      registered.map(({ payload }) => payload.userId),
    ),
  );
  listeners.on(accounts.userDeleted, (deleted, ctx) =>
    endDeleted(
      ctx,
      deleted.map(({ payload }) => payload.userId),
    ),
  );
}
