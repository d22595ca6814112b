import type { Context } from '../../common/context.ts';
import type { Output } from '../../common/operations.ts';
import type { Message, Thread } from '../contract/shapes.ts';
import type { operations } from '../contract.ts';
import { loadRange } from './message-rows.ts';

type Difference = Output<typeof operations.pull>['threads'][number];

/** More changed messages than this are not told one by one: the client starts the thread anew. */
export const MOST_CHANGED = 200;
const NEWEST = 50;
/** Of the threads in an answer of 1 MB: what else it holds is far below 64 KB. */
const THREADS_BYTES = 1_048_576 - 65_536;

/** Adds what has changed to the threads, one after the other, until the answer is full; the first thread always fits. */
export async function fillAnswer(
  ctx: Context,
  whole: readonly Thread[],
  changedIn: (at: number) => Promise<Message[]>,
  heldRev: (id: string) => number,
): Promise<{ threads: Difference[]; next: boolean }> {
  const threads: Difference[] = [];
  let bytes = 0;
  for (const [at, thread] of whole.entries()) {
    const messages = await changedIn(at);
    const isTold = messages.length <= MOST_CHANGED && heldRev(thread.id) <= thread.rev;
    let difference: Difference = { thread, messages, reset: false };
    let size = bytesOf(difference);
    if (!isTold || size > THREADS_BYTES) {
      difference = await beginAnew(ctx, thread);
      size = bytesOf(difference);
    }
    bytes += size;
    if (bytes > THREADS_BYTES && threads.length > 0) return { threads, next: true };
    threads.push(difference);
  }
  return { threads, next: false };
}

/** The newest messages, as many as fit; a client reads on in the history. */
async function beginAnew(ctx: Context, thread: Thread): Promise<Difference> {
  const from = Math.max(1, thread.last_seq - NEWEST + 1);
  const messages = await loadRange(ctx, thread.id, from, thread.last_seq);
  let room = THREADS_BYTES - bytesOf(thread);
  const first = messages.findLastIndex(message => {
    room -= bytesOf(message);
    return room < 0;
  });
  return { thread, messages: messages.slice(first + 1), reset: true };
}

function bytesOf(view: object): number {
  return Buffer.byteLength(JSON.stringify(view));
}
