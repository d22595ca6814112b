import { expect, test } from 'vitest';
import { operations } from '../../src/chat/contract.ts';
import type { Operation } from '../../src/common/operations.ts';
import { ask, newClientId, useApp } from '../support/app.ts';
import { buildTalk, done, message } from '../support/talk.ts';

const app = useApp({ RATE_LIMITS: 'relaxed' });
const eventNames = (Object.values(operations) as Operation[]).flatMap(one => one.socket ?? []);
const acked = (Object.values(operations) as Operation[]).flatMap(one => (one.volatile ? [] : (one.socket ?? [])));
const refused = (code: string) => ({ ok: false, error: { code } });

test('S-76: null, a list, a number, bytes or five arguments are validation_failed for every event', async () => {
  const { buyer, thread } = await buildTalk(app);
  const socket = await app.connect(buyer, '/chat');
  for (const event of acked) {
    for (const payload of [null, [], 7, 'text', true, [{ thread_id: thread.id }]])
      expect([event, await ask(socket, event, payload)]).toMatchObject([event, refused('validation_failed')]);
    const five = await socket.timeout(5_000).emitWithAck(event, {}, {}, {}, {}, {});
    expect(five).toMatchObject(refused('validation_failed'));
  }
  expect(await ask(socket, 'message:send', message(thread))).toMatchObject({ ok: true });
});

test('S-76: bytes in a payload are refused, and the connection serves others still', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const [socket, other] = [await app.connect(buyer, '/chat'), await app.connect(seller, '/chat')];
  expect(await ask(socket, 'message:send', { ...message(thread), text: Buffer.from('x') }).catch(() => null)).not.toMatchObject({ ok: true }); // biome-ignore format: one line reads better
  expect(await ask(other, 'message:send', message(thread))).toMatchObject({ ok: true });
});

test('S-76: without an ack an event is handled all the same', async () => {
  const { buyer, thread } = await buildTalk(app);
  const socket = await app.connect(buyer, '/chat');
  socket.emit('message:send', message(thread));
  socket.emit('message:send', null);
  expect(await done(socket, 'message:send', message(thread))).toMatchObject({ message: { seq: 2 } });
});

test('S-76, S-77: event names that mean something to an emitter or an object are unknown_event', async () => {
  const { buyer, thread } = await buildTalk(app);
  const socket = await app.connect(buyer, '/chat');
  for (const name of [
    'toString',
    '__proto__',
    'constructor',
    'prototype',
    'hasOwnProperty',
    'message:',
    'MESSAGE:SEND',
    '',
  ])
    expect([name, await ask(socket, name, message(thread))]).toMatchObject([name, refused('unknown_event')]);
});

test('S-77: __proto__, constructor and prototype as keys or ids change nothing', async () => {
  const { buyer, thread } = await buildTalk(app);
  const socket = await app.connect(buyer, '/chat');
  const wire = (text: string) => JSON.parse(text) as object;
  const poisoned = wire(`{"thread_id":"${thread.id}","client_id":"${message(thread).client_id}","text":"a","__proto__":{"x":1},"constructor":{"prototype":{"x":1}}}`); // biome-ignore format: one line reads better
  const acks = [
    await ask(socket, 'message:send', poisoned),
    await ask(socket, 'thread:get', { thread_id: '__proto__' }),
    await ask(socket, 'sync:pull', { threads: [{ thread_id: 'constructor', rev: 1 }] }),
  ];
  for (const ack of acks.slice(1)) expect(ack).toMatchObject(refused('validation_failed'));
  expect((await app.get(buyer, '/api/chat/threads/__proto__/')).status).toBe(404);
  expect((await app.get(buyer, '/api/chat/threads/?__proto__=1&constructor=2&prototype=3')).status).toBe(200);
  expect((await app.post(buyer, '/api/chat/send/', '{"__proto__":{"thread_id":"x"}}')).status).toBe(400);
  // seen by a later answer
  expect(({} as { x?: number }).x).toBeUndefined();
  const { thread: view } = await done(socket, 'thread:get', { thread_id: thread.id });
  expect(view).not.toHaveProperty('x');
});

test('S-81: an error in one event is `internal` to that socket alone, and the server serves on', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const [socket, other] = [await app.connect(buyer, '/chat'), await app.connect(seller, '/chat')];
  const em = app.orm.em.fork();
  await em.execute('alter table reports rename to reports_away');
  try {
    const report = { client_id: message(thread).client_id, target: { type: 'user', id: seller.id }, reason: 'spam' };
    const ack = await ask(socket, 'report:create', report);
    expect(ack).toMatchObject({ ok: false, error: { code: 'internal', retryable: false } });
    expect(JSON.stringify(ack)).not.toMatch(/reports|relation|sql|stack/i);
    for (const one of [socket, other])
      expect(await ask(one, 'message:send', message(thread))).toMatchObject({ ok: true });
  } finally {
    await em.execute('alter table reports_away rename to reports');
  }
});

test('S-35: ids, numbers and times that a client sends along are not applied', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const forged = { sender_id: seller.id, sender: { id: seller.id }, id: thread.id, seq: 99, rev: 99, type: 'system', created_at: '2020-01-01T00:00:00.000Z', user_id: seller.id }; // biome-ignore format: one line reads better
  const { body } = await app.post(buyer, '/api/chat/send/', { ...message(thread), ...forged });
  expect(body.message).toMatchObject({ sender: { id: buyer.id, kind: 'user' }, seq: 1, rev: 2, type: 'text' });
  expect(body.message.id).not.toBe(thread.id);
  expect(Date.parse(body.message.created_at)).toBeGreaterThan(Date.now() - 60_000);
});

test('S-51: every text field takes quotes and wildcards, and refuses NUL, without an error of the server', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const socket = await app.connect(buyer, '/chat');
  for (const text of ["'", '%', '_', '\\', ':*', '!', '&', "'; drop table messages; --", '$1', '?']) {
    const sent = await done(socket, 'message:send', message(thread, { text }));
    expect(sent.message.text).toBe(text);
    expect(await ask(socket, 'message:search', { q: `${text}${text}` })).toMatchObject({ ok: true });
    const target = { thread_id: thread.id, message_id: sent.message.id };
    expect(await ask(socket, 'message:edit', { ...target, text: `${text} ` })).toMatchObject({ ok: true });
    const { id } = await app.buildUser();
    const report = { client_id: newClientId(), target: { type: 'user', id }, reason: 'other', comment: text };
    expect(await ask(socket, 'report:create', report)).toMatchObject({ ok: true });
  }
  for (const [event, payload] of [
    ['message:send', message(thread, { text: 'a\u0000' })],
    ['message:search', { q: 'a\u0000b' }],
    [
      'report:create',
      { client_id: thread.id, target: { type: 'user', id: seller.id }, reason: 'spam', comment: '\u0000' },
    ],
  ] as const)
    expect(await ask(socket, event, payload)).toMatchObject(refused('validation_failed'));
  expect(eventNames.length).toBeGreaterThan(20);
});
