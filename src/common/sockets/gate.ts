import { AppError } from '../errors.ts';

/** So many handshakes are worked on at the same moment; each costs a look at the session's row. */
const MAX_RUNNING = 32;
/** Each client comes with three, so these are 2,600 clients, the last of whom waits about four seconds. */
const MAX_WAITING = 8_000;
/** Behind handshakes that a database holds up; who then still waits for its own answer has it before 10 s (`guard`). */
const MAX_WAIT_MS = 5_000;
/** With the event loop this late, people who are connected wait already. */
const MAX_LAG_MS = 400;
const LOOK_EVERY_MS = 100;

interface Waiting {
  enter(): void;
  refuse(error: AppError): void;
  since: number;
}

export interface Gate {
  /** Runs the work in its turn, or throws server_busy. */
  pass<T>(work: () => Promise<T>): Promise<T>;
  close(): void;
}

/**
 * The accept gate: after an outage everybody comes back at once. A few are let in at a time, in the order of their
 * arrival, with a turn of the event loop for those who are connected in between; who would wait too long hears
 * `server_busy` and comes back a little later.
 */
export function createGate(): Gate {
  const waiting: Waiting[] = [];
  const lag = watchLag();
  let running = 0;

  function enter(): Promise<void> | void {
    if (running < MAX_RUNNING) return;
    if (waiting.length >= MAX_WAITING || lag.ms() > MAX_LAG_MS) throw busy();
    return new Promise((resolve, reject) => waiting.push({ enter: resolve, refuse: reject, since: performance.now() }));
  }

  function refuseLate(): void {
    const oldest = performance.now() - MAX_WAIT_MS;
    while (waiting[0] && waiting[0].since < oldest) waiting.shift()!.refuse(busy());
  }

  const timer = setInterval(refuseLate, LOOK_EVERY_MS).unref();

  return {
    async pass(work) {
      const turn = enter();
      // A turn that was waited for has been handed over by the one that ended.
      if (turn) await turn;
      else running += 1;
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        if (next) setImmediate(next.enter);
        else running -= 1;
      }
    },
    close() {
      lag.close();
      clearInterval(timer);
    },
  };
}

const busy = () => new AppError('server_busy', { retry_after_ms: 1_000 + Math.floor(Math.random() * 4_000) });

/** How late timers are; forgotten after a second. */
function watchLag(): { ms(): number; close(): void } {
  let dueAt = performance.now() + LOOK_EVERY_MS;
  let worstMs = 0;
  let worstAt = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    const lateMs = now - dueAt;
    if (lateMs >= worstMs || now - worstAt > 1_000) {
      worstMs = lateMs;
      worstAt = now;
    }
    dueAt = now + LOOK_EVERY_MS;
  }, LOOK_EVERY_MS).unref();
  return { ms: () => Math.max(worstMs, performance.now() - dueAt), close: () => clearInterval(timer) };
}
