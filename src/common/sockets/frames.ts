import { type Packet, PacketType } from 'socket.io-parser';
import type { Namespace } from '../operations.ts';

/** An event or an ack as Socket.IO's protocol writes it, if all of it is JSON. */
export function packetOf({ type, nsp, id, data }: Pick<Packet, 'type' | 'nsp' | 'id' | 'data'>): string {
  return `${type}${nsp === '/' ? '' : `${nsp},`}${id ?? ''}${JSON.stringify(data)}`;
}

/** An event without an ack. */
export function eventPacket(namespace: Namespace, name: string, payload: unknown): string {
  return packetOf({ type: PacketType.EVENT, nsp: namespace, data: [name, payload] });
}

export function namespaceOfPacket(packet: string): string {
  return packet.slice(1, packet.indexOf(','));
}

const FINAL_TEXT = 0x81;
const MESSAGE = '4'.charCodeAt(0);

/**
 * The WebSocket frame (RFC 6455, section 5.2; servers do not mask) of a packet in a message of Engine.IO: in one piece, where
 * `ws` writes a header and a body.
 */
export function frameOf(packet: string): Buffer {
  const bytes = 1 + Buffer.byteLength(packet);
  const headerBytes = bytes < 126 ? 2 : bytes < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(headerBytes + bytes);
  frame[0] = FINAL_TEXT;
  if (headerBytes === 2) frame[1] = bytes;
  else if (headerBytes === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(bytes, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(bytes), 2);
  }
  frame[headerBytes] = MESSAGE;
  frame.write(packet, headerBytes + 1);
  return frame;
}
