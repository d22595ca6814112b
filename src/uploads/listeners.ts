import { facts as accounts } from '../accounts/contract.ts';
import type { Listeners } from '../common/announcements.ts';
import { releaseAvatars, releaseOfDeleted } from './service.ts';

/** The picture of a deleted account is shown no more, thirty days later nothing that it has uploaded: it goes with the orphans (S-67). */
export function uploadsListeners(listeners: Listeners): void {
  listeners.on(accounts.userDeleted, (deleted, ctx) =>
    releaseAvatars(
      ctx,
      deleted.map(({ payload }) => payload.userId),
    ),
  );
  listeners.on(accounts.accountsPurged, async (purged, ctx) => {
    for (const { payload } of purged) await releaseOfDeleted(ctx, payload.deletedBy);
  });
}
