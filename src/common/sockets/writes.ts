import type { Duplex } from 'node:stream';
import type { Connection } from './connections.ts';

/** What engine.io's socket has beside its public parts. */
interface Engine {
  flush(): void;
  transport: { socket?: { _socket: Duplex | null } };
}

let waiting = new Set<Engine>();

/**
 * Packets that one turn of the event loop brings for a connection leave by one system call, where the library makes one
 * for each: it costs more than all else that is done for a packet. Of a push and the ack after it one is saved.
 */
export function writeOncePerTurn(connection: Connection): void {
  (connection as unknown as Engine).flush = flushLater;
}

function flushLater(this: Engine): void {
  if (waiting.size === 0) setImmediate(flushAll);
  waiting.add(this);
}

function flushAll(): void {
  const now = waiting;
  waiting = new Set();
  for (const engine of now) {
    const { flush } = Object.getPrototypeOf(engine) as Engine;
    const stream = engine.transport.socket?._socket;
    stream?.cork();
    flush.call(engine);
    stream?.uncork();
  }
}
