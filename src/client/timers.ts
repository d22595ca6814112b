/** Waiting, replaceable in tests; returns what cancels it. */
export type Wait = (ms: number, then: () => void) => () => void;

export const wait: Wait = (ms, then) => {
  const timer = setTimeout(then, ms);
  return () => clearTimeout(timer);
};

/** Until the work has ended, well or not, and no longer than a time; the work itself goes on. */
export function atMost(ms: number, work: Promise<unknown>, after: Wait): Promise<void> {
  return new Promise(resolve => {
    const cancel = after(ms, resolve);
    const end = () => {
      cancel();
      resolve();
    };
    work.then(end, end);
  });
}

/** 1, 2, 4 … 30 s, half as much more or less, so that clients that failed together do not come back together. */
export function backoffMs(tries: number, random: () => number): number {
  return Math.min(30_000, 1_000 * 2 ** tries) * (0.5 + random());
}
