import { facts as accounts } from '../accounts/contract.ts';
import type { Listeners } from '../common/announcements.ts';
import { releaseAvatars } from './service.ts';

/** The picture of a deleted account is shown no more, so it is removed with the orphans. */
export function uploadsListeners(listeners: Listeners): void {
  listeners.on(accounts.userDeleted, (deleted, ctx) =>
    releaseAvatars(
      ctx,
      deleted.map(({ payload }) => payload.userId),
    ),
  );
}
