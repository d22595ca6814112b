/** Waiting, replaceable in tests; returns what cancels it. */
export type Wait = (ms: number, then: () => void) => () => void;

export const wait: Wait = (ms, then) => {
  const timer = setTimeout(then, ms);
  return () => clearTimeout(timer);
};

/** 1, 2, 4 … 30 s, half as much more or less, so that clients that failed together do not come back together. */
export function backoffMs(tries: number, random: () => number): number {
  return Math.min(30_000, 1_000 * 2 ** tries) * (0.5 + random());
}
