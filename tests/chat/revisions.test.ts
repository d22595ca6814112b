import { randomUUID } from 'node:crypto';
import type { Socket } from 'socket.io-client';
import { expect, test } from 'vitest';
import { ask, record, useApp } from '../support/app.ts';
import { buildTalk, done, message } from '../support/talk.ts';

const app = useApp();

const durable = [
  'thread:updated',
  'message:created',
  'message:edited',
  'message:deleted',
  'message:reacted',
  'receipt:updated',
];

/** The revisions of every durable push, in the order in which they came. */
function revisionsOf(socket: Socket): number[] {
  const heard: number[] = [];
  for (const event of durable) socket.on(event, ({ rev }: { rev: number }) => heard.push(rev));
  return heard;
}

test('G4: every durable change raises the revision by exactly one, for both sides alike; a private one does not', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const [mine, theirs] = [await app.connect(buyer, '/chat'), await app.connect(seller, '/chat')];
  const heard = [mine, theirs].map(revisionsOf);
  const { rev: first } = (await done(mine, 'thread:get', { thread_id: thread.id })).thread;
  const at = { thread_id: thread.id };
  const sent = (await done(mine, 'message:send', message(thread))).message;
  await done(theirs, 'thread:delivered', { items: [{ ...at, seq: 1 }] });
  await done(theirs, 'thread:read', { ...at, seq: 1 });
  await done(theirs, 'message:react', { ...at, message_id: sent.id, emoji: '👍', op: 'add' });
  await done(mine, 'message:edit', { ...at, message_id: sent.id, text: 'And now?' });
  await done(theirs, 'thread:mute', { ...at, until: null });
  await done(theirs, 'thread:archive', { ...at, archived: true });
  await done(theirs, 'thread:mark-unread', at);
  await done(mine, 'message:delete', { ...at, message_id: sent.id });
  const shared = (await done(mine, 'thread:get', at)).thread;
  await ask(theirs, 'thread:get', at);
  expect(shared.rev).toBe(first + 6);
  for (const revisions of heard) expect(revisions).toEqual([2, 3, 4, 5, 6, 7]);
  expect(shared).toMatchObject({ last_seq: 1, me: { rev: 1 } });
});

test('G8: that somebody writes is stored nowhere: no revision, nothing in a pull', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const [writer, reader] = [await app.connect(buyer, '/chat'), await app.connect(seller, '/chat')];
  const before = await done(reader, 'sync:pull', {});
  const typing = record(reader, 'typing:updated');
  writer.emit('typing:start', { thread_id: thread.id });
  await ask(writer, 'thread:list', {});
  await ask(reader, 'thread:list', {});
  expect(typing).toMatchObject([{ state: 'start', expires_in_ms: 7_000 }]);
  expect(await done(reader, 'sync:pull', {})).toEqual(before);
});

test('G9: every device of the sender hears what was sent, the sending one too, whichever door it came by', async () => {
  const { buyer, thread } = await buildTalk(app);
  const devices = [await app.connect(buyer, '/chat'), await app.connect(buyer, '/chat')];
  const heard = devices.map(device => record(device, 'message:created'));
  const [first, second] = [message(thread), message(thread, { client_id: randomUUID() })];
  await done(devices[0]!, 'message:send', first);
  await app.post(buyer, '/api/chat/send/', second);
  for (const device of devices) await ask(device, 'thread:list', {});
  for (const pushes of heard)
    expect(pushes.map(push => push.message.client_id)).toEqual([first.client_id, second.client_id]);
});
