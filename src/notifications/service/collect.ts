import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { isOutage } from '../../common/database.ts';

const MOST_AT_ONCE = 500;
/** Nobody sees a number change oftener than that, and each change costs its views. */
const PACE_MS = 500;
const LOOK_EVERY_MS = 50;
const OUTAGE_PAUSE_MS = 1_000;

/**
 * Works on what was added, one batch after the other: the first item of a key at once, further ones of that key at most
 * once in `PACE_MS`, merged. A batch is tried again while the database is away.
 */
export interface Collector<Item> {
  /** An item that waits under the same key already is merged with it. */
  add(key: string, item: Item): void;
  /** Resolves once nothing waits any more; from then on nothing is tried again. */
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
  let isEnding = false;

  function takeBatch(): Map<string, Item> {
    const now = performance.now();
    for (const [key, at] of workedAt) {
      if (now - at < PACE_MS) break;
      workedAt.delete(key);
    }
    const batch = new Map<string, Item>();
    for (const [key, item] of waiting) {
      if (workedAt.has(key)) continue;
      workedAt.set(key, now);
      waiting.delete(key);
      if (batch.set(key, item).size === MOST_AT_ONCE) break;
    }
    return batch;
  }

  async function tryBatch(batch: Map<string, Item>): Promise<void> {
    try {
      await work([...batch.values()]);
    } catch (error) {
      log.warn({ err: error }, 'notifications');
      if (!isOutage(error) || isEnding) return;
      for (const [key, item] of batch) {
        const newer = waiting.get(key);
        waiting.set(key, newer === undefined ? item : merge(item, newer));
      }
      await pause(OUTAGE_PAUSE_MS);
    }
  }

  async function run(): Promise<void> {
    await null; // what is added in one go is worked on together
    while (waiting.size > 0) {
      const batch = takeBatch();
      if (batch.size > 0) await tryBatch(batch);
      if (waiting.size > 0 && batch.size < MOST_AT_ONCE) await pause(LOOK_EVERY_MS);
    }
    running = null;
  }

  return {
    add(key, item) {
      const known = waiting.get(key);
      waiting.set(key, known === undefined ? item : merge(known, item));
      running ??= run();
    },
    async settled() {
      isEnding = true;
      await running;
    },
  };
}
