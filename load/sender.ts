import { randomUUID } from 'node:crypto';
import type { Device } from './device.ts';
import type { Meter } from './meter.ts';
import type { Room } from './rooms.ts';

/** One place that writes: a device of each side, in turns. */
export interface Desk {
  room: Room;
  writers: Device[];
  /** Devices that hear each message. */
  listeners: number;
}

export interface Sender {
  /** Messages per second from now on, over all rooms; they are due at fixed moments, whatever the server does. */
  setRate(perSecond: number): void;
  /** Resolves when everything that was sent is answered, or after 10 s. */
  stop(): Promise<void>;
}

const TICK_MS = 5;
const ACK_LIMIT_MS = 10_000;

export function startSender(desks: readonly Desk[], meter: Meter): Sender {
  let rate = 0;
  let began = performance.now();
  let done = 0;
  let turn = 0;
  let open = 0;

  function sendOne(dueAt: number): void {
    const desk = desks[turn % desks.length]!;
    const writer = desk.writers[Math.floor(turn / desks.length) % desk.writers.length]!;
    turn += 1;
    if (!writer.isReady()) {
      meter.failed('writer is not connected');
      return;
    }
    const clientId = randomUUID();
    const late = setTimeout(() => finish('no ack in 10 s'), ACK_LIMIT_MS);
    open += 1;
    meter.sent(clientId, dueAt, desk.listeners);
    function finish(failure: string | null): void {
      clearTimeout(late);
      open -= 1;
      if (failure) meter.failed(failure);
      else meter.acked(dueAt);
    }
    writer.send(clientId, text => {
      const seq = /^\{"ok":true/.test(text) ? Number(/"seq":(\d+)/.exec(text)?.[1]) : null;
      if (seq !== null) {
        desk.room.firstSeq = Math.min(desk.room.firstSeq, seq);
        desk.room.lastSeq = Math.max(desk.room.lastSeq, seq);
      }
      const refusal = seq === null ? (/"code":"(\w+)"/.exec(text)?.[1] ?? 'refused') : null;
      // Nothing was stored, so nobody waits for it; after the other two it may have been.
      if (refusal && refusal !== 'unavailable' && refusal !== 'internal') meter.forget(clientId);
      finish(refusal);
    });
  }

  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - began) * rate) / 1_000);
    for (; done < due; done += 1) sendOne(began + ((done + 1) * 1_000) / rate);
  }, TICK_MS);

  return {
    setRate(perSecond) {
      rate = perSecond;
      began = performance.now();
      done = 0;
    },
    async stop() {
      clearInterval(timer);
      for (const end = performance.now() + ACK_LIMIT_MS; open > 0 && performance.now() < end; )
        await new Promise(resolve => setTimeout(resolve, 20));
    },
  };
}
