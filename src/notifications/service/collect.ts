import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';

const MOST_AT_ONCE = 500;
/** Under a stream of items nobody sees a number change oftener than that, and each change costs its views. */
const PAUSE_MS = 20;

/** Works on what was added, one batch after the other: what comes while one is worked on, and shortly after, is in the next. */
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
  let running: Promise<void> | null = null;

  async function run(): Promise<void> {
    await null; // what is added in one go is worked on together
    while (waiting.size > 0) {
      const batch = [...waiting].slice(0, MOST_AT_ONCE);
      for (const [key] of batch) waiting.delete(key);
      await work(batch.map(([, item]) => item)).catch(error => log.warn({ err: error }, 'notifications'));
      if (waiting.size > 0 && waiting.size < MOST_AT_ONCE) await pause(PAUSE_MS);
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
