import { expect, test } from 'vitest';
import { Participant } from '../../src/chat/entities.ts';
import { newId } from '../../src/common/ids.ts';
import { ask, useApp } from '../support/app.ts';
import { buildPost, buildTalk, buildThread, buildTrader, done, message } from '../support/talk.ts';

const app = useApp({ RATE_LIMITS: 'relaxed' });
const idsOf = (body: { results: { id: string }[] }) => body.results.map(one => one.id);

async function buildManyTalks(count: number) {
  const [buyer, seller] = [await buildTrader(app), await buildTrader(app)];
  const threads = [];
  for (let made = 0; made < count; made += 1)
    threads.push(await buildThread(app, { buyer, seller, postId: await buildPost(app, seller) }));
  return { buyer, seller, threads };
}

async function sendMany(who: Parameters<typeof app.connect>[0], thread: { id: string }, count: number) {
  const socket = await app.connect(who, '/chat');
  const texts = Array.from({ length: count }, (_, index) => `${index + 1}`);
  for (let from = 0; from < count; from += 50)
    await Promise.all(texts.slice(from, from + 50).map(text => ask(socket, 'message:send', message(thread, { text }))));
  return socket;
}

test('threads are listed by newest activity, in pages that neither repeat nor lose one', async () => {
  const { buyer, seller, threads } = await buildManyTalks(5);
  await app.post(seller, '/api/chat/send/', message(threads[1]!));
  const expected = [1, 4, 3, 2, 0].map(index => threads[index]!.id);
  const first = await app.get(buyer, '/api/chat/threads/?limit=2');
  expect(first.body).toMatchObject({ previous: null, unread: { threads: 1, messages: 1 } });
  const second = await app.get(buyer, first.body.next);
  const third = await app.get(buyer, second.body.next);
  expect([first, second, third].flatMap(page => idsOf(page.body))).toEqual(expected);
  expect(third.body).toMatchObject({ next: null, next_cursor: null });
  const socket = await app.connect(buyer, '/chat');
  const list = await done(socket, 'thread:list', { limit: 2, cursor: first.body.next_cursor });
  expect(idsOf(list)).toEqual(expected.slice(2, 4));
});

test('S-69: a cursor of another user, of other filters or with a changed byte is invalid_cursor', async () => {
  const { buyer, seller } = await buildManyTalks(3);
  const { next_cursor } = (await app.get(buyer, '/api/chat/threads/?limit=1')).body;
  const changed = `${next_cursor.slice(0, -1)}${next_cursor.endsWith('A') ? 'B' : 'A'}`;
  const invalid = { status: 400, body: { code: 'invalid_cursor' } };
  expect(await app.get(seller, `/api/chat/threads/?limit=1&cursor=${next_cursor}`)).toMatchObject(invalid);
  expect(await app.get(buyer, `/api/chat/threads/?box=all&cursor=${next_cursor}`)).toMatchObject(invalid);
  for (const cursor of [changed, 'x', '%00', 'e30.AAAAAAAAAAAAAAAA'])
    expect(await app.get(buyer, `/api/chat/threads/?cursor=${cursor}`)).toMatchObject(invalid);
});

test('threads are filtered by box, side, post and what is unread', async () => {
  const { buyer, seller, threads } = await buildManyTalks(3);
  const [a, b, c] = threads.map(thread => thread.id);
  await app.post(seller, '/api/chat/send/', message(threads[0]!));
  const em = app.orm.em.fork();
  await em.nativeUpdate(Participant, { threadId: b!, userId: buyer.id }, { isArchived: true });
  const list = async (query: string) => idsOf((await app.get(buyer, `/api/chat/threads/?${query}`)).body).sort();
  expect(await list('')).toEqual([a, c]);
  expect(await list('box=archived')).toEqual([b]);
  expect(await list('box=all')).toEqual([a, b, c]);
  expect(await list('role=seller')).toEqual([]);
  expect(await list('role=buyer')).toEqual([a, c]);
  expect(await list('unread_only=true')).toEqual([a]);
  expect(await list(`post_id=${threads[2]!.postId}`)).toEqual([c]);
  expect((await app.get(buyer, '/api/chat/threads/?box=none')).status).toBe(400);
});

