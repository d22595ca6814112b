import { Decoder, Encoder, type Packet, PacketType } from 'socket.io-parser';
import { AppError, presentError } from '../errors.ts';
import { randomToken } from '../ids.ts';
import { sessionLimits } from '../session.ts';
import { packetOf } from './frames.ts';

const tooLarge = new WeakSet<object>();

/** Whether an event, its attachments included, is above the limit; the parser is the only place that sees its size. */
export function isTooLarge(event: object): boolean {
  return tooLarge.has(event);
}

class MeasuringDecoder extends Decoder {
  #bytes = 0;

  constructor() {
    super();
    // Registered before Socket.IO's own listener, so it runs first.
    super.on('decoded', ({ data }) => {
      if (this.#bytes > sessionLimits.event_bytes && Array.isArray(data)) tooLarge.add(data);
    });
  }

  /**
   * Socket.IO leaves a namespace at the end of the turn, and closes a connection that asks for one which it has not left
   * yet: who leaves and comes back at once (`disconnect().connect()`) would be closed in all of them.
   */
  override on(event: 'decoded', listener: (packet: Packet) => void): this {
    const inOrder = (packet: Packet) => {
      if (packet.type === PacketType.CONNECT) process.nextTick(listener, packet);
      else listener(packet);
    };
    // So it is found when the listener is taken away.
    return super.on(event, Object.assign(inOrder, { fn: listener }));
  }

  /** Attachments follow the text that they belong to. */
  override add(frame: string | Buffer): void {
    const bytes = Buffer.byteLength(frame);
    this.#bytes = typeof frame === 'string' ? bytes : this.#bytes + bytes;
    super.add(frame);
  }
}

/**
 * What we send is JSON: its values need not be searched for binary ones, which takes as long as writing them. Socket.IO's
 * own refusal of an unknown namespace has neither code nor data; this gives it ours.
 */
class JsonEncoder extends Encoder {
  override encode(packet: Packet): unknown[] {
    const { type, data } = packet;
    if (type === PacketType.EVENT || type === PacketType.ACK) return [packetOf(packet)];
    if (type === PacketType.CONNECT_ERROR && data?.message === 'Invalid namespace')
      return super.encode({ ...packet, data: refusalData(new AppError('namespace_unknown')) });
    return super.encode(packet);
  }
}

/** What `connect_error` carries: `message` is the code, `data` the whole error. */
export function refusalData(error: AppError): { message: string; data: object } {
  return { message: error.code, data: presentError(error, randomToken()) };
}

export const parser = { Encoder: JsonEncoder, Decoder: MeasuringDecoder };
