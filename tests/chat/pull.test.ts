import { expect, test } from 'vitest';
import { newId } from '../../src/common/ids.ts';
import { ask, eventually, useApp } from '../support/app.ts';
import { buildPost, buildTalk, buildThread, buildTrader, done, message } from '../support/talk.ts';

const app = useApp({ RATE_LIMITS: 'relaxed', DB_POOL: '2' });

interface Pulled {
  threads: { thread: { id: string; rev: number }; messages: { seq: number; text: string }[]; reset: boolean }[];
  gone: string[];
  has_more: boolean;
  next_cursor: string | null;
  unread: { threads: number; messages: number };
}

async function pull(socket: Parameters<typeof ask>[0], payload: object = {}): Promise<Pulled> {
  return done(socket, 'sync:pull', payload);
}

async function sendMany(socket: Parameters<typeof ask>[0], thread: { id: string }, count: number, text = 'x') {
  for (let sent = 0; sent < count; sent += 50)
    await Promise.all(
      Array.from({ length: Math.min(50, count - sent) }, () => ask(socket, 'message:send', message(thread, { text }))),
    );
}

test('G5: a client that holds nothing gets everything, one that holds it all gets nothing', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  await app.post(buyer, '/api/chat/send/', message(thread));
  await app.post(seller, '/api/chat/send/', message(thread));
  const socket = await app.connect(seller, '/chat');
  const first = await pull(socket);
  const view = await done(socket, 'thread:get', { thread_id: thread.id });
  const page = await done(socket, 'thread:history', { thread_id: thread.id });
  expect(first).toEqual({
    threads: [{ thread: view.thread, messages: page.messages, reset: false }],
    ...{ gone: [], has_more: false, next_cursor: null, unread: { threads: 0, messages: 0 } },
  });
  const held = [{ thread_id: thread.id, rev: 3, me_rev: 1 }];
  expect(await pull(socket, { threads: held })).toMatchObject({ threads: [], gone: [], has_more: false });
});

test('G5: only what changed since the given rev is told', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  for (const text of ['a', 'b', 'c']) await app.post(buyer, '/api/chat/send/', message(thread, { text }));
  const socket = await app.connect(seller, '/chat');
  const { threads } = await pull(socket, { threads: [{ thread_id: thread.id, rev: 2 }] });
  expect(threads[0]).toMatchObject({ thread: { rev: 4 }, messages: [{ text: 'b' }, { text: 'c' }], reset: false });
  expect((await pull(socket, { threads: [{ thread_id: thread.id, rev: 4 }] })).threads).toEqual([]);
  const otherMe = await pull(socket, { threads: [{ thread_id: thread.id, rev: 4, me_rev: 7 }] });
  expect(otherMe.threads).toMatchObject([{ thread: { id: thread.id }, messages: [] }]);
});

test('more than 200 changed messages: the newest 50, and the client starts the thread anew', async () => {
  const { buyer, thread } = await buildTalk(app);
  const socket = await app.connect(buyer, '/chat');
  await sendMany(socket, thread, 201);
  const all = await pull(socket);
  expect(all.threads[0]!.reset).toBe(true);
  expect(all.threads[0]!.messages.map(one => one.seq)).toEqual(Array.from({ length: 50 }, (_, index) => index + 152));
  const part = await pull(socket, { threads: [{ thread_id: thread.id, rev: 2 }] });
  expect(part.threads[0]).toMatchObject({ reset: false, thread: { rev: 202 } });
  expect(part.threads[0]!.messages.map(one => one.seq)).toEqual(Array.from({ length: 200 }, (_, index) => index + 2));
});

test('a rev that was never reached makes the client start the thread anew', async () => {
  const { buyer, thread } = await buildTalk(app);
  await app.post(buyer, '/api/chat/send/', message(thread));
  const socket = await app.connect(buyer, '/chat');
  const { threads } = await pull(socket, { threads: [{ thread_id: thread.id, rev: 900 }] });
  expect(threads).toMatchObject([{ reset: true, thread: { rev: 2 }, messages: [{ seq: 1 }] }]);
});

