import type { Logger } from 'pino';

export interface Repeated {
  /** Resolves once nothing runs any more. */
  stop(): Promise<void>;
}

const PAUSE_AFTER_FAILURE_MS = 1_000;

/**
 * Does work again and again with a pause in between, so never twice at a time; a failure is logged under the name of the
 * function, and tried again.
 */
export function repeat(everyMs: number, log: Logger, work: () => Promise<void> | void): Repeated {
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;
  let running = Promise.resolve();

  function next(pauseMs: number): void {
    if (isStopped) return;
    timer = setTimeout(() => {
      running = Promise.try(work).then(
        () => next(everyMs),
        error => {
          log.warn({ err: error }, work.name);
          next(Math.max(everyMs, PAUSE_AFTER_FAILURE_MS));
        },
      );
    }, pauseMs).unref();
  }

  next(everyMs);
  return {
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
