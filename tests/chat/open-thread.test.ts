import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { B2bProfile, Post } from '../../src/b2b/entities.ts';
import { setThreadLock } from '../../src/chat/service/thread-changes.ts';
import { newId } from '../../src/common/ids.ts';
import { ask, eventually, once, record, useApp } from '../support/app.ts';
import { buildPost, buildTalk, buildTrader, done } from '../support/talk.ts';
import { uploadFolder, uploadImage } from '../support/uploads.ts';
import { asStaff } from '../support/worlds.ts';

const app = useApp({ RATE_LIMITS: 'relaxed', UPLOAD_DIR: await uploadFolder() });
const refused = (status: number, code: string) => ({ status, body: { code } });

test('a buyer opens a chat from a post, and both sides hear of the thread and of the first message', async () => {
  const [buyer, seller] = [await buildTrader(app), await buildTrader(app)];
  const post_id = await buildPost(app, seller, { title: 'Water pump', partNumber: '06H121026', price: '750000.00', currency: 'UZS' }); // biome-ignore format: one line reads better
  const sockets = [await app.connect(buyer, '/chat'), await app.connect(seller, '/chat')];
  const heard = sockets.map(socket => Promise.all([once(socket, 'thread:created'), once(socket, 'message:created')]));
  const first_message = { client_id: randomUUID(), text: 'Is it new?' };
  const { status, body } = await app.post(buyer, '/api/chat/start/', { post_id, first_message });
  expect(status).toBe(201);
  expect(body).toMatchObject({ created: true, message: { seq: 1, rev: 2, text: 'Is it new?' } });
  expect(body.thread).toMatchObject({
    ...{ rev: 2, last_seq: 1, locked: false, last_message: { seq: 1, text: 'Is it new?', sender_id: buyer.id } },
    post: { id: post_id, title: 'Water pump', part_number: '06H121026', price: '750000.00', currency: 'UZS', status: 'published' }, // biome-ignore format: one line reads better
    participants: [
      { side: 'buyer', user: { id: buyer.id } },
      { side: 'seller', user: { id: seller.id } },
    ],
    me: { side: 'buyer', read_seq: 1, unread: 0 },
  });
  const [mine, theirs] = await Promise.all(heard);
  expect(mine).toEqual(theirs);
  expect(mine![0]).toMatchObject({ rev: 1, thread: { rev: 1, last_seq: 0, last_message: null } });
  expect(mine![0].thread).not.toHaveProperty('me');
  expect(mine![1]).toMatchObject({ rev: 2, message: body.message });
});

test('a second start finds the same thread, and sends into it', async () => {
  const { buyer, thread } = await buildTalk(app);
  const again = await app.post(buyer, '/api/chat/start/', { post_id: thread.postId, text: 'Still there?' });
  expect(again).toMatchObject({
    status: 200,
    body: { created: false, thread: { id: thread.id, last_seq: 1 }, message: { text: 'Still there?' } },
  });
  const socket = await app.connect(buyer, '/chat');
  const client_id = randomUUID();
  const open = { post_id: thread.postId, first_message: { client_id, text: 'Hello' } };
  for (const _ of [1, 2])
    expect(await ask(socket, 'thread:open', open)).toMatchObject({
      ok: true,
      data: { message: { seq: 2, client_id } },
    });
});

test('`text` is that of the first message, whatever else the first message has', async () => {
  const { buyer, thread } = await buildTalk(app);
  const { id: image } = await uploadImage(app, buyer, 'chat');
  const client_id = randomUUID();
  const start = (more: object) => app.post(buyer, '/api/chat/start/', { post_id: thread.postId, ...more });
  const first = await start({ text: 'Like this one', first_message: { client_id, attachments: [image] } });
  expect(first.body.message).toMatchObject({ client_id, text: 'Like this one', attachments: [{ id: image }] });
  const named = { client_id: randomUUID() };
  expect((await start({ text: 'Still there?', first_message: named })).body.message).toMatchObject({ ...named, text: 'Still there?' }); // biome-ignore format: one line reads better
  expect((await start({ text: 'no', first_message: { text: 'yes' } })).body.message).toMatchObject({ text: 'yes' });
  const fields = [{ path: 'first_message.text', code: 'required' }];
  expect(await start({ first_message: named })).toMatchObject({ status: 400, body: { details: { fields } } });
});

test('a locked thread is found again, and takes no message', async () => {
  const { buyer, thread } = await buildTalk(app);
  await asStaff(app, ctx => setThreadLock(ctx, thread.id, true));
  const start = (more: object) => app.post(buyer, '/api/chat/start/', { post_id: thread.postId, ...more });
  expect(await start({})).toMatchObject({ status: 200, body: { thread: { id: thread.id, locked: true } } });
  expect(await start({ text: 'Still there?' })).toMatchObject(refused(409, 'thread_locked'));
});

