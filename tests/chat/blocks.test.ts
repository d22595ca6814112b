import { expect, test } from 'vitest';
import { User } from '../../src/accounts/entities.ts';
import { newId } from '../../src/common/ids.ts';
import { ask, eventually, once, record, useApp } from '../support/app.ts';
import { buildPost, buildTalk, buildThread, buildTrader, done, message } from '../support/talk.ts';

const app = useApp({ RATE_LIMITS: 'relaxed' });
const refused = (code: string) => ({ ok: false, error: { code } });

async function buildConnected() {
  const talk = await buildTalk(app);
  const [buyerSocket, sellerSocket] = [await app.connect(talk.buyer, '/chat'), await app.connect(talk.seller, '/chat')];
  return { ...talk, buyerSocket, sellerSocket };
}

test('S-85, G10: after a block nobody of the two sends to the other, on either door, and both keep the history', async () => {
  const { buyer, seller, thread, buyerSocket, sellerSocket } = await buildConnected();
  const { message: before } = await done(buyerSocket, 'message:send', message(thread));
  const updated = [once(buyerSocket, 'thread:updated'), once(sellerSocket, 'thread:updated')];
  expect(await done(sellerSocket, 'user:block', { user_id: buyer.id })).toEqual({ user_id: buyer.id, blocked: true });
  const view = { rev: 3, thread: { participants: [{ read_seq: null }, { read_seq: null }] } };
  expect(await Promise.all(updated)).toMatchObject([view, view]);
  for (const socket of [buyerSocket, sellerSocket]) {
    expect(await ask(socket, 'message:send', message(thread))).toMatchObject(refused('recipient_unavailable'));
    const { messages } = await done(socket, 'thread:history', { thread_id: thread.id });
    expect(messages).toEqual([before]);
  }
  for (const user of [buyer, seller])
    expect(await app.post(user, '/api/chat/send/', message(thread))).toMatchObject({ status: 403, body: { code: 'recipient_unavailable' } }); // biome-ignore format: one line reads better
  const target = { thread_id: thread.id, message_id: before.id };
  expect(await ask(buyerSocket, 'message:edit', { ...target, text: 'x' })).toMatchObject(
    refused('recipient_unavailable'),
  );
  const reaction = { ...target, emoji: '👍', op: 'add' };
  expect(await ask(sellerSocket, 'message:react', reaction)).toMatchObject(refused('recipient_unavailable'));
});

test('S-85: after a block neither receipts nor typing of one reach the other', async () => {
  const { buyer, thread, buyerSocket, sellerSocket } = await buildConnected();
  await done(buyerSocket, 'message:send', message(thread));
  await done(sellerSocket, 'user:block', { user_id: buyer.id });
  const events = ['receipt:updated', 'typing:updated', 'me:updated'];
  const heard = events.map(event => record(buyerSocket, event));
  const me = once(sellerSocket, 'me:updated');
  await done(sellerSocket, 'thread:read', { thread_id: thread.id, seq: 1 });
  await done(sellerSocket, 'thread:delivered', { items: [{ thread_id: thread.id, seq: 1 }] });
  sellerSocket.emit('typing:start', { thread_id: thread.id });
  expect(await me).toMatchObject({ me: { rev: 2, read_seq: 1, unread: 0 } });
  // the fences: typing was handled, and nothing of it is on its way
  await ask(sellerSocket, 'thread:list', {});
  const { thread: view } = await done(buyerSocket, 'thread:get', { thread_id: thread.id });
  expect(view).toMatchObject({ rev: 3, participants: [{}, { read_seq: null, delivered_seq: 0 }] });
  expect(heard).toEqual([[], [], []]);
});

test('a block holds in every thread of the two, and in none of others', async () => {
  const { buyer, seller, outsider, thread } = await buildConnected();
  const second = await buildThread(app, { buyer, seller, postId: await buildPost(app, seller) });
  const reverse = await buildThread(app, { buyer: seller, seller: buyer, postId: await buildPost(app, buyer) });
  const foreign = await buildThread(app, { buyer: outsider, seller, postId: thread.postId });
  await done(await app.connect(buyer, '/chat'), 'user:block', { user_id: seller.id });
  for (const one of [thread, second, reverse])
    expect((await app.post(seller, '/api/chat/send/', message(one))).body.code).toBe('recipient_unavailable');
  expect((await app.post(seller, '/api/chat/send/', message(foreign))).status).toBe(201);
  const post_id = await buildPost(app, seller);
  const refusal = { status: 403, body: { code: 'recipient_unavailable' } };
  expect(await app.post(buyer, '/api/chat/start/', { post_id })).toMatchObject(refusal);
  expect(await app.post(outsider, '/api/chat/start/', { post_id })).toMatchObject({ status: 201 });
});