test('many threads come in pages by cursor, newest activity first; `only` keeps to the given ones', async () => {
  const [buyer, seller] = [await buildTrader(app), await buildTrader(app)];
  const ids: string[] = [];
  for (let made = 0; made < 5; made += 1)
    ids.unshift((await buildThread(app, { buyer, seller, postId: await buildPost(app, seller) })).id);
  const socket = await app.connect(buyer, '/chat');
  const seen: string[] = [];
  for (let cursor: string | null = null, more = true; more; ) {
    const page: Pulled = await pull(socket, { limit: 2, cursor });
    seen.push(...page.threads.map(one => one.thread.id));
    [cursor, more] = [page.next_cursor, page.has_more];
  }
  expect(seen).toEqual(ids);
  const given = [{ thread_id: ids[3]!, rev: 0 }];
  expect((await pull(socket, { threads: given, only: true })).threads.map(one => one.thread.id)).toEqual([ids[3]]);
  expect((await pull(socket, { threads: [{ thread_id: ids[3]!, rev: 1 }] })).threads).toHaveLength(4);
});

test('an answer ends early at 1 MB and goes on with its cursor', async () => {
  const [buyer, seller] = [await buildTrader(app), await buildTrader(app)];
  const socket = await app.connect(buyer, '/chat');
  for (let made = 0; made < 3; made += 1) {
    const thread = await buildThread(app, { buyer, seller, postId: await buildPost(app, seller) });
    await sendMany(socket, thread, 100, 'Ж'.repeat(2_500));
  }
  const first = await pull(socket);
  const second = await pull(socket, { cursor: first.next_cursor });
  const third = await pull(socket, { cursor: second.next_cursor });
  expect([first, second, third].map(one => one.has_more)).toEqual([true, true, false]);
  const seen = [first, second, third].flatMap(one => one.threads);
  expect(seen.map(one => one.messages.length)).toEqual([100, 100, 100]);
  expect(new Set(seen.map(one => one.thread.id)).size).toBe(3);
});

test('what is loaded in portions, for so much may have changed, comes as a whole', async () => {
  const [buyer, seller] = [await buildTrader(app), await buildTrader(app)];
  const socket = await app.connect(buyer, '/chat');
  const said: string[] = [];
  for (let made = 0; made < 12; made += 1) {
    const thread = await buildThread(app, { buyer, seller, postId: await buildPost(app, seller) });
    await done(socket, 'message:send', message(thread, { text: `${made}` }));
    said.unshift(`${made}`);
  }
  await app.orm.em.fork().execute('update threads set rev = 500 where buyer_id = ?', [buyer.id]);
  const { threads, has_more } = await pull(socket);
  expect(threads.map(one => one.messages.map(({ text }) => text))).toEqual(said.map(text => [text]));
  expect(has_more).toBe(false);
});

test('a thread that alone is more than 1 MB is begun anew with as many of its newest messages as fit', async () => {
  const { buyer, thread } = await buildTalk(app);
  const socket = await app.connect(buyer, '/chat');
  await sendMany(socket, thread, 100, '🚗'.repeat(4_000));
  const answer = await pull(socket);
  expect(Buffer.byteLength(JSON.stringify(answer))).toBeLessThanOrEqual(1_048_576);
  expect(answer).toMatchObject({
    has_more: false,
    threads: [{ reset: true, thread: { id: thread.id, last_seq: 100 } }],
  });
  const seqs = answer.threads[0]!.messages.map(one => one.seq);
  expect(seqs).toEqual(Array.from({ length: 50 }, (_, index) => index + 51));
  const part = await pull(socket, { threads: [{ thread_id: thread.id, rev: 91 }] });
  expect(part.threads).toMatchObject([{ reset: false }]);
});

test('of a thread that is named twice everything is told that one of the two does not hold', async () => {
  const { buyer, thread } = await buildTalk(app);
  for (const text of ['a', 'b']) await app.post(buyer, '/api/chat/send/', message(thread, { text }));
  const socket = await app.connect(buyer, '/chat');
  const [old, now] = [2, 3].map(rev => ({ thread_id: thread.id, rev, me_rev: 1 }));
  for (const threads of [
    [old, now],
    [now, old],
  ])
    expect((await pull(socket, { threads })).threads).toMatchObject([{ messages: [{ text: 'b' }], reset: false }]);
  const own = [{ ...now, me_rev: 0 }, now];
  for (const threads of [own, own.toReversed()])
    expect((await pull(socket, { threads })).threads).toMatchObject([{ messages: [] }]);
  expect((await pull(socket, { threads: [now, now] })).threads).toEqual([]);
});

