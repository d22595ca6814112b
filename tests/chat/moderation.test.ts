import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { Report } from '../../src/chat/entities.ts';
import { removeParticipant, setThreadLock } from '../../src/chat/service/thread-changes.ts';
import { newId } from '../../src/common/ids.ts';
import { ask, eventually, once, record, useApp } from '../support/app.ts';
import { buildPost, buildTalk, buildTrader, done, message } from '../support/talk.ts';
import { asStaff, buildDealer, postInput } from '../support/worlds.ts';

const app = useApp();
const loose = useApp({ RATE_LIMITS: 'off' });
const DAY = 86_400_000;
const refused = (code: string) => ({ ok: false, error: { code } });
const report = (type: string, id: string, more: object = {}) => ({
  client_id: randomUUID(),
  target: { type, id },
  reason: 'fraud',
  ...more,
});

test('in a locked thread nobody writes; both hear of it, and the system says so in the thread', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const sockets = [await app.connect(buyer, '/chat'), await app.connect(seller, '/chat')];
  const heard = sockets.map(socket => Promise.all([once(socket, 'thread:updated'), once(socket, 'message:created')]));
  await asStaff(app, ctx => setThreadLock(ctx, thread.id, true));
  for (const [updated, said] of await Promise.all(heard)) {
    expect(updated).toMatchObject({ rev: 2, thread: { locked: true } });
    expect(said).toMatchObject({ rev: 3, message: { seq: 1, type: 'system', text: 'thread_locked', sender: { id: null, kind: 'system' } } }); // biome-ignore format: one line reads better
  }
  for (const socket of sockets)
    expect(await ask(socket, 'message:send', message(thread))).toMatchObject(refused('thread_locked'));
  expect((await app.post(buyer, '/api/chat/send/', message(thread))).status).toBe(409);
  const { messages } = await done(sockets[0]!, 'thread:history', { thread_id: thread.id });
  const target = { thread_id: thread.id, message_id: messages[0].id };
  expect(await ask(sockets[0]!, 'message:delete', target)).toMatchObject(refused('permission_denied'));
  await asStaff(app, ctx => setThreadLock(ctx, thread.id, true));
  await asStaff(app, ctx => setThreadLock(ctx, thread.id, false));
  expect((await done(sockets[0]!, 'message:send', message(thread))).message).toMatchObject({ seq: 3, rev: 6 });
});

test('S-85: whom staff removed hears only access:revoked, and the thread is gone for them on every door', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const [removed, left] = [await app.connect(seller, '/chat'), await app.connect(buyer, '/chat')];
  const arrived = once(removed, 'message:created');
  const { message: first } = await done(left, 'message:send', message(thread));
  await arrived;
  const heard: unknown[] = [];
  removed.onAny((event, push) => heard.push([event, push.rev, push.reason]));
  await asStaff(app, ctx => removeParticipant(ctx, { threadId: thread.id, userId: seller.id, reason: 'fraud' }));
  await done(left, 'message:send', message(thread));
  await done(left, 'message:edit', { thread_id: thread.id, message_id: first.id, text: 'changed' });
  left.emit('typing:start', { thread_id: thread.id });
  await done(left, 'thread:read', { thread_id: thread.id, seq: 9 });
  const payloads: [string, object][] = [
    ['message:send', message(thread)],
    ['thread:get', { thread_id: thread.id }],
    ['thread:history', { thread_id: thread.id }],
    ['thread:read', { thread_id: thread.id, seq: 1 }],
    ['message:react', { thread_id: thread.id, message_id: first.id, emoji: '👍', op: 'add' }],
  ];
  for (const [event, payload] of payloads)
    expect(await ask(removed, event, payload)).toMatchObject(refused('not_found'));
  expect(heard).toEqual([['access:revoked', 3, 'fraud']]);
  const again = await app.connect(seller, '/chat');
  const pulled = await done(again, 'sync:pull', { threads: [{ thread_id: thread.id, rev: 2 }] });
  expect(pulled).toMatchObject({ threads: [], gone: [thread.id] });
  expect((await app.get(seller, '/api/chat/threads/')).body.results).toEqual([]);
  expect((await done(left, 'thread:history', { thread_id: thread.id })).messages).toMatchObject([
    { text: 'changed' },
    { type: 'system', text: 'participant_removed' },
    { seq: 3 },
  ]);
});