test('the first message is sent with the thread or not at all', async () => {
  const [buyer, seller] = [await buildTrader(app), await buildTrader(app)];
  const post_id = await buildPost(app, seller);
  const socket = await app.connect(seller, '/chat');
  const heard = record(socket, 'thread:created');
  const first_message = { client_id: randomUUID(), text: 'Hi', attachments: [randomUUID()] };
  expect(await app.post(buyer, '/api/chat/start/', { post_id, first_message })).toMatchObject(
    refused(404, 'not_found'),
  );
  expect((await done(socket, 'thread:list', {})).results).toEqual([]);
  expect(heard).toEqual([]);
});

test('parallel starts give one thread', async () => {
  const [buyer, seller] = [await buildTrader(app), await buildTrader(app)];
  const post_id = await buildPost(app, seller);
  const answers = await Promise.all(Array.from({ length: 20 }, () => app.post(buyer, '/api/chat/start/', { post_id })));
  expect(new Set(answers.map(answer => answer.body.thread.id)).size).toBe(1);
  expect(answers.map(answer => answer.status).sort()).toEqual([...Array(19).fill(200), 201]);
});

test('two buyers of one post have a thread each', async () => {
  const { seller, outsider, thread } = await buildTalk(app);
  const other = await app.post(outsider, '/api/chat/start/', { post_id: thread.postId });
  expect(other.status).toBe(201);
  expect(other.body.thread.id).not.toBe(thread.id);
  const list = await app.get(seller, '/api/chat/threads/');
  expect(list.body.results.map((one: { id: string }) => one.id)).toEqual([other.body.thread.id, thread.id]);
});

test('nobody opens a chat about their own post, an unknown one, or one that is closed or not to be seen', async () => {
  const [buyer, seller] = [await buildTrader(app), await buildTrader(app)];
  const start = async (post_id: string) => app.post(buyer, '/api/chat/start/', { post_id });
  expect(await start(await buildPost(app, buyer))).toMatchObject(refused(400, 'own_post'));
  expect(await start(newId())).toMatchObject(refused(404, 'not_found'));
  for (const status of ['draft', 'pending', 'rejected', 'hidden', 'removed'] as const)
    expect(await start(await buildPost(app, seller, { status }))).toMatchObject(refused(404, 'not_found'));
  for (const status of ['closed', 'expired'] as const)
    expect(await start(await buildPost(app, seller, { status }))).toMatchObject(refused(409, 'post_unavailable'));
});

test('a thread is found again whatever has become of its post; whoever has none finds nothing', async () => {
  const { buyer, outsider, thread } = await buildTalk(app);
  const start = (who: typeof buyer) => app.post(who, '/api/chat/start/', { post_id: thread.postId });
  for (const status of ['closed', 'expired', 'hidden', 'removed', 'rejected'] as const) {
    await app.orm.em.fork().nativeUpdate(Post, { id: thread.postId }, { status });
    expect(await start(buyer)).toMatchObject({ status: 200, body: { created: false, thread: { id: thread.id } } });
    const isSeen = status === 'closed' || status === 'expired';
    expect(await start(outsider)).toMatchObject(isSeen ? refused(409, 'post_unavailable') : refused(404, 'not_found'));
  }
  expect((await app.get(outsider, '/api/chat/threads/')).body.results).toEqual([]);
});

test('only users whose business profile is enabled open chats', async () => {
  const [stranger, seller] = [await app.buildUser(), await buildTrader(app)];
  const post_id = await buildPost(app, seller);
  const start = () => app.post(stranger, '/api/chat/start/', { post_id });
  expect(await start()).toMatchObject({ status: 403, body: { code: 'b2b_not_enabled', details: { status: 'none' } } });
  const em = app.orm.em.fork();
  const now = new Date();
  em.create(B2bProfile, { user: stranger.id, status: 'pending', ...{ createdAt: now, updatedAt: now } });
  await em.flush();
  expect(await start()).toMatchObject({ status: 403, body: { details: { status: 'pending' } } });
  await em.nativeUpdate(B2bProfile, { user: stranger.id }, { isEnabled: true });
  expect((await start()).status).toBe(201);
  await em.nativeUpdate(B2bProfile, { user: stranger.id }, { isEnabled: false });
  expect(await start()).toMatchObject(refused(403, 'b2b_not_enabled'));
});

test("S-34, S-87: pushes to two participants are the same bytes, without a phone or anybody's private state", async () => {
  const [buyer, seller] = [await buildTrader(app), await buildTrader(app)];
  const post_id = await buildPost(app, seller);
  const frames: string[][] = [[], []];
  for (const [index, user] of [buyer, seller].entries()) {
    const socket = await app.connect(user, '/chat');
    socket.io.engine.on('packet', ({ type, data }: { type: string; data?: string }) => {
      if (type === 'message') frames[index]!.push(data!);
    });
  }
  await app.post(buyer, '/api/chat/start/', { post_id, text: 'Hello' });
  await eventually(() => expect(frames.map(one => one.length)).toEqual([2, 2]));
  expect(frames[0]).toEqual(frames[1]);
  const all = frames.flat().join();
  expect(all).not.toContain('"me"');
  for (const { phone } of [buyer, seller]) expect(all).not.toContain(phone.slice(4));
});
