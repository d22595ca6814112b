import { readFileSync } from 'node:fs';

export interface Account {
  user_id: string;
  access: string;
  refresh: string;
}

/** A thread between a buyer and a seller, and what its devices have seen of it. */
export interface Room {
  threadId: string;
  sides: [Account, Account];
  /** Of the messages that this run has stored. */
  firstSeq: number;
  lastSeq: number;
}

/** What `seed:load` has written: users and threads, a line each. */
export function readRooms(file: string, count: number): Room[] {
  const users = new Map<string, Account>();
  const rooms: Room[] = [];
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (!line) continue;
    const entry = JSON.parse(line);
    if (entry.type === 'user') users.set(entry.user_id, entry);
    else if (rooms.length < count) {
      const sides: [Account, Account] = [users.get(entry.buyer_id)!, users.get(entry.seller_id)!];
      rooms.push({ threadId: entry.thread_id, sides, firstSeq: Number.POSITIVE_INFINITY, lastSeq: 0 });
    }
  }
  if (rooms.length < count) throw new Error(`${file} has ${rooms.length} threads; ${count} are needed`);
  return rooms;
}
