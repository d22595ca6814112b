import type { Socket } from 'socket.io-client';
import type { SocketLike } from '../../src/client/ask.ts';

export interface Faults {
  /** 0 … 1, seeded. */
  random: () => number;
  isOn: boolean;
}

/** mulberry32: the same seed, the same faults. */
export function seeded(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const connectionEvents = new Set(['session:ready', 'disconnect']);

/** A socket whose pushes are lost, repeated and late, and whose acks are lost: as networks do, only more often. */
export function faultySocket(socket: Socket, faults: Faults): SocketLike {
  return {
    on(event, listener) {
      if (connectionEvents.has(event)) return socket.on(event, listener);
      return socket.on(event, payload => {
        const fate = faults.isOn ? faults.random() : 1;
        if (fate < 0.2) return;
        if (fate < 0.4) setTimeout(listener, 1 + faults.random() * 30, payload);
        if (fate < 0.35 || fate >= 0.4) listener(payload);
        if (fate > 0.85 && faults.isOn) listener(payload);
      });
    },
    timeout: ms => ({
      async emitWithAck(event, payload) {
        const isLost = faults.isOn && faults.random() < 0.25;
        const ack: unknown = await socket.timeout(ms).emitWithAck(event, payload);
        if (isLost) throw new Error('the ack was lost');
        return ack;
      },
    }),
  };
}
