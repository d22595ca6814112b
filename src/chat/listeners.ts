import { facts } from '../b2b/contract.ts';
import type { Listeners } from '../common/announcements.ts';
import { updatePosts } from './service/thread-changes.ts';

export function chatListeners(listeners: Listeners): void {
  listeners.on(facts.postChanged, updatePosts);
}
