import type { Operation } from '../operations.ts';

const MAX_WAITING = 64;

interface Item {
  handler: { operation: Operation };
}

export interface SocketQueue<T extends Item> {
  /** Runs the item after those before it; false when too many wait already. */
  add(item: T): boolean;
}

/**
 * The order of one socket: events are handled in the order of their arrival, one at a time. Calls of one `batch`
 * operation that follow each other may be under way together, since the batch itself keeps their order. `run` never
 * rejects.
 */
export function createSocketQueue<T extends Item>(run: (item: T) => Promise<void>): SocketQueue<T> {
  const waiting: T[] = [];
  let running = 0;
  let current: Operation | null = null;

  const mayStart = (operation: Operation) => running === 0 || (operation.kind === 'batch' && operation === current);

  function start(): void {
    for (let head = waiting[0]; head && mayStart(head.handler.operation); head = waiting[0]) {
      waiting.shift();
      running += 1;
      current = head.handler.operation;
      void run(head).then(next);
    }
  }

  function next(): void {
    running -= 1;
    start();
  }

  return {
    add(item) {
      if (waiting.length + running >= MAX_WAITING) return false;
      waiting.push(item);
      start();
      return true;
    },
  };
}
