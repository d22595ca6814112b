import { expect, test } from 'vitest';
import { ask, eventually, record, useApp } from '../support/app.ts';
import { buildTalk } from '../support/talk.ts';

const app = useApp();

test('a device that is gone stops what was typed on it, and not what is typed on another one', async () => {
  const { buyer, seller, outsider, thread } = await buildTalk(app);
  const [typing, idle] = [await app.connect(buyer, '/chat'), await app.connect(buyer, '/chat')];
  const [reader, stranger] = [await app.connect(seller, '/chat'), await app.connect(outsider, '/chat')];
  const heard = record(reader, 'typing:updated');
  await ask(typing, 'typing:start', { thread_id: thread.id });
  for (const socket of [idle, stranger]) socket.close();
  const connections = async () => /parthub_connections\{of="\/chat"\} (\d+)/.exec((await app.get(null, '/metrics')).body)?.[1]; // biome-ignore format: one line reads better
  await eventually(async () => expect(await connections()).toBe('2'));
  for (let n = 0; n < 5; n += 1) await ask(reader, 'thread:list', {});
  expect(heard.map(push => push.state)).toEqual(['start']);
  typing.close();
  // Long before its 7 s of silence.
  await eventually(() => expect(heard.map(push => push.state)).toEqual(['start', 'stop']), 3_000);
});