test('as many threads as an event of 32 KiB holds are compared; of more it is told that they are too large', async () => {
  const { seller, thread } = await buildTalk(app);
  const socket = await app.connect(seller, '/chat');
  const held = (count: number) => Array.from({ length: count }, () => ({ thread_id: newId(), rev: 123, me_rev: 45 }));
  const answer = await pull(socket, { threads: [...held(429), { thread_id: thread.id, rev: 1, me_rev: 1 }] });
  expect([answer.threads, answer.gone.length]).toEqual([[], 429]);
  expect(await ask(socket, 'sync:pull', { threads: held(440) })).toMatchObject({
    error: { code: 'payload_too_large', details: { max_bytes: 32_768 } },
  });
});

test('S-33: foreign and unknown threads are `gone`, and nothing is told of them', async () => {
  const { buyer, outsider, thread } = await buildTalk(app);
  await app.post(buyer, '/api/chat/send/', message(thread));
  const socket = await app.connect(outsider, '/chat');
  const unknown = newId();
  const threads = [thread.id, unknown].map(thread_id => ({ thread_id, rev: 1 }));
  expect(await pull(socket, { threads })).toEqual({
    threads: [],
    gone: [thread.id, unknown],
    ...{ has_more: false, next_cursor: null, unread: { threads: 0, messages: 0 } },
  });
});

test('more pulls at a time than there are database connections are all answered: none waits for a second one', async () => {
  const { buyer, seller } = await buildTalk(app);
  const sockets = await Promise.all(
    [buyer, seller, buyer, seller, buyer, seller].map(who => app.connect(who, '/chat')),
  );
  const answers = await Promise.all(sockets.flatMap(socket => [0, 1, 2, 3].map(() => ask(socket, 'sync:pull', {}))));
  expect(answers.filter(answer => !answer.ok)).toEqual([]);
});

test('G5: an answer is of one moment: what is committed while it is put together is not half in it', async () => {
  const { buyer, thread } = await buildTalk(app);
  const socket = await app.connect(buyer, '/chat');
  const { message: before } = await done(socket, 'message:send', message(thread, { text: 'before' }));
  const em = app.orm.em.fork();
  await em.begin();
  await em.execute('lock table messages in access exclusive mode');
  const answer = done(socket, 'sync:pull', {});
  const ofWaiting = `select from pg_locks where not granted and relation = 'messages'::regclass and
    database = (select oid from pg_database where datname = current_database())`;
  await eventually(async () => expect(await em.execute(ofWaiting)).toHaveLength(1));
  await em.execute(`update messages set text = 'after', rev = 3, changed_at = now() where id = ?`, [before.id]);
  await em.execute('update threads set rev = 3 where id = ?', [thread.id]);
  await em.commit();
  expect((await answer).threads).toMatchObject([{ thread: { rev: 2 }, messages: [{ rev: 2, text: 'before' }] }]);
  expect((await done(socket, 'sync:pull', {})).threads).toMatchObject([{ thread: { rev: 3 }, messages: [{ rev: 3 }] }]);
});

test('G5: a change that is held already is not told again with what came after it', async () => {
  const { buyer, thread } = await buildTalk(app);
  const socket = await app.connect(buyer, '/chat');
  const { message: first } = await done(socket, 'message:send', message(thread));
  await done(socket, 'message:edit', { thread_id: thread.id, message_id: first.id, text: 'edited' });
  await done(socket, 'message:send', message(thread, { text: 'new' }));
  const told = async (rev: number) => {
    const [difference] = (await pull(socket, { threads: [{ thread_id: thread.id, rev }] })).threads;
    return difference!.messages.map(({ text }) => text);
  };
  expect(await told(2)).toEqual(['edited', 'new']);
  expect(await told(3)).toEqual(['new']);
});

test('a cursor of a pull is of no other pull', async () => {
  const { buyer, seller } = await buildTalk(app);
  await buildThread(app, { buyer, seller, postId: await buildPost(app, seller) });
  const socket = await app.connect(buyer, '/chat');
  const { next_cursor: cursor } = await pull(socket, { limit: 1 });
  expect((await pull(socket, { limit: 1, cursor })).threads).toHaveLength(1);
  expect(await ask(socket, 'sync:pull', { limit: 1, cursor, only: true })).toMatchObject({
    error: { code: 'invalid_cursor' },
  });
  const other = await app.connect(seller, '/chat');
  expect(await ask(other, 'sync:pull', { limit: 1, cursor })).toMatchObject({ error: { code: 'invalid_cursor' } });
});
