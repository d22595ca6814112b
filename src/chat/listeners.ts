import { facts as posts } from '../b2b/contract.ts';
import type { Listeners } from '../common/announcements.ts';
import { facts } from './contract.ts';
import { updatePosts } from './service/thread-changes.ts';
import type { Typing } from './service/typing.ts';

export function chatListeners(listeners: Listeners): void {
  listeners.on(posts.postChanged, updatePosts);
}

/** Only a server with sockets knows who is writing. */
export function typingListeners(listeners: Listeners, typing: Typing): void {
  listeners.afterCommit(facts.messageStored, typing.endBySending);
}
