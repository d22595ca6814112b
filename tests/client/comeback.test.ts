import { expect, test } from 'vitest';
import { Session } from '../../src/accounts/entities.ts';
import { FocusLease } from '../../src/chat/entities.ts';
import { removeParticipant } from '../../src/chat/service/thread-changes.ts';
import { askOver } from '../../src/client/ask.ts';
import type { ChatCalls } from '../../src/client/contract.ts';
import { ParthubError } from '../../src/client/errors.ts';
import { createFocus } from '../../src/client/focus.ts';
import { createOpenings } from '../../src/client/openings.ts';
import { createOutbox, type Outgoing, type Unsent } from '../../src/client/outbox.ts';
import { createSync } from '../../src/client/sync.ts';
import { wait } from '../../src/client/timers.ts';
import { eventually, type TestUser, useApp } from '../support/app.ts';
import { keepOutbox, shortly, until, useClients } from '../support/client.ts';
import { buildPost, buildTalk, buildThread, message } from '../support/talk.ts';
import { asStaff } from '../support/worlds.ts';

const app = useApp({ RATE_LIMITS: 'relaxed' });
const { start } = useClients();

const unsent = (text: string, queuedAt: number): Unsent => ({
  message: { thread_id: 'thread', client_id: text, text },
  ...{ queuedAt, error: null, userId: null },
});

/** An outbox whose messages are all stored; what it sends, in order. */
function startOutbox(store: NonNullable<Parameters<typeof createOutbox>[0]['store']>, pause = wait) {
  const sent: string[] = [];
  const ask = async (_event: string, { client_id }: Outgoing) => {
    sent.push(client_id);
    return { ok: true, data: { message: { client_id }, duplicate: false } };
  };
  return { sent, outbox: createOutbox({ ask: ask as never, onSent: () => {}, store, wait: pause }) };
}

test('with more threads than one pull names, who comes back learns what is new, gone, or muted elsewhere', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const more = [];
  for (let n = 0; n < 4; n += 1)
    more.push(await buildThread(app, { buyer, seller, postId: await buildPost(app, seller) }));
  const [gone, muted, changed] = more as [typeof thread, typeof thread, typeof thread];
  const socket = await app.connect(buyer, '/chat');
  const ask = askOver<ChatCalls>(socket);
  const sync = createSync({ userId: buyer.id, ask, pullSize: 2 });
  const isSettled = () => eventually(() => expect(sync.isSettled()).toBe(true));
  sync.ready();
  await isSettled();
  expect(sync.views().size).toBe(5);
  sync.disconnected();
  await asStaff(app, ctx => removeParticipant(ctx, { threadId: gone.id, userId: buyer.id, reason: 'fraud' }));
  const mutedUntil = '2030-01-01T00:00:00.000Z';
  await app.post(buyer, `/api/chat/threads/${muted.id}/mute/`, { until: mutedUntil });
  for (const one of [changed, thread]) await app.post(seller, '/api/chat/send/', message(one));
  sync.ready();
  await isSettled();
  expect(sync.views().has(gone.id)).toBe(false);
  expect(sync.views().get(muted.id)!.thread.me).toMatchObject({ rev: 2, muted_until: mutedUntil });
  for (const one of [changed, thread]) expect(sync.views().get(one.id)!.messages).toMatchObject([{ seq: 1 }]);
  expect(sync.views().size).toBe(4);
});

test('what was not sent is kept when the session is ended elsewhere, and sent once the same user is back', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const { unsent: kept, outbox: store } = keepOutbox();
  const client = await start(app, buyer, { outbox: store });
  await until(client.thread(thread.id), state => state !== null);
  client.disconnect();
  client.send(thread.id, { text: 'still to be sent' });
  await eventually(() => expect(kept.size).toBe(1));
  const { sessionId } = await app.buildUser();
  await app.orm.em.fork().nativeUpdate(Session, { id: sessionId }, { user: buyer.id });
  await app.post(buyer, '/api/auth/logout/?scope=current');
  await client.connect();
  await until(client.account, ({ ended }) => ended !== null);
  expect(kept.size).toBe(1);
  const again: TestUser = app.tokenOf({ ...buyer, sessionId }, new Date());
  await start(app, again, { outbox: store });
  await eventually(() => expect(kept.size).toBe(0));
  const { body } = await app.get(seller, `/api/chat/threads/${thread.id}/messages/`);
  expect(body.results).toMatchObject([{ text: 'still to be sent' }]);
});

