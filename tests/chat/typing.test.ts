import { expect, test } from 'vitest';
import { setThreadLock } from '../../src/chat/service/thread-changes.ts';
import { ask, eventually, once, record, useApp } from '../support/app.ts';
import { buildTalk, done, message } from '../support/talk.ts';
import { asStaff } from '../support/worlds.ts';

// 7 s of silence are 350 ms here, 3 s between two relays 150 ms.
const app = useApp({ TEST_TIME_SCALE: '20' });

async function buildTyping() {
  const talk = await buildTalk(app);
  const [writer, reader] = [await app.connect(talk.buyer, '/chat'), await app.connect(talk.seller, '/chat')];
  const heard = record(reader, 'typing:updated');
  const start = () => writer.emit('typing:start', { thread_id: talk.thread.id });
  const push = { thread_id: talk.thread.id, user_id: talk.buyer.id, expires_in_ms: 7000 };
  return {
    ...talk,
    writer,
    reader,
    heard,
    start,
    started: { ...push, state: 'start' },
    stopped: { ...push, state: 'stop' },
  };
}

test('the other side hears that somebody writes, and that they stopped; the writer does not', async () => {
  const { writer, heard, start, started, stopped, thread } = await buildTyping();
  const own = record(writer, 'typing:updated');
  start();
  await eventually(() => expect(heard).toEqual([started]));
  writer.emit('typing:stop', { thread_id: thread.id });
  await eventually(() => expect(heard).toEqual([started, stopped]));
  await ask(writer, 'thread:list', {});
  expect(own).toEqual([]);
});

test('many starts are relayed once in 3 s, and keep it going', async () => {
  const { heard, start, started, stopped } = await buildTyping();
  const beganAt = performance.now();
  while (performance.now() - beganAt < 500) {
    start();
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  expect(heard.length).toBeLessThanOrEqual(4);
  expect(new Set(heard.map(push => push.state))).toEqual(new Set(['start']));
  await eventually(() => expect(heard.at(-1)).toEqual(stopped));
  expect(heard[0]).toEqual(started);
});

test('start and stop in turns are relayed once in 3 s too', async () => {
  const { writer, heard, start, thread } = await buildTyping();
  const beganAt = performance.now();
  for (let turn = 0; turn < 50; turn += 1) {
    start();
    writer.emit('typing:stop', { thread_id: thread.id });
  }
  await ask(writer, 'thread:list', {});
  const windows = Math.ceil((performance.now() - beganAt) / 150);
  expect(heard.filter(push => push.state === 'start').length).toBeLessThanOrEqual(windows);
});

test('after 7 s of silence it has stopped', async () => {
  const { heard, start, started, stopped } = await buildTyping();
  start();
  await eventually(() => expect(heard).toEqual([started, stopped]));
});

test('the message itself ends it, right after it arrived', async () => {
  const { reader, writer, heard, start, stopped, thread } = await buildTyping();
  const order: string[] = [];
  for (const event of ['message:created', 'typing:updated']) reader.on(event, () => order.push(event));
  start();
  await eventually(() => expect(heard).toHaveLength(1));
  await done(writer, 'message:send', message(thread));
  await eventually(() => expect(heard.at(-1)).toEqual(stopped));
  expect(order).toEqual(['typing:updated', 'message:created', 'typing:updated']);
});

test('a start and a stop without a pause are heard in their order', async () => {
  for (let round = 0; round < 5; round += 1) {
    const { writer, heard, start, started, stopped, thread } = await buildTyping();
    start();
    writer.emit('typing:stop', { thread_id: thread.id });
    await eventually(() => expect(heard).toHaveLength(2));
    expect(heard).toEqual([started, stopped]);
  }
});

test('a message does not end what was begun after it', async () => {
  const { reader, writer, heard, start, started, stopped, thread } = await buildTyping();
  const sent = done(writer, 'message:send', message(thread));
  start();
  await sent;
  await ask(writer, 'typing:start', { thread_id: thread.id });
  await ask(reader, 'thread:list', {});
  // On a busy machine the second start comes late enough to be told too.
  expect(heard).toContainEqual(started);
  expect(heard).not.toContainEqual(stopped);
  await eventually(() => expect(heard.at(-1)).toEqual(stopped));
});

test('a connection that is gone writes no more', async () => {
  const { writer, heard, start, stopped } = await buildTyping();
  start();
  await eventually(() => expect(heard).toHaveLength(1));
  const closedAt = performance.now();
  writer.close();
  await eventually(() => expect(heard.at(-1)).toEqual(stopped));
  expect(performance.now() - closedAt).toBeLessThan(300);
});

test('S-84: of an outsider, and in a locked thread, nobody hears anything', async () => {
  const { outsider, reader, writer, heard, start, thread } = await buildTyping();
  const stranger = await app.connect(outsider, '/chat');
  const overheard = record(stranger, 'typing:updated');
  stranger.emit('typing:start', { thread_id: thread.id });
  stranger.emit('typing:stop', { thread_id: thread.id });
  start();
  await eventually(() => expect(heard).toHaveLength(1));
  const locked = once(reader, 'thread:updated');
  await asStaff(app, ctx => setThreadLock(ctx, thread.id, true));
  await locked;
  writer.emit('typing:stop', { thread_id: thread.id });
  start();
  await ask(stranger, 'thread:list', {});
  await ask(writer, 'thread:list', {});
  await ask(reader, 'thread:list', {});
  expect(overheard).toEqual([]);
  expect(heard).toHaveLength(1);
});

test('a volatile event is handled at once, however much waits before it, and needs no ack', async () => {
  const { writer, heard, start, started, thread } = await buildTyping();
  let isDone = false;
  const lists = Array.from({ length: 60 }, () => ask(writer, 'thread:list', {}));
  const sent = ask(writer, 'message:send', message(thread)).then(() => (isDone = true));
  start();
  await eventually(() => expect(heard).toEqual([started]));
  expect(isDone).toBe(false);
  await Promise.all([...lists, sent]);
});
