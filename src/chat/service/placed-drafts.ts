import type { Draft } from './message-writer.ts';

/** A draft among those of its batch. */
export interface Placed {
  draft: Draft;
  /** Among those of its thread, from 1. */
  place: number;
  turn: Turn;
}

/** What one sender has in one thread: its last draft speaks for all of them. */
export interface Turn {
  senderId: string;
  last: Draft;
  lastPlace: number;
  thread: ThreadOfBatch;
}

interface ThreadOfBatch {
  count: number;
  turns: Turn[];
  /** Calls may be gathered in another order than they came. */
  latestAt: Date;
}

/** Numbers the drafts of each thread in their order. */
export function placeDrafts(drafts: readonly Draft[]): Placed[] {
  const threads = new Map<string, ThreadOfBatch>();
  return drafts.map(draft => {
    const { actor, input, now } = draft.call;
    const thread = threads.get(input.thread_id) ?? { count: 0, turns: [], latestAt: now };
    threads.set(input.thread_id, thread);
    thread.count += 1;
    if (now > thread.latestAt) thread.latestAt = now;
    const turn = turnOf(thread, actor.userId, draft);
    turn.last = draft;
    turn.lastPlace = thread.count;
    return { draft, place: thread.count, turn };
  });
}

function turnOf(thread: ThreadOfBatch, senderId: string, draft: Draft): Turn {
  const known = thread.turns.find(one => one.senderId === senderId);
  if (known) return known;
  const turn = { senderId, last: draft, lastPlace: 0, thread };
  thread.turns.push(turn);
  return turn;
}

/** 2: the last one of its thread; 1: the last one of its sender there; else 0. */
export function endsOf({ draft, place, turn }: Placed): number {
  if (turn.last !== draft) return 0;
  return place === turn.thread.count ? 2 : 1;
}

/** Who else sends there. Of more than two senders one is no participant, so that nothing of theirs is stored together. */
export function otherOf({ turn }: Placed): Turn | undefined {
  return turn.thread.turns.find(one => one !== turn);
}
