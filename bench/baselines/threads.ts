import { readFileSync } from 'node:fs';

export interface SeededUser {
  user_id: string;
  access: string;
}

export interface SeededThread {
  thread_id: string;
  buyer_id: string;
  seller_id: string;
}

function readSeed(file: string): ({ type: string } & Record<string, string>)[] {
  return readFileSync(file, 'utf8').trim().split('\n').map(line => JSON.parse(line)); // biome-ignore format: one line reads better
}

/** The threads of a file of `npm run seed:load`. */
export function readThreads(file: string): Map<string, SeededThread> {
  const found = readSeed(file).filter(one => one.type === 'thread') as unknown as SeededThread[];
  return new Map(found.map(one => [one.thread_id, one]));
}

export function readUsers(file: string): Map<string, SeededUser> {
  const found = readSeed(file).filter(one => one.type === 'user') as unknown as SeededUser[];
  return new Map(found.map(one => [one.user_id, one]));
}
