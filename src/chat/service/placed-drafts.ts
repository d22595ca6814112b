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
  thread: { count: number; turns: Turn[] };
}

/** Numbers the drafts of each thread in their order. */
export function placeDrafts(drafts: readonly Draft[]): Placed[] {
  const threads = new Map<string, Turn['thread']>();
  return drafts.map(draft => {
    const { actor, input } = draft.call;
    const thread = threads.get(input.thread_id) ?? { count: 0, turns: [] };
    threads.set(input.thread_id, thread);
    thread.count += 1;
    const turn = turnOf(thread, actor.userId, draft);
    turn.last = draft;
    turn.lastPlace = thread.count;
    return { draft, place: thread.count, turn };
  });
}

function turnOf(thread: Turn['thread'], senderId: string, draft: Draft): Turn {
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
  return turn.thread.turns.length === 1 ? undefined : turn.thread.turns.find(one => one !== turn);
}
