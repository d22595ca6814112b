import type { Chat } from './chat.ts';
import { type Observable, observe, type Source } from './observable.ts';
import type { Unsent } from './outbox.ts';
import { sortedThreads, type ThreadState, threadState, unreadOf } from './threads.ts';
import type { Typing } from './typing.ts';

export interface Conversations {
  threads: Observable<ReturnType<typeof sortedThreads>>;
  unread: Observable<ReturnType<typeof unreadOf>>;
  /** Of all threads, those that are gone included. */
  unsent: Observable<readonly Unsent[]>;
  thread(threadId: string): Observable<ThreadState | null>;
  changed(threadId: string): void;
  /** Only who writes in it: the list stays as it is. */
  typingChanged(threadId: string): void;
  allChanged(): void;
}

interface Parts {
  chat: Pick<Chat, 'views' | 'entries'>;
  typing: Pick<Typing, 'in'>;
  userId: () => string | null;
}

const nothing: readonly Unsent[] = [];

/** What is shown of the chat: computed when it is looked at, from what is held and what waits to be sent. */
export function createConversations({ chat, typing, userId }: Parts): Conversations {
  const threads = observe(() => sortedThreads(chat.views().values()));
  const unread = observe(() => unreadOf(chat.views().values()));
  const unsent = observe(() => (userId() === null ? nothing : chat.entries()));
  const sources = new Map<string, Source<ThreadState | null>>();

  function stateOf(threadId: string, before: ThreadState | null | undefined): ThreadState | null {
    const [view, me] = [chat.views().get(threadId), userId()];
    if (!view || me === null) return null;
    return threadState({ view, unsent: chat.entries(), typing: typing.in(threadId), userId: me, before });
  }

  function listsChanged(): void {
    for (const list of [threads, unread, unsent]) list.changed();
  }

  return {
    threads,
    unread,
    unsent,
    thread(threadId) {
      const source = sources.get(threadId) ?? observe<ThreadState | null>(before => stateOf(threadId, before));
      sources.set(threadId, source);
      return source;
    },
    changed(threadId) {
      sources.get(threadId)?.changed();
      listsChanged();
    },
    typingChanged: threadId => sources.get(threadId)?.changed(),
    allChanged() {
      for (const source of sources.values()) source.changed();
      listsChanged();
    },
  };
}
