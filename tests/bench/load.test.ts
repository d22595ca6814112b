import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Server, type Socket } from 'socket.io';
import { expect, onTestFinished, test } from 'vitest';
import type { Load, Measured } from '../../bench/chat/measured.ts';
import { runLoad } from '../../bench/support/load.ts';
import { eventually } from '../support/eventually.ts';

test('a round ends when all of it is answered, so that the next one does not pay for it', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const io = new Server(server, { transports: ['websocket'] });
  onTestFinished(() => void io.close());
  let open = 0;
  const leftBehind: number[] = [];
  io.of('/chat').on('connection', (socket: Socket) => {
    socket.emit('session:ready', {});
    socket.on('disconnect', () => leftBehind.push(open));
    socket.on('message:send', async (message: object, ack: (reply: object) => void) => {
      open += 1;
      await pause(800);
      io.of('/chat').emit('message:created', { message });
      ack({ ok: true });
      open -= 1;
    });
  });
  const { port } = server.address() as AddressInfo;
  const load: Load = {
    url: `http://127.0.0.1:${port}`,
    pairs: [{ thread_id: 't', sender: { user_id: 'a', access: '' }, recipient: { user_id: 'b', access: '' } }],
    ...{ devices: 1, inFlight: 4, warmUpMs: 100, measureMs: 1_000, bell: false },
  };
  const { result } = await runLoad<Measured>(join(import.meta.dirname, '../../bench/chat/load.ts'), [], load, {});
  await eventually(() => expect(leftBehind).toEqual([0, 0]));
  expect(result).toMatchObject({ lost: 0, twice: 0, disordered: 0, failures: 0 });
});
