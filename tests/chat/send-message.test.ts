import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { ask, eventually, once, record, useApp } from '../support/app.ts';
import { waiting } from '../support/locks.ts';
import { buildTalk, done, message } from '../support/talk.ts';

const app = useApp({ RATE_LIMITS: 'relaxed' });
const uuid = expect.stringMatching(/^[0-9a-f-]{36}$/);
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

test('a message is stored before it is acknowledged, and heard by both participants', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const [mine, theirs] = [await app.connect(buyer, '/chat'), await app.connect(seller, '/chat')];
  const heard = [once(mine, 'message:created'), once(theirs, 'message:created')];
  const sent = message(thread, { text: '  Is the pump new?\n' });
  const ack = await ask(mine, 'message:send', sent);
  const stored = {
    id: uuid,
    thread_id: thread.id,
    ...{ seq: 1, rev: 2, client_id: sent.client_id },
    sender: { id: buyer.id, kind: 'user' },
    ...{ type: 'text', text: 'Is the pump new?', attachments: [], reply_to: null, reactions: [], part_numbers: [] },
    ...{ created_at: time, edited_at: null, deleted_at: null },
  };
  expect(ack).toEqual({ ok: true, data: { message: stored, duplicate: false } });
  const push = { thread_id: thread.id, rev: 2, at: ack.ok && ack.data.message.created_at, message: ack.ok && ack.data.message }; // biome-ignore format: one line
  expect(await Promise.all(heard)).toEqual([push, push]);
  const history = await app.get(seller, `/api/chat/threads/${thread.id}/messages/`);
  expect(history.body.results).toEqual([push.message]);
});

test('both doors give the same view of a message', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const socket = await app.connect(seller, '/chat');
  const heard = once(socket, 'message:created');
  const { status, body } = await app.post(buyer, '/api/chat/send/', message(thread));
  expect(status).toBe(201);
  expect(body).toMatchObject({ duplicate: false, message: { seq: 1, rev: 2 } });
  expect((await heard).message).toEqual(body.message);
  const page = await ask(socket, 'thread:history', { thread_id: thread.id });
  expect(page.ok && page.data.messages).toEqual([body.message]);
});

test('an outsider neither sends nor hears', async () => {
  const { buyer, outsider, thread } = await buildTalk(app);
  const socket = await app.connect(outsider, '/chat');
  const heard = record(socket, 'message:created');
  expect(await app.post(outsider, '/api/chat/send/', message(thread))).toMatchObject({
    status: 404,
    body: { code: 'not_found' },
  });
  await app.post(buyer, '/api/chat/send/', message(thread));
  // packets of one socket arrive in order: this ack says that no push came before it
  expect(await ask(socket, 'message:send', message(thread))).toMatchObject({
    ok: false,
    error: { code: 'not_found' },
  });
  expect(heard).toEqual([]);
});

test('G3: twenty sockets of the two users sending in parallel leave no hole in seq', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const sockets = await Promise.all(
    Array.from({ length: 20 }, (_, index) => app.connect(index % 2 ? buyer : seller, '/chat')),
  );
  const listener = record(sockets[0]!, 'message:created');
  const acks = await Promise.all(
    sockets.flatMap(socket => Array.from({ length: 20 }, () => ask(socket, 'message:send', message(thread)))),
  );
  const seqs = acks.map(ack => ack.ok && ack.data.message.seq).sort((a, b) => a - b);
  expect(seqs).toEqual(Array.from({ length: 400 }, (_, index) => index + 1));
  await eventually(() => expect(listener).toHaveLength(400));
  expect(listener.map(push => push.message.seq)).toEqual(seqs);
  expect(listener.map(push => push.rev)).toEqual(seqs.map(seq => seq + 1));
});

test('G3: what one socket pipelines is numbered in the order in which it was sent', async () => {
  const { buyer, thread } = await buildTalk(app);
  const socket = await app.connect(buyer, '/chat');
  const texts = Array.from({ length: 50 }, (_, index) => `${index}`);
  const acks = await Promise.all(texts.map(text => ask(socket, 'message:send', message(thread, { text }))));
  expect(acks.map(ack => ack.ok && [ack.data.message.seq, ack.data.message.text])).toEqual(
    texts.map((text, index) => [index + 1, text]),
  );
});

test('S-46, G2: a client_id sent a hundred times over both doors is one message', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const [socket, other, peer] = [
    await app.connect(buyer, '/chat'),
    await app.connect(buyer, '/chat'),
    await app.connect(seller, '/chat'),
  ];
  const heard = record(peer, 'message:created');
  const same = message(thread);
  const answers = await Promise.all(
    Array.from({ length: 100 }, async (_, index) => {
      if (index % 3 === 0) return (await app.post(buyer, '/api/chat/send/', same)).body;
      const ack = await ask(index % 3 === 1 ? socket : other, 'message:send', same);
      return ack.ok && ack.data;
    }),
  );
  expect(new Set(answers.map(answer => answer.message.id)).size).toBe(1);
  expect(answers.filter(answer => !answer.duplicate)).toHaveLength(1);
  const repeated = await app.post(buyer, '/api/chat/send/', same);
  expect(repeated).toMatchObject({ status: 200, body: { duplicate: true } });
  const page = await ask(peer, 'thread:history', { thread_id: thread.id });
  expect(page.ok && page.data.messages).toEqual([repeated.body.message]);
  expect(new Set(heard.map(push => push.message.id)).size).toBe(1);
});