test('unblocking lets both write again, unless the other one blocks too', async () => {
  const { buyer, seller, thread, buyerSocket, sellerSocket } = await buildConnected();
  await done(buyerSocket, 'user:block', { user_id: seller.id });
  await done(sellerSocket, 'user:block', { user_id: buyer.id });
  expect(await done(buyerSocket, 'user:unblock', { user_id: seller.id })).toEqual({
    user_id: seller.id,
    blocked: false,
  });
  expect(await ask(buyerSocket, 'message:send', message(thread))).toMatchObject(refused('recipient_unavailable'));
  const heard = once(buyerSocket, 'thread:updated');
  await done(sellerSocket, 'user:unblock', { user_id: buyer.id });
  expect(await heard).toMatchObject({ rev: 3, thread: { participants: [{ read_seq: 0 }, { read_seq: 0 }] } });
  expect((await done(buyerSocket, 'message:send', message(thread))).message).toMatchObject({ seq: 1, rev: 4 });
});

test('blocking again changes nothing; nobody blocks themselves or a user that does not exist', async () => {
  const { buyer, seller, thread, buyerSocket } = await buildConnected();
  for (const _ of [1, 2]) await done(buyerSocket, 'user:block', { user_id: seller.id });
  expect((await done(buyerSocket, 'thread:get', { thread_id: thread.id })).thread.rev).toBe(2);
  for (const user_id of [buyer.id, newId()])
    expect(await ask(buyerSocket, 'user:block', { user_id })).toMatchObject(refused('not_found'));
});

test('G10: no message slips past a block, however both are mixed', async () => {
  const { buyer, seller, thread, buyerSocket, sellerSocket } = await buildConnected();
  for (let round = 0; round < 10; round += 1) {
    const heard = record(sellerSocket, 'message:created');
    const sends = Array.from({ length: 10 }, () => ask(buyerSocket, 'message:send', message(thread)));
    const blocked = done(sellerSocket, 'user:block', { user_id: buyer.id });
    sends.push(...Array.from({ length: 10 }, () => ask(buyerSocket, 'message:send', message(thread))));
    await blocked;
    const known = (await done(sellerSocket, 'thread:get', { thread_id: thread.id })).thread.last_seq;
    const late = await ask(buyerSocket, 'message:send', message(thread));
    expect(late).toMatchObject(refused('recipient_unavailable'));
    const stored = (await Promise.all(sends)).filter(ack => ack.ok);
    await eventually(() => expect(heard).toHaveLength(stored.length));
    const { thread: view } = await done(sellerSocket, 'thread:get', { thread_id: thread.id });
    expect(view.last_seq).toBe(known);
    await done(sellerSocket, 'user:unblock', { user_id: buyer.id });
    sellerSocket.off('message:created');
  }
  expect((await app.get(seller, `/api/chat/threads/${thread.id}/`)).status).toBe(200);
});

test('two parallel: a block and the opening of a first thread end blocked or without a thread', async () => {
  for (let round = 0; round < 10; round += 1) {
    const [buyer, seller] = [await buildTrader(app), await buildTrader(app)];
    const post_id = await buildPost(app, seller);
    const socket = await app.connect(seller, '/chat');
    const [opened] = await Promise.all([
      app.post(buyer, '/api/chat/start/', { post_id }),
      done(socket, 'user:block', { user_id: buyer.id }),
    ]);
    if (opened.status === 201) {
      const sent = await app.post(buyer, '/api/chat/send/', message(opened.body.thread));
      expect(sent.body.code).toBe('recipient_unavailable');
    } else expect(opened.body.code).toBe('recipient_unavailable');
    socket.close();
  }
});

test.each([
  ['banned', { blockedAt: new Date() }],
  ['banned for a while', { blockedAt: new Date(), blockedUntil: new Date(Date.now() + 60_000) }],
  ['deleted', { deletedAt: new Date() }],
])('to an account that is %s nothing is sent: the same code', async (_how, state) => {
  const { buyer, seller, thread, buyerSocket } = await buildConnected();
  await app.orm.em.fork().nativeUpdate(User, { id: seller.id }, state);
  expect(await ask(buyerSocket, 'message:send', message(thread))).toMatchObject(refused('recipient_unavailable'));
  const post_id = await buildPost(app, seller);
  expect((await app.post(buyer, '/api/chat/start/', { post_id })).body.code).toBe('recipient_unavailable');
});

test('after a ban that has ended messages are taken again', async () => {
  const { seller, thread, buyerSocket } = await buildConnected();
  const state = { blockedAt: new Date(Date.now() - 120_000), blockedUntil: new Date(Date.now() - 60_000) };
  await app.orm.em.fork().nativeUpdate(User, { id: seller.id }, state);
  expect(await ask(buyerSocket, 'message:send', message(thread))).toMatchObject({ ok: true });
});
