import type { ChatEvents, Message, Preview, Thread, ThreadMe } from './contract.ts';

/** A thread as this client holds it: the newest messages, ascending and without a hole. */
export interface ThreadView {
  thread: Thread;
  messages: readonly Message[];
}

type Durable =
  | 'thread:created'
  | 'thread:updated'
  | 'message:created'
  | 'message:edited'
  | 'message:deleted'
  | 'message:reacted'
  | 'receipt:updated'
  | 'access:revoked';

/** What changes a thread for all its participants. */
export type DurablePush = { [Name in Durable]: { name: Name; payload: ChatEvents[Name] } }[Durable];

const PREVIEW_LENGTH = 140;

/** The view after a push whose `rev` is the next one; null: the thread is gone. Pure. */
export function applyPush(view: ThreadView, push: DurablePush, userId: string): ThreadView | null {
  if (push.name === 'access:revoked') return null;
  const { rev, at } = push.payload;
  const changed = applyContent(view, push, userId);
  const { thread } = changed;
  const updated_at = thread.updated_at > at ? thread.updated_at : at;
  return { ...changed, thread: withUnread({ ...thread, rev, updated_at }) };
}

function applyContent(
  view: ThreadView,
  push: Exclude<DurablePush, { name: 'access:revoked' }>,
  userId: string,
): ThreadView {
  if ('thread' in push.payload) return { ...view, thread: { ...push.payload.thread, me: view.thread.me } };
  if ('message' in push.payload) return applyMessage(view, push.payload.message, userId);
  const { user_id, read_seq, delivered_seq } = push.payload;
  return { ...view, thread: withPosition(view.thread, userId, { user_id, read_seq, delivered_seq }) };
}

function applyMessage(view: ThreadView, message: Message, userId: string): ThreadView {
  const isNew = message.seq > view.thread.last_seq;
  const messages = mergeMessages(view.messages, [message]);
  const last_seq = Math.max(view.thread.last_seq, message.seq);
  const last_message = message.seq === last_seq ? previewOf(message) : view.thread.last_message;
  const thread = { ...view.thread, last_seq, last_message };
  if (!isNew || message.sender.id === null) return { thread, messages };
  const position = { user_id: message.sender.id, read_seq: message.seq, delivered_seq: message.seq };
  return { thread: withPosition(thread, userId, position), messages };
}

interface Position {
  user_id: string;
  read_seq?: number | undefined;
  delivered_seq?: number | undefined;
}

/** Positions only move forward, and what was read was delivered; one that may not be seen stays hidden. */
function withPosition(thread: Thread, userId: string, { user_id, read_seq = 0, delivered_seq = 0 }: Position): Thread {
  const participants = thread.participants.map(one =>
    one.user.id === user_id
      ? {
          ...one,
          read_seq: one.read_seq === null ? null : Math.max(one.read_seq, read_seq),
          delivered_seq: Math.max(one.delivered_seq, delivered_seq, read_seq),
        }
      : one,
  );
  const me = user_id === userId ? { ...thread.me, read_seq: Math.max(thread.me.read_seq, read_seq) } : thread.me;
  return { ...thread, participants, me };
}

/** The own state of a thread; it is whole, so the newest one counts. */
export function applyMe(view: ThreadView, me: ThreadMe): ThreadView {
  if (me.rev <= view.thread.me.rev) return view;
  const read_seq = Math.max(me.read_seq, view.thread.me.read_seq);
  return { ...view, thread: withUnread({ ...view.thread, me: { ...me, read_seq } }) };
}

/** What a pull says of a thread: its state as it is stored, and the messages that changed. Pure. */
export function applyPull(
  held: ThreadView | undefined,
  { thread, messages, reset }: { thread: Thread; messages: readonly Message[]; reset: boolean },
): ThreadView {
  if (!held) return { thread, messages };
  // The own state may have been pushed since the pull looked.
  const me = held.thread.me.rev > thread.me.rev ? held.thread.me : thread.me;
  return { thread: withUnread({ ...thread, me }), messages: reset ? messages : mergeMessages(held.messages, messages) };
}

/** Older messages, as `thread:history` gives them. */
export function addOlder(view: ThreadView, older: readonly Message[]): ThreadView {
  const first = view.messages[0]?.seq ?? view.thread.last_seq + 1;
  const fitting = older.filter(one => one.seq < first).sort((a, b) => a.seq - b.seq);
  if (fitting.at(-1)?.seq !== first - 1) return view;
  return { ...view, messages: [...fitting, ...view.messages] };
}

/**
 * The newer of each message wins. What lies before the messages held is left out, it would leave a hole. A preview of a
 * changed message is made anew wherever it is shown.
 */
function mergeMessages(held: readonly Message[], changed: readonly Message[]): Message[] {
  const first = held[0]?.seq ?? 0;
  const bySeq = new Map(held.map(one => [one.seq, one]));
  const newer = changed.filter(one => one.rev >= (bySeq.get(one.seq)?.rev ?? 0));
  for (const one of newer) if (one.seq >= first) bySeq.set(one.seq, one);
  const byId = new Map(newer.map(one => [one.id, one]));
  return [...bySeq.values()]
    .sort((a, b) => a.seq - b.seq)
    .map(one => {
      const target = one.reply_to && byId.get(one.reply_to.id);
      return target ? { ...one, reply_to: previewOf(target) } : one;
    });
}

function previewOf({ id, seq, sender, type, text, created_at }: Message): Preview {
  const short = text === null || text.length <= PREVIEW_LENGTH ? text : [...text].slice(0, PREVIEW_LENGTH).join('');
  return { id, seq, sender_id: sender.id, type, text: short, created_at };
}

function withUnread(thread: Thread): Thread {
  return { ...thread, me: { ...thread.me, unread: thread.last_seq - thread.me.read_seq } };
}
