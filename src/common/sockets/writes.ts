import type { Server } from 'socket.io';
import type { Connection } from './connections.ts';

/** What engine.io's socket has beside its public parts; the tests of the socket door would notice if it were gone. */
interface Engine {
  flush(): void;
  transport: { socket?: { _socket?: { cork(): void; uncork(): void } } };
}

/**
 * Packets that one turn of the event loop brings for a connection leave in one write. The library writes each of them
 * by itself, and the system call costs more than all else that is done for a packet: of a push and the ack after it one
 * is saved.
 */
export function writeOncePerTurn(io: Server): void {
  let waiting = new Map<Engine, () => void>();

  function writeAll(): void {
    const now = waiting;
    waiting = new Map();
    for (const [{ transport }, flush] of now) {
      const stream = transport.socket?._socket;
      stream?.cork();
      flush();
      stream?.uncork();
    }
  }

  io.engine.on('connection', (connection: Connection) => {
    const engine = connection as unknown as Engine;
    const flush = engine.flush.bind(engine);
    engine.flush = () => {
      if (waiting.size === 0) setImmediate(writeAll);
      waiting.set(engine, flush);
    };
  });
}
