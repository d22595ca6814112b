import { facts as accounts } from '../accounts/contract.ts';
import { facts as posts } from '../b2b/contract.ts';
import type { Listeners } from '../common/announcements.ts';
import { facts } from './contract.ts';
import { blankNames } from './service/report-names.ts';
import { updatePosts } from './service/thread-changes.ts';
import type { Typing } from './service/typing.ts';

export function chatListeners(listeners: Listeners): void {
  listeners.on(posts.postChanged, updatePosts);
  listeners.on(accounts.accountsPurged, async (purged, ctx) => {
    for (const { payload } of purged) await blankNames(ctx, payload.deletedBy);
  });
}

/** Only a server with sockets knows who is writing. */
export function typingListeners(listeners: Listeners, typing: Typing): void {
  listeners.afterCommit(facts.messageStored, typing.endBySending);
}
