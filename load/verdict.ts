import type { Room } from './rooms.ts';

export interface Verdict {
  lost: number;
  twice: number;
  disordered: number;
}

/** What one device has seen of its thread, by position: every message once, in order. */
export interface Seen {
  take(seq: number, mayRepeat: boolean): void;
  /** The highest position up to which nothing is missing. */
  upTo(): number;
  /** Adds to the verdict what should have come and did not. */
  judge(verdict: Verdict): void;
}

export function watchRoom(room: Room, verdict: Verdict): Seen {
  let first = 0;
  let last = 0;
  const missing = new Set<number>();
  return {
    take(seq, mayRepeat) {
      if (first === 0) first = last = seq;
      else if (seq > last) {
        for (let hole = last + 1; hole < seq; hole += 1) missing.add(hole);
        last = seq;
      } else if (missing.delete(seq) || seq < first) {
        first = Math.min(first, seq);
        if (!mayRepeat) verdict.disordered += 1;
      } else if (!mayRepeat) verdict.twice += 1;
    },
    upTo: () => Math.min(last, ...[...missing].map(seq => seq - 1)),
    judge(into) {
      if (room.lastSeq === 0) return;
      if (first === 0) into.lost += room.lastSeq - room.firstSeq + 1;
      else into.lost += missing.size + Math.max(0, first - room.firstSeq) + Math.max(0, room.lastSeq - last);
    },
  };
}
