import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import * as ws from 'ws';
import { eventPacket, framesOf, namespaceOfPacket } from '../../src/common/sockets/frames.ts';

// The types of `ws` do not know it.
const { Receiver } = ws as unknown as { Receiver: new (options: { isServer: boolean }) => Writable };

/** What a WebSocket of `ws` hears, piece by piece. */
async function heard(...pieces: Buffer[]): Promise<string[]> {
  const receiver = new Receiver({ isServer: false });
  const messages: string[] = [];
  receiver.on('message', (data: Buffer, isBinary: boolean) => messages.push(`${isBinary}:${data}`));
  for (const piece of pieces) receiver.write(piece);
  receiver.end();
  await once(receiver, 'finish');
  return messages;
}

test('a frame of any size is one text message of the Engine.IO type `message`', async () => {
  for (const bytes of [1, 124, 125, 126, 127, 65_534, 65_535, 65_536, 200_000]) {
    const packet = 'x'.repeat(bytes - 1);
    expect(await heard(framesOf([packet]))).toEqual([`false:4${packet}`]);
  }
});

test('sizes are those of UTF-8, and frames that leave as one piece stay apart', async () => {
  const packets = ['Салом, 🚗', 'ў'.repeat(63), 'Ғ'.repeat(40_000), ''];
  expect(await heard(framesOf(packets))).toEqual(packets.map(packet => `false:4${packet}`));
});

test('a packet is what Socket.IO writes of an event, and tells its namespace', () => {
  const packet = eventPacket('/chat', 'message:created', { text: 'a,\n"b"' });
  expect(packet).toBe('2/chat,["message:created",{"text":"a,\\n\\"b\\""}]');
  expect(packet).not.toContain('\n');
  expect(namespaceOfPacket(packet)).toBe('/chat');
});
