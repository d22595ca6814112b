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
 * The WebSocket frames (RFC 6455, section 5.2; servers do not mask) of packets, each in a message of Engine.IO: all in one
 * piece, where `ws` writes a header and a body for each.
 */
export function framesOf(packets: readonly string[]): Buffer {
  const lengths = packets.map(packet => 1 + Buffer.byteLength(packet));
  const frames = Buffer.allocUnsafe(lengths.reduce((sum, bytes) => sum + headerBytesOf(bytes) + bytes, 0));
  let at = 0;
  for (const [index, packet] of packets.entries()) {
    at = writeHeader(frames, lengths[index]!, at);
    at = frames.writeUInt8(MESSAGE, at);
    at += frames.write(packet, at);
  }
  return frames;
}

function headerBytesOf(bytes: number): number {
  return bytes < 126 ? 2 : bytes < 65_536 ? 4 : 10;
}

function writeHeader(frames: Buffer, bytes: number, from: number): number {
  const at = frames.writeUInt8(FINAL_TEXT, from);
  if (bytes < 126) return frames.writeUInt8(bytes, at);
  if (bytes < 65_536) return frames.writeUInt16BE(bytes, frames.writeUInt8(126, at));
  return frames.writeBigUInt64BE(BigInt(bytes), frames.writeUInt8(127, at));
}
