import type { Message, Thread } from './contract.ts';
import type { Err } from './errors.ts';
import type { Unsent } from './outbox.ts';
import type { ThreadView } from './view.ts';

export type Delivery = 'pending' | 'sent' | 'delivered' | 'read' | 'failed';

/** A line of a conversation, stored or still on its way. */
export interface ShownMessage {
  /** Stays the same when a pending message is stored. */
  key: string;
  text: string | null;
  createdAt: string;
  isMine: boolean;
  /** Of own messages only. */
  delivery: Delivery | null;
  /** As the server has it. */
  message: Message | null;
  /** Why it was refused: `retry` or `discard` it. */
  error: Err | null;
}

export interface ThreadState {
  thread: Thread;
  messages: readonly ShownMessage[];
  hasOlder: boolean;
  /** Ids of those who write now. */
  typing: readonly string[];
}

interface Parts {
  view: ThreadView;
  unsent: readonly Unsent[];
  typing: readonly string[];
  userId: string;
  before: ThreadState | null | undefined;
}

/** What is shown of a thread. A line that has not changed is the same object as before. Pure. */
export function threadState({ view, unsent, typing, userId, before }: Parts): ThreadState {
  const { thread } = view;
  const known = new Map(before?.messages.map(one => [one.key, one]));
  const reached = reachedBy(thread, userId);
  const isStored = new Set(view.messages.filter(one => one.sender.id === userId).map(one => one.client_id));
  const lines = [
    ...view.messages.map(message => storedLine(message, message.sender.id === userId, reached)),
    ...unsent
      .filter(({ message }) => message.thread_id === thread.id && !isStored.has(message.client_id))
      .map(unsentLine),
  ];
  const messages = lines.map(line => {
    const held = known.get(line.key);
    return held && isSame(held, line) ? held : line;
  });
  return { thread, messages, hasOlder: (view.messages[0]?.seq ?? 1) > 1, typing };
}

interface Reached {
  delivered: number;
  read: number;
}

/** How far all the others have come; who hides it has only received. */
function reachedBy({ participants }: Thread, userId: string): Reached {
  const others = participants.filter(one => one.user.id !== userId);
  const least = (values: number[]) => (values.length === 0 ? 0 : Math.min(...values));
  return { delivered: least(others.map(one => one.delivered_seq)), read: least(others.map(one => one.read_seq ?? 0)) };
}

function storedLine(message: Message, isMine: boolean, { delivered, read }: Reached): ShownMessage {
  const { id, client_id, text, created_at, seq } = message;
  const delivery = !isMine ? null : seq <= read ? 'read' : seq <= delivered ? 'delivered' : 'sent';
  // Of others' it says nothing: they choose it, and may choose one of ours.
  const key = isMine ? client_id : id;
  return { key, text, createdAt: created_at, isMine, delivery, message, error: null };
}

function unsentLine({ message, queuedAt, error }: Unsent): ShownMessage {
  return {
    key: message.client_id,
    text: message.text ?? null,
    createdAt: new Date(queuedAt).toISOString(),
    isMine: true,
    delivery: error ? 'failed' : 'pending',
    message: null,
    error,
  };
}

const isSame = (a: ShownMessage, b: ShownMessage) =>
  a.message === b.message && a.delivery === b.delivery && a.error === b.error && a.text === b.text;

/** All threads, the latest activity first. */
export function sortedThreads(views: Iterable<ThreadView>): readonly Thread[] {
  const activity = ({ last_message, created_at }: Thread) => last_message?.created_at ?? created_at;
  return [...views]
    .map(({ thread }) => thread)
    .sort((a, b) => (activity(a) === activity(b) ? (a.id < b.id ? 1 : -1) : activity(a) < activity(b) ? 1 : -1));
}

export interface Unread {
  threads: number;
  messages: number;
}

/** As the server counts it: archived threads do not. */
export function unreadOf(views: Iterable<ThreadView>): Unread {
  const mine = [...views].map(({ thread }) => thread.me).filter(me => !me.archived);
  return {
    threads: mine.filter(me => me.unread > 0 || me.marked_unread).length,
    messages: mine.reduce((sum, me) => sum + me.unread, 0),
  };
}
