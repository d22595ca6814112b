import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server, type Socket } from 'socket.io';

export interface Sent {
  thread_id: string;
  client_id: string;
  text: string;
}

/** The socket side that all baselines share: a room per user, nothing else of Parthub's. */
export function listen(onSend: (io: Server, userId: string, message: Sent) => Promise<unknown>): void {
  const server = createServer();
  const io = new Server(server, { transports: ['websocket'], perMessageDeflate: false, serveClient: false });
  io.of('/chat').on('connection', (socket: Socket) => {
    const userId = socket.handshake.auth['user_id'] as string;
    void socket.join(`user:${userId}`);
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

/** To both participants, as every chat that shows a message on all devices of its sender. */
export function tellBoth(io: Server, userIds: readonly string[], message: object): void {
  io.of('/chat')
    .to(userIds.map(id => `user:${id}`))
    .emit('message:created', { message });
}