test('after a restart unsent messages go in the order in which they were written, before those written since', async () => {
  const { sent, outbox } = startOutbox({
    load: async () => [unsent('second', 2), unsent('third', 3), unsent('first', 1)],
    put: () => {},
    remove: () => {},
  });
  outbox.send({ thread_id: 'thread', client_id: 'fourth', text: 'fourth' });
  await new Promise(resolve => setImmediate(resolve));
  outbox.connected('me');
  await eventually(() => expect(outbox.waiting()).toEqual([]));
  expect(sent).toEqual(['first', 'second', 'third', 'fourth']);
});

test('a store that takes nothing does not keep messages from being sent', async () => {
  const refuse = () => Promise.reject(new Error('full'));
  const { sent, outbox } = startOutbox({ load: () => [], put: refuse, remove: refuse });
  outbox.connected('me');
  for (const client_id of ['one', 'two']) outbox.send({ thread_id: 'thread', client_id, text: client_id });
  await eventually(() => expect(sent).toEqual(['one', 'two']));
  expect(outbox.entries()).toEqual([]);
});

test('a store that cannot be read keeps what is written from then on, and it is sent', async () => {
  const { unsent: kept, outbox: store } = keepOutbox();
  const { sent, outbox } = startOutbox({ ...store, load: () => Promise.reject(new Error('closed')) });
  outbox.send({ thread_id: 'thread', client_id: 'one', text: 'one' });
  await eventually(() => expect([...kept.keys()]).toEqual(['one']), 1_000);
  outbox.connected('me');
  await eventually(() => expect([sent, kept.size]).toEqual([['one'], 0]));
});

test('a store that never answers keeps no message from being sent', async () => {
  const never = () => new Promise<never>(() => {});
  const { sent, outbox } = startOutbox({ load: never, put: never, remove: never }, shortly);
  outbox.connected('me');
  for (const client_id of ['one', 'two']) outbox.send({ thread_id: 'thread', client_id, text: client_id });
  await eventually(() => expect(sent).toEqual(['one', 'two']));
});

test('a conversation that is opened again after a lost answer, or twice at once, has its first message once', async () => {
  const { outsider, thread } = await buildTalk(app);
  const ask = askOver<ChatCalls>(await app.connect(outsider, '/chat'));
  let isLost = true;
  const openThread = createOpenings(async (event, payload) => {
    const ack = await ask(event, payload);
    if (isLost) throw new ParthubError('network');
    return ack;
  });
  await expect(openThread(thread.postId, 'Salom')).rejects.toMatchObject({ code: 'network' });
  isLost = false;
  const [opened] = await Promise.all([openThread(thread.postId, 'Salom'), openThread(thread.postId, 'Salom')]);
  expect(opened.last_seq).toBe(1);
  expect((await openThread(thread.postId, 'Salom')).last_seq).toBe(2);
});

test('the conversation that is looked at is told again by each connection', async () => {
  const { buyer, thread } = await buildTalk(app);
  const leases = () => app.orm.em.fork().count(FocusLease, { userId: buyer.id, threadId: thread.id });
  // It says it every 30 s besides: that must not be what is seen here.
  const client = await start(app, buyer, { wait });
  client.focus(thread.id);
  await eventually(async () => expect(await leases()).toBe(1));
  client.disconnect();
  await eventually(async () => expect(await leases()).toBe(0));
  await client.connect();
  await eventually(async () => expect(await leases()).toBe(1));
});

test('a conversation that is looked at keeps no timer going without a connection', () => {
  const timers: (() => void)[] = [];
  let isConnected = true;
  const focus = createFocus(
    () => isConnected,
    (_ms, then) => {
      timers.push(then);
      return () => {};
    },
  );
  focus.set('thread');
  expect(timers).toHaveLength(1);
  isConnected = false;
  timers.pop()!();
  expect(timers).toHaveLength(0);
  isConnected = true;
  focus.repeat();
  expect(timers).toHaveLength(1);
});
