import type { Operation } from '../operations.ts';

const MAX_WAITING = 64;

export interface SocketQueue {
  /** Runs the task after those before it; false when too many wait already. */
  add(operation: Operation, task: () => Promise<void>): boolean;
}

/**
 * The order of one socket: events are handled in the order of their arrival, one at a time. Calls of one `batch`
 * operation that follow each other may be under way together, since the batch itself keeps their order.
 */
export function createSocketQueue(): SocketQueue {
  const waiting: { operation: Operation; task: () => Promise<void> }[] = [];
  let running = 0;
  let current: Operation | null = null;

  const mayStart = (operation: Operation) => running === 0 || (operation.kind === 'batch' && operation === current);

  function start(): void {
    for (let head = waiting[0]; head && mayStart(head.operation); head = waiting[0]) {
      waiting.shift();
      running += 1;
      current = head.operation;
      void head.task().finally(() => {
        running -= 1;
        start();
      });
    }
  }

  return {
    add(operation, task) {
      if (waiting.length + running >= MAX_WAITING) return false;
      waiting.push({ operation, task });
      start();
      return true;
    },
  };
}
