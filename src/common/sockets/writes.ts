import type { Duplex } from 'node:stream';
import type { Connection } from './connections.ts';

interface WebSocketTransport {
  socket: { _socket: Duplex | null };
  send(packets: readonly unknown[]): void;
}

/**
 * What has gathered for a connection while something was on its way goes out by one system call, where the library makes one
 * for each frame: of all that a push costs it is the most.
 */
export function writeTogether({ transport }: Connection): void {
  (transport as unknown as WebSocketTransport).send = sendTogether;
}

function sendTogether(this: WebSocketTransport, packets: readonly unknown[]): void {
  const { send } = Object.getPrototypeOf(this) as WebSocketTransport;
  const { _socket: stream } = this.socket;
  stream?.cork();
  send.call(this, packets);
  stream?.uncork();
}
