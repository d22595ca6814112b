import type { RawCall } from '../execute.ts';
import { userAgentOf } from '../http/request.ts';
import { randomToken } from '../ids.ts';
import type { ClientSocket } from './handshake.ts';

/** One event of a client: the call and its ack in one object, for very many are under way at a time. */
export class EventCall implements RawCall {
  readonly now = new Date();
  readonly arrivedAt = performance.now();
  readonly socket: ClientSocket;
  readonly raw: unknown;
  readonly ack: ((reply: object) => void) | null;
  readonly reportLimit: NonNullable<RawCall['reportLimit']>;
  #requestId: string | undefined;

  constructor(socket: ClientSocket, packet: readonly unknown[], reportLimit: EventCall['reportLimit']) {
    const last = packet.at(-1);
    this.socket = socket;
    this.raw = packet[1];
    this.ack = typeof last === 'function' ? (last as EventCall['ack']) : null;
    this.reportLimit = reportLimit;
  }

  get actor() {
    return this.socket.data.actor;
  }

  get isRevoked() {
    return this.socket.data.isRevoked === true;
  }

  get ip() {
    return this.socket.data.ip;
  }

  get userAgent() {
    return userAgentOf(this.socket.handshake.headers);
  }

  get connection() {
    return this.socket.id;
  }

  /** Most calls never need one. */
  get requestId() {
    this.#requestId ??= randomToken();
    return this.#requestId;
  }
}
