import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Account } from '../load/rooms.ts';
import type { Message } from '../src/client/contract.ts';
import { eventually } from '../tests/support/eventually.ts';
import { call, type Reader } from './devices.ts';
import { ensure } from './stage.ts';

export interface Outgoing {
  thread_id: string;
  client_id: string;
  text: string;
}

export const message = (thread_id: string, text = 'Salom! 06H-121-026 bormi?'): Outgoing => ({
  ...{ thread_id, client_id: randomUUID(), text },
});

/** Every stored message of a thread, as REST tells it. */
export async function wholeHistory(url: string, who: Account, threadId: string, afterSeq = 0): Promise<Message[]> {
  const found: Message[] = [];
  for (;;) {
    const after = found.at(-1)?.seq ?? afterSeq;
    const { body } = await call(
      url,
      who,
      'GET',
      `/api/chat/threads/${threadId}/messages/?after_seq=${after}&limit=100`,
    );
    found.push(...body.results);
    if (!body.has_more_after) return found;
  }
}

/** These messages are stored once each, numbered without a hole. */
export function ensureStoredOnce(stored: readonly Message[], sent: readonly { client_id: string }[]): void {
  const first = stored[0]?.seq ?? 1;
  const isGapless = stored.every((one, index) => one.seq === first + index);
  ensure(isGapless, `seq has holes: ${stored.map(one => one.seq).join(' ')}`);
  const ids = stored.map(one => one.client_id);
  const lost = sent.filter(one => !ids.includes(one.client_id)).length;
  ensure(lost === 0, `${lost} of ${sent.length} messages are not stored`);
  const strange = ids.length - sent.length;
  ensure(strange === 0, `${strange} more messages are stored than were sent`);
}

/** Connected, and as far as it knows nothing is missing and nothing waits. */
export const isAtRest = ({ socket, chat }: Pick<Reader, 'socket' | 'chat'>): boolean =>
  socket.connected && chat.isSettled();

export async function ensureAtRest(
  readers: readonly Pick<Reader, 'socket' | 'chat'>[],
  limitMs?: number,
): Promise<void> {
  await eventually(() => ensure(readers.every(isAtRest), 'a client does not come to rest'), limitMs);
}

/** All clients come to rest, and each shows exactly what is stored. */
export async function ensureSameViews(
  readers: readonly Pick<Reader, 'socket' | 'chat' | 'shown'>[],
  threadId: string,
  stored: () => Promise<Message[]>,
  limitMs = 20_000,
): Promise<void> {
  await ensureAtRest(readers, limitMs);
  const truth = await stored();
  for (const [index, reader] of readers.entries())
    await eventually(async () => {
      const shown = await reader.shown(threadId);
      const counts = `client ${index + 1} shows ${shown.length} of ${truth.length} messages`;
      ensure(isDeepStrictEqual(shown, truth), shown.length === truth.length ? `${counts}, but not the same` : counts);
    }, 5_000);
}