test('the post of a thread is kept current, in every thread about it', async () => {
  const [seller, one, two] = [await buildDealer(app), await buildDealer(app), await buildDealer(app)];
  const { body: post } = await app.post(seller, '/api/b2b/posts/', postInput({ title: 'Fara chap' }));
  const sockets = [
    await app.connect(one, '/chat'),
    await app.connect(two, '/chat'),
    await app.connect(seller, '/chat'),
  ];
  for (const buyer of [one, two]) await app.post(buyer, '/api/chat/start/', { post_id: post.id });
  const heard = sockets.map(socket => record(socket, 'thread:updated'));
  await app.patch(seller, `/api/b2b/posts/${post.id}/`, { title: 'Fara ong', price: '500000.00', currency: 'UZS' });
  await eventually(() => expect(heard.map(pushes => pushes.length)).toEqual([1, 1, 2]));
  expect(heard[0]![0]).toMatchObject({ rev: 2, thread: { post: { title: 'Fara ong', price: '500000.00' } } });
  await app.post(seller, `/api/b2b/posts/${post.id}/close/`, {});
  await app.delete(seller, `/api/b2b/posts/${post.id}/`);
  const { body } = await app.get(one, '/api/chat/threads/');
  expect(body.results[0]).toMatchObject({ rev: 4, post: { id: post.id, title: 'Fara ong', status: 'removed' } });
});

test('a post shows the thread that the reader has about it', async () => {
  const [seller, buyer, other] = [await buildDealer(app), await buildDealer(app), await buildDealer(app)];
  const { body: post } = await app.post(seller, '/api/b2b/posts/', postInput());
  const { body } = await app.post(buyer, '/api/chat/start/', { post_id: post.id });
  const mine = async (user: typeof buyer) => (await app.get(user, `/api/b2b/posts/${post.id}/`)).body.my_thread_id;
  expect([await mine(buyer), await mine(other), await mine(seller)]).toEqual([body.thread.id, null, null]);
});

test('a report keeps a copy of what was reported, whatever happens to it', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const [mine, theirs] = [await app.connect(buyer, '/chat'), await app.connect(seller, '/chat')];
  const { message: bad } = await done(theirs, 'message:send', message(thread, { text: 'Pay to this card' }));
  const { report_id } = await done(mine, 'report:create', report('message', bad.id, { comment: 'Scam' }));
  await done(theirs, 'message:delete', { thread_id: thread.id, message_id: bad.id });
  const stored = await app.orm.em.fork().findOneOrFail(Report, { id: report_id });
  expect(stored).toMatchObject({ reporterId: buyer.id, subjectId: seller.id, threadId: thread.id, status: 'open' });
  expect(stored.copy).toMatchObject({ message: { text: 'Pay to this card' }, around: [{ id: bad.id }] });
});

test('the copy of a reported post has all that its readers see, and nothing of who reports', async () => {
  const [buyer, seller] = [await buildTrader(app), await buildTrader(app)];
  const images = [{ id: newId(), url: '/a.webp', thumb_url: '/b.webp', width: 1, height: 1 }];
  const postId = await buildPost(app, seller, { body: 'Pay to this card', city: 'Tashkent', images });
  const { body } = await app.post(buyer, `/api/b2b/posts/${postId}/report/`, { reason: 'fraud' });
  await app.patch(seller, `/api/b2b/posts/${postId}/`, { body: 'Good as new', city: null });
  const { copy } = await app.orm.em.fork().findOneOrFail(Report, { id: body.report_id });
  const said = { title: 'Brake pads', body: 'Pay to this card', city: 'Tashkent', images, author: { id: seller.id } };
  expect(copy).toMatchObject({ post: { id: postId, status: 'published', ...said } });
  expect(copy['post']).not.toHaveProperty('is_favorite');
});

