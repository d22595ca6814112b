import type { Ask } from './ask.ts';
import type { ChatCalls, Thread } from './contract.ts';
import { dataOf } from './errors.ts';
import { newId } from './ids.ts';

/** A first message keeps its id until it is answered: called again after a lost answer, or twice at once, it is stored once. */
export function createOpenings(ask: Ask<ChatCalls>): (postId: string, text?: string) => Promise<Thread> {
  const unanswered = new Map<string, string>();
  return async (post_id, text) => {
    if (text === undefined) return dataOf(await ask('thread:open', { post_id })).thread;
    const key = `${post_id} ${text}`;
    const client_id = unanswered.get(key) ?? newId();
    unanswered.set(key, client_id);
    const { thread } = dataOf(await ask('thread:open', { post_id, first_message: { client_id, text } }));
    unanswered.delete(key);
    return thread;
  };
}