test('G2: a retry after a lost answer is pushed once more to all participants', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const same = message(thread);
  const first = await app.post(buyer, '/api/chat/send/', same);
  const sockets = [await app.connect(buyer, '/chat'), await app.connect(seller, '/chat')];
  const heard = sockets.map(socket => once(socket, 'message:created'));
  await app.post(buyer, '/api/chat/send/', same);
  for (const push of await Promise.all(heard)) expect(push).toMatchObject({ rev: 2, message: first.body.message });
});

test('G2: the same client_id with other content is idempotency_conflict, in another thread too', async () => {
  const [{ buyer, seller, thread }, other] = [await buildTalk(app), await buildTalk(app)];
  const same = message(thread);
  const first = await app.post(buyer, '/api/chat/send/', same);
  const conflict = { status: 422, body: { code: 'idempotency_conflict' } };
  for (const more of [{ text: 'Other' }, { reply_to: first.body.message.id }])
    expect(await app.post(buyer, '/api/chat/send/', { ...same, ...more })).toMatchObject(conflict);
  const thread2 = await app.post(seller, '/api/chat/start/', { post_id: other.thread.postId });
  const mine = message(thread);
  await app.post(seller, '/api/chat/send/', mine);
  expect(await app.post(seller, '/api/chat/send/', { ...mine, thread_id: thread2.body.thread.id })).toMatchObject(
    conflict,
  );
});

test('S-47: two senders who choose one client_id at the same moment, each of them twice, have a message each', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const sockets = await Promise.all([buyer, seller].map(user => app.connect(user, '/chat')));
  const same = message(thread);
  const acks = await Promise.all(
    [0, 1, 0, 1].map(at => done(sockets[at]!, 'message:send', { ...same, text: `of ${at}` })),
  );
  expect(acks.map(ack => ack.message.text)).toEqual(['of 0', 'of 1', 'of 0', 'of 1']);
  expect(acks.filter(ack => ack.duplicate)).toHaveLength(2);
  expect(new Set(acks.map(ack => ack.message.id)).size).toBe(2);
  expect((await done(sockets[0]!, 'thread:history', { thread_id: thread.id })).messages).toHaveLength(2);
});

test("S-47: another user's client_id neither collides nor shows their message", async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const same = message(thread);
  const first = await app.post(buyer, '/api/chat/send/', same);
  const second = await app.post(seller, '/api/chat/send/', { ...same, text: 'Mine' });
  expect(second).toMatchObject({ status: 201, body: { duplicate: false, message: { seq: 2, text: 'Mine' } } });
  expect(second.body.message.id).not.toBe(first.body.message.id);
});

test('one bad call of a batch fails alone', async () => {
  const [{ buyer, thread }, foreign] = [await buildTalk(app), await buildTalk(app)];
  const socket = await app.connect(buyer, '/chat');
  const used = message(thread);
  await ask(socket, 'message:send', used);
  const acks = await Promise.all([
    ask(socket, 'message:send', message(thread, { text: 'a' })),
    ask(socket, 'message:send', message(foreign.thread)),
    ask(socket, 'message:send', { ...used, text: 'changed' }),
    ask(socket, 'message:send', message(thread, { reply_to: randomUUID() })),
    ask(socket, 'message:send', message(thread, { text: 'b' })),
  ]);
  expect(acks.map(ack => (ack.ok ? ack.data.message.seq : ack.error.code))).toEqual([
    2,
    'not_found',
    'idempotency_conflict',
    'not_found',
    3,
  ]);
});

test('a reply shows what it answers, a message of another thread cannot be answered', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const text = '🚗'.repeat(150);
  const { body } = await app.post(buyer, '/api/chat/send/', message(thread, { text }));
  const reply = await app.post(seller, '/api/chat/send/', message(thread, { reply_to: body.message.id }));
  const { id, seq, created_at } = body.message;
  const preview = { id, seq, sender_id: buyer.id, type: 'text', text: '🚗'.repeat(140), created_at };
  expect(reply.body.message.reply_to).toEqual(preview);
  const page = await app.get(buyer, `/api/chat/messages/?thread_id=${thread.id}`);
  expect(page.body.results[1]).toEqual(reply.body.message);
  const foreign = await buildTalk(app);
  expect(
    await app.post(foreign.buyer, '/api/chat/send/', message(foreign.thread, { reply_to: body.message.id })),
  ).toMatchObject({ status: 404 });
});

