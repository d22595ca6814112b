import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server, type Socket } from 'socket.io';

export interface Sent {
  thread_id: string;
  client_id: string;
  text: string;
}

/** The socket side that all baselines share: a room per user unless others are named, nothing else of Parthub's. */
export function listen(
  onSend: (io: Server, userId: string, message: Sent) => Promise<unknown>,
  roomOf = (userId: string) => `user:${userId}`,
): void {
  const server = createServer();
  const io = new Server(server, { transports: ['websocket'], perMessageDeflate: false, serveClient: false });
  io.of('/chat').on('connection', (socket: Socket) => {
    const userId = userOf(socket.handshake.auth['token']);
    void socket.join(roomOf(userId));
    socket.emit('session:ready', {});
    socket.on('message:send', (message: Sent, ack: (reply: unknown) => void) => {
      onSend(io, userId, message).then(
        data => ack({ ok: true, data }),
        error => {
          process.stderr.write(`${(error as Error).message}\n`);
          ack({ ok: false, error: { code: 'internal' } });
        },
      );
    });
  });
  server.listen(0, '127.0.0.1', () => {
    process.stdout.write(`listens on http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
  });
}

/** Believed as it is. */
function userOf(token: string): string {
  return JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()).sub;
}

/** To both participants, as every chat that shows a message on all devices of its sender. */
export function tellBoth(io: Server, userIds: readonly string[], message: object): void {
  io.of('/chat')
    .to(userIds.map(id => `user:${id}`))
    .emit('message:created', { message });
}