test('history goes before, after and around a position, and says what there is on both sides', async () => {
  const { buyer, thread } = await buildTalk(app);
  const socket = await sendMany(buyer, thread, 120);
  const read = async (window: object) => {
    const data = await done(socket, 'thread:history', { thread_id: thread.id, ...window });
    return [data.messages[0]?.seq, data.messages.at(-1)?.seq, data.has_more_before, data.has_more_after];
  };
  expect(await read({})).toEqual([71, 120, true, false]);
  expect(await read({ limit: 100 })).toEqual([21, 120, true, false]);
  expect(await read({ before_seq: 21, limit: 10 })).toEqual([11, 20, true, true]);
  expect(await read({ before_seq: 6, limit: 10 })).toEqual([1, 5, false, true]);
  expect(await read({ before_seq: 1 })).toEqual([undefined, undefined, false, true]);
  expect(await read({ before_seq: 999, limit: 3 })).toEqual([118, 120, true, false]);
  expect(await read({ after_seq: 0, limit: 5 })).toEqual([1, 5, false, true]);
  expect(await read({ after_seq: 117 })).toEqual([118, 120, true, false]);
  expect(await read({ after_seq: 120 })).toEqual([undefined, undefined, true, false]);
  expect(await read({ around_seq: 60, limit: 10 })).toEqual([55, 64, true, true]);
  expect(await read({ around_seq: 2, limit: 10 })).toEqual([1, 10, false, true]);
  expect(await read({ around_seq: 119, limit: 10 })).toEqual([111, 120, true, false]);
  const wrong = await ask(socket, 'thread:history', { thread_id: thread.id, before_seq: 3, after_seq: 1 });
  expect(wrong).toMatchObject({ ok: false, error: { code: 'validation_failed' } });
});

test('over REST `next` leads to older messages, down to the first', async () => {
  const { buyer, thread } = await buildTalk(app);
  await sendMany(buyer, thread, 25);
  const seen: number[] = [];
  for (let path = `/api/chat/messages/?thread_id=${thread.id}&limit=10`; path; ) {
    const { body } = await app.get(buyer, path);
    seen.unshift(...body.results.map((one: { seq: number }) => one.seq));
    path = body.next;
  }
  expect(seen).toEqual(Array.from({ length: 25 }, (_, index) => index + 1));
});

test('an empty thread has an empty history', async () => {
  const { buyer, thread } = await buildTalk(app);
  const { body } = await app.get(buyer, `/api/chat/threads/${thread.id}/messages/`);
  expect(body).toEqual({ results: [], has_more_before: false, has_more_after: false, next_cursor: null, next: null, previous: null }); // biome-ignore format: one line reads better
});

test('S-33: a foreign thread is answered like one that does not exist', async () => {
  const { buyer, outsider, thread } = await buildTalk(app);
  await app.post(buyer, '/api/chat/send/', message(thread));
  for (const path of ['', 'messages/']) {
    const foreign = await app.get(outsider, `/api/chat/threads/${thread.id}/${path}`);
    const random = await app.get(outsider, `/api/chat/threads/${newId()}/${path}`);
    const { request_id: _1, instance: _2, ...bytes } = foreign.body;
    const { request_id: _3, instance: _4, ...expected } = random.body;
    expect([foreign.status, bytes]).toEqual([random.status, expected]);
    expect(foreign.status).toBe(404);
  }
  const socket = await app.connect(outsider, '/chat');
  for (const event of ['thread:get', 'thread:history'])
    expect(await ask(socket, event, { thread_id: thread.id })).toMatchObject({ error: { code: 'not_found' } });
});

test('what is unread is counted in `me/`, over all threads that are not archived', async () => {
  const { buyer, seller, threads } = await buildManyTalks(3);
  for (const index of [0, 0, 1, 2]) await app.post(seller, '/api/chat/send/', message(threads[index]!));
  await app.orm.em
    .fork()
    .nativeUpdate(Participant, { threadId: threads[2]!.id, userId: buyer.id }, { isArchived: true });
  expect((await app.get(buyer, '/api/auth/me/')).body.unread).toEqual({ threads: 2, messages: 3 });
  expect((await app.get(seller, '/api/auth/me/')).body.unread).toEqual({ threads: 0, messages: 0 });
});
