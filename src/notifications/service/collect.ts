import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';

const MOST_AT_ONCE = 500;
/** Nobody sees a number change oftener than that, and each change costs its views. */
const PACE_MS = 500;
const LOOK_EVERY_MS = 50;

/**
 * Works on what was added, one batch after the other: the first item of a key at once, further ones of that key at most
 * once in `PACE_MS`, merged.
 */
export interface Collector<Item> {
  /** An item that waits under the same key already is merged with it. */
  add(key: string, item: Item): void;
  /** Resolves once nothing waits any more. */
  settled(): Promise<void>;
}

export function createCollector<Item>(
  log: Logger,
  work: (batch: Item[]) => Promise<void>,
  merge: (known: Item, item: Item) => Item = (_known, item) => item,
): Collector<Item> {
  const waiting = new Map<string, Item>();
  /** When a key was worked on last, the oldest first. */
  const workedAt = new Map<string, number>();
  let running: Promise<void> | null = null;

  function takeBatch(): Item[] {
    const now = performance.now();
    for (const [key, at] of workedAt) {
      if (now - at < PACE_MS) break;
      workedAt.delete(key);
    }
    const batch: Item[] = [];
    for (const [key, item] of waiting) {
      if (workedAt.has(key)) continue;
      workedAt.set(key, now);
      waiting.delete(key);
      if (batch.push(item) === MOST_AT_ONCE) break;
    }
    return batch;
  }

  async function run(): Promise<void> {
    await null; // what is added in one go is worked on together
    while (waiting.size > 0) {
      const batch = takeBatch();
      if (batch.length > 0) await work(batch).catch(error => log.warn({ err: error }, 'notifications'));
      if (waiting.size > 0 && batch.length < MOST_AT_ONCE) await pause(LOOK_EVERY_MS);
    }
    running = null;
  }

  return {
    add(key, item) {
      const known = waiting.get(key);
      waiting.set(key, known === undefined ? item : merge(known, item));
      running ??= run();
    },
    settled: async () => void (await running),
  };
}
