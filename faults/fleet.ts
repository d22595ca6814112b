import { get } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { Instance } from './instance.ts';

/** What one instance said of itself at a moment. */
export interface Look {
  instance: Instance;
  at: number;
  isReady: boolean;
}

/** A balancer as most are: it asks each instance whether it is ready, and sends new connections to those in turns. */
export interface Fleet {
  next(): Instance | null;
  isReady(instance: Instance): boolean;
  /** All looks since then, in order. */
  looks(since: number): Look[];
  /** How often an instance that should live did not say so. */
  liveness(): number;
  close(): void;
}

const LOOK_EVERY_MS = 250;
/** A balancer waits no longer. */
const LIMIT_MS = 2_000;

export function watchFleet(instances: readonly Instance[]): Fleet {
  const ready = new Set(instances);
  const looks: Look[] = [];
  let isClosed = false;
  let turn = 0;
  let failures = 0;

  async function watch(instance: Instance): Promise<void> {
    for (; !isClosed; await pause(LOOK_EVERY_MS)) {
      const isReady = (await statusOf(`${instance.url}/readyz`)) === 200;
      if (isReady) ready.add(instance);
      else ready.delete(instance);
      looks.push({ instance, at: performance.now(), isReady });
      const wasAway = instance.isAway();
      const isAlive = (await statusOf(`${instance.url}/healthz`)) === 200;
      if (!isAlive && !wasAway && !instance.isAway()) failures += 1;
    }
  }
  for (const instance of instances) void watch(instance);

  return {
    next() {
      const able = instances.filter(one => ready.has(one));
      turn += 1;
      return able[turn % able.length] ?? null;
    },
    isReady: instance => ready.has(instance),
    looks: since => looks.filter(look => look.at >= since),
    liveness: () => failures,
    close() {
      isClosed = true;
    },
  };
}

/** On a connection of its own; 0: no answer. */
function statusOf(url: string): Promise<number> {
  return new Promise(resolve => {
    const request = get(url, { agent: false, timeout: LIMIT_MS }, response => {
      response.resume().on('error', () => {});
      resolve(response.statusCode!);
    });
    request.on('timeout', () => request.destroy()).on('error', () => resolve(0));
  });
}
