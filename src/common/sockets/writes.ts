import type { Connection } from './connections.ts';
import { framesOf } from './frames.ts';

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

/** A packet that leaves alone is likely to leave so on many connections: with their options they share its frame. */
function joinPackets(engine: Engine): void {
  const packets = engine.writeBuffer;
  if (packets.length === 0) return;
  const options = packets.length === 1 ? packets[0]!.options : {};
  options.wsPreEncodedFrame ??= [framesOf(packets.map(({ data }) => data!))];
  if (packets.length > 1) engine.writeBuffer = [{ type: 'message', options }];
}