test.each([
  ['nothing', {}, 'text'],
  ['only spaces', { text: ' \n ' }, 'text'],
  ['4,001 code points', { text: '🚗'.repeat(4_001) }, 'text'],
  ['a NUL', { text: 'a\u0000b' }, 'text'],
  ['an escape character', { text: 'a\u001b[31mb' }, 'text'],
  ['half a surrogate pair', { text: 'a\ud800b' }, 'text'],
  ['no text', { text: 42 }, 'text'],
  ['no UUID as client_id', { text: 'a', client_id: 'mine' }, 'client_id'],
])('a message of %s is refused', async (_what, content, path) => {
  const { buyer, thread } = await buildTalk(app);
  const { text: _, ...empty } = { text: '', ...message(thread) };
  const refused = await app.post(buyer, '/api/chat/send/', { ...empty, ...content });
  expect(refused).toMatchObject({ status: 400, body: { code: 'validation_failed', details: { fields: [{ path }] } } });
});

test('4,000 code points, new lines, tabs and any script are stored as they are', async () => {
  const { buyer, thread } = await buildTalk(app);
  for (const text of ['🚗'.repeat(4_000), 'Тормозные\n\tколодки', "O'zbekcha \\ % _ '", '<b>"&"</b>'])
    expect((await app.post(buyer, '/api/chat/send/', message(thread, { text }))).body.message.text).toBe(text);
  const decomposed = await app.post(buyer, '/api/chat/send/', message(thread, { text: 'й'.normalize('NFD') }));
  expect(decomposed.body.message.text).toBe('й'.normalize('NFC'));
});

test('over REST a missing client_id is filled in, on a socket it is needed', async () => {
  const { buyer, thread } = await buildTalk(app);
  const socket = await app.connect(buyer, '/chat');
  const { client_id: _, ...without } = message(thread);
  for (const seq of [1, 2])
    expect(await app.post(buyer, '/api/chat/send/', without)).toMatchObject({
      status: 201,
      body: { message: { seq } },
    });
  expect(await ask(socket, 'message:send', without)).toMatchObject({
    ok: false,
    error: { code: 'validation_failed', details: { fields: [{ path: 'client_id' }] } },
  });
});

test('an id in capitals is the same id', async () => {
  const { buyer, thread } = await buildTalk(app);
  const sent = message(thread);
  await app.post(buyer, '/api/chat/send/', sent);
  const again = { ...sent, client_id: sent.client_id.toUpperCase(), thread_id: thread.id.toUpperCase() };
  expect((await app.post(buyer, '/api/chat/send/', again)).body).toMatchObject({
    duplicate: true,
    message: { client_id: sent.client_id },
  });
});

test('sending reads: the own read position stands at the sent message, without a receipt', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const socket = await app.connect(buyer, '/chat');
  const receipts = record(socket, 'receipt:updated');
  await app.post(buyer, '/api/chat/send/', message(thread));
  await ask(socket, 'message:send', message(thread));
  await app.post(seller, '/api/chat/send/', message(thread));
  const view = await ask(socket, 'thread:get', { thread_id: thread.id });
  expect(view.ok && view.data.thread).toMatchObject({
    ...{ rev: 4, last_seq: 3, me: { rev: 1, read_seq: 2, unread: 1, side: 'buyer' } },
    participants: [
      { side: 'buyer', read_seq: 2 },
      { side: 'seller', read_seq: 3, user: { id: seller.id } },
    ],
  });
  expect(receipts).toEqual([]);
});

test.each(['buyer', 'seller'] as const)('what the %s sends they have read and received', async side => {
  const { thread, ...talk } = await buildTalk(app);
  const socket = await app.connect(talk[side], '/chat');
  for (const _ of [1, 2]) await done(socket, 'message:send', message(thread));
  const view = (await done(socket, 'thread:get', { thread_id: thread.id })).thread;
  const [own, other] = side === 'buyer' ? [0, 1] : [1, 0];
  expect(view.participants[own]).toMatchObject({ side, read_seq: 2, delivered_seq: 2 });
  expect(view.participants[other]).toMatchObject({ read_seq: 0, delivered_seq: 0 });
});

test('a reply shows what the message says after an edit that it waited for', async () => {
  const { buyer, thread } = await buildTalk(app);
  const socket = await app.connect(buyer, '/chat');
  const { message: first } = await done(socket, 'message:send', message(thread, { text: 'before' }));
  const em = app.orm.em.fork();
  await em.begin();
  await em.execute('select from threads where id = ? for update', [thread.id]);
  await em.execute(`update messages set text = 'after' where id = ?`, [first.id]);
  const reply = done(socket, 'message:send', message(thread, { reply_to: first.id }));
  await waiting(app, 1);
  await em.commit();
  expect((await reply).message.reply_to).toMatchObject({ id: first.id, text: 'after' });
});

test('the moment of the last change never goes back, though the clock of an instance is behind', async () => {
  const { buyer, thread } = await buildTalk(app);
  const em = app.orm.em.fork();
  const ahead = new Date(Date.now() + 60_000);
  const changedAt = () => em.execute('select updated_at from threads where id = ?', [thread.id]);
  await em.execute('update threads set updated_at = ? where id = ?', [ahead, thread.id]);
  const before = await changedAt();
  const socket = await app.connect(buyer, '/chat');
  await done(socket, 'message:send', message(thread));
  expect(await changedAt()).toEqual(before);
});
