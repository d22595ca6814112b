import type { Connection } from './connections.ts';
import { frameOf } from './frames.ts';

interface Packet {
  type: string;
  data?: string;
  options: { wsPreEncodedFrame?: Buffer[] };
}

/** What engine.io's socket has beside its public parts. */
interface Engine {
  flush(): void;
  writeBuffer: Packet[];
  transport: { writable: boolean; socket?: { readyState: number } };
}

const OPEN = 1;
let waiting = new Set<Engine>();

/**
 * Packets that one turn of the event loop brings for a connection leave as one piece by one system call, where the library
 * makes one for each: it costs more than all else that is done for a packet. Of a push and the ack after it one is saved.
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
    const { writable, socket } = engine.transport;
    if (writable && socket?.readyState === OPEN && engine.writeBuffer.every(isMessage)) joinPackets(engine);
    (Object.getPrototypeOf(engine) as Engine).flush.call(engine);
  }
}

const isMessage = ({ type, data }: Packet) => type === 'message' && typeof data === 'string';

function joinPackets(engine: Engine): void {
  const pieces: Buffer[] = [];
  // The library's own frames, of a broadcast, come in two.
  for (const { data, options } of engine.writeBuffer) pieces.push(...(options.wsPreEncodedFrame ?? [frameOf(data!)]));
  if (pieces.length === 0) return;
  const joined = pieces.length > 1 ? Buffer.concat(pieces) : pieces[0]!;
  engine.writeBuffer = [{ type: 'message', options: { wsPreEncodedFrame: [joined] } }];
}
