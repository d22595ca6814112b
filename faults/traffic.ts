import { randomUUID } from 'node:crypto';
import type { Device } from './device.ts';
import type { Ledger } from './ledger.ts';

const EVERY_MS = 500;
/** Every so many-th message of a device goes into a thread of others. */
const FORBIDDEN_EVERY = 10;

export interface Traffic {
  /** One message more, by a device that else says nothing. */
  say(device: Device): void;
  stop(): void;
}

/** Steady, numbered messages of all these devices, spread evenly over time. */
export function startTraffic(talkers: readonly Device[], ledger: Ledger): Traffic {
  const numbers = new Map<Device, number>();
  const timers: NodeJS.Timeout[] = [];

  function want(device: Device, threadId: string, isForbidden: boolean): void {
    const number = (numbers.get(device) ?? 0) + 1;
    numbers.set(device, number);
    const client_id = randomUUID();
    ledger.wanted.set(client_id, { threadId, at: performance.now(), device, number, isForbidden });
    device.chat.send({ thread_id: threadId, client_id, text: `${number}` });
  }

  function talk(device: Device, place: number): void {
    const number = numbers.get(device) ?? 0;
    const stranger = talkers.find(other => other.threadId !== device.threadId);
    if (stranger && number % FORBIDDEN_EVERY === place % FORBIDDEN_EVERY) want(device, stranger.threadId, true);
    want(device, device.threadId, false);
  }

  for (const [place, device] of talkers.entries())
    timers.push(
      setTimeout(() => timers.push(setInterval(talk, EVERY_MS, device, place)), (EVERY_MS / talkers.length) * place),
    );
  return {
    say: device => want(device, device.threadId, false),
    stop() {
      for (const timer of timers) clearTimeout(timer);
    },
  };
}