test('S-67: thirty days after its deletion no copy of a report names an account', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  await app.patch(seller, '/api/auth/me/', { full_name: 'Vali Gone' });
  await app.patch(buyer, '/api/auth/me/', { full_name: 'Ali Here' });
  const socket = await app.connect(buyer, '/chat');
  const targets = [report('thread', thread.id), report('user', seller.id), report('post', thread.postId)];
  for (const target of targets) expect((await ask(socket, 'report:create', target)).ok).toBe(true);
  const copies = async () => JSON.stringify(await app.orm.em.fork().find(Report, { reporterId: buyer.id }));
  expect((await app.delete(seller, '/api/auth/me/', { confirm: 'DELETE' })).status).toBe(202);
  await app.jobs.run('purge-accounts', new Date(Date.now() + 29 * DAY));
  expect((await copies()).split('Vali Gone')).toHaveLength(4);
  await app.jobs.run('purge-accounts', new Date(Date.now() + 31 * DAY));
  expect(await copies()).not.toContain('Vali Gone');
  expect(await copies()).toContain('Ali Here');
});

test('threads, users and posts are reported too; the same report again is the same, another one of it is refused', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const socket = await app.connect(buyer, '/chat');
  for (const [type, id] of [
    ['thread', thread.id],
    ['user', seller.id],
    ['post', thread.postId],
  ] as const) {
    const one = report(type, id);
    const { report_id } = await done(socket, 'report:create', one);
    expect(await done(socket, 'report:create', one)).toEqual({ report_id });
    expect(await ask(socket, 'report:create', report(type, id))).toMatchObject(refused('already_reported'));
    const others = [{ target: { type: 'user', id: newId() } }, { reason: 'spam' }, { comment: 'Twice' }];
    for (const other of others)
      expect(await ask(socket, 'report:create', { ...one, ...other })).toMatchObject(refused('idempotency_conflict'));
  }
});

test('a post is reported over REST, once, and not by its author or by strangers of the board', async () => {
  const [buyer, seller, stranger] = [await buildTrader(app), await buildTrader(app), await app.buildUser()];
  const path = `/api/b2b/posts/${await buildPost(app, seller)}/report/`;
  const sent = await app.post(buyer, path, { reason: 'spam', comment: 'Twice' });
  expect(sent).toMatchObject({ status: 201, body: { report_id: expect.any(String) } });
  expect(await app.post(buyer, path, { reason: 'spam' })).toMatchObject({
    status: 409,
    body: { code: 'already_reported' },
  });
  expect(await app.post(seller, path, { reason: 'spam' })).toMatchObject({ status: 400, body: { code: 'own_post' } });
  expect(await app.post(stranger, path, { reason: 'spam' })).toMatchObject({
    status: 403,
    body: { code: 'b2b_not_enabled' },
  });
  expect((await app.post(buyer, path, { reason: 'ugly' })).status).toBe(400);
  expect((await app.post(buyer, `/api/b2b/posts/${newId()}/report/`, { reason: 'spam' })).status).toBe(404);
});

test('S-33: nobody reports what they cannot see, their own message or themselves', async () => {
  const { buyer, outsider, thread } = await buildTalk(app);
  const [mine, stranger] = [await app.connect(buyer, '/chat'), await app.connect(outsider, '/chat')];
  const { message: own } = await done(mine, 'message:send', message(thread));
  for (const [type, id] of [
    ['message', own.id],
    ['thread', thread.id],
    ['user', newId()],
    ['post', newId()],
  ] as const)
    expect(await ask(stranger, 'report:create', report(type, id))).toMatchObject(refused('not_found'));
  const isOwn = { ok: false, error: { code: 'invalid_state', details: { state: 'own' } } };
  expect(await ask(mine, 'report:create', report('message', own.id))).toMatchObject(isOwn);
  expect(await ask(mine, 'report:create', report('user', buyer.id))).toMatchObject(isOwn);
});

test('S-50: 20 reports a day, however many are made at once', async () => {
  const { buyer } = await buildTalk(app);
  const users = await Promise.all(Array.from({ length: 25 }, () => app.buildUser()));
  const socket = await app.connect(buyer, '/chat');
  const acks = await Promise.all(users.map(user => ask(socket, 'report:create', report('user', user.id))));
  expect(acks.filter(ack => ack.ok)).toHaveLength(20);
  expect(acks.at(-1)).toMatchObject({
    ok: false,
    error: { code: 'rate_limited', retryable: true, retry_after_ms: expect.any(Number) },
  });
});

test('RATE_LIMITS=off holds for reports too', async () => {
  const [reporter, ...users] = await Promise.all(Array.from({ length: 22 }, () => loose.buildUser()));
  const socket = await loose.connect(reporter!, '/chat');
  for (const user of users)
    expect(await ask(socket, 'report:create', report('user', user.id))).toMatchObject({ ok: true });
});
