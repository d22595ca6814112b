import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { removeParticipant } from '../../src/chat/service/thread-changes.ts';
import { ask, record, type TestUser, useApp } from '../support/app.ts';
import { buildPost, buildTalk, buildThread, done, message } from '../support/talk.ts';
import { uploadFolder, uploadImage } from '../support/uploads.ts';
import { act, asStaff } from '../support/worlds.ts';

const app = useApp({ UPLOAD_DIR: await uploadFolder(), RATE_LIMITS: 'relaxed' });
const upload = (who: TestUser, purpose: 'chat' | 'post' = 'chat') => uploadImage(app, who, purpose);

const send = (who: TestUser, payload: object) => app.post(who, '/api/chat/send/', payload);

test('a message brings its images, without a text too, to everybody and into the history', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const [first, second] = [await upload(buyer), await upload(buyer)];
  const socket = await app.connect(seller, '/chat');
  const heard = record(socket, 'message:created');
  const sent = await send(buyer, message(thread, { text: undefined, attachments: [second.id, first.id] }));
  expect(sent).toMatchObject({
    status: 201,
    body: {
      message: {
        text: null,
        attachments: [
          { id: second.id, kind: 'image', url: second.url, mime: 'image/webp', width: 40, height: 30 },
          { id: first.id },
        ],
      },
    },
  });
  const history = await ask(socket, 'thread:history', { thread_id: thread.id });
  expect(heard.map(push => push.message)).toEqual([sent.body.message]);
  expect(history).toMatchObject({ data: { messages: [{ attachments: sent.body.message.attachments }] } });
});

test('a retry with images is the same message', async () => {
  const { buyer, thread } = await buildTalk(app);
  const payload = message(thread, { attachments: [(await upload(buyer)).id] });
  const [first, again] = [await send(buyer, payload), await send(buyer, payload)];
  expect([first.status, again.status, again.body]).toEqual([201, 200, { ...first.body, duplicate: true }]);
  const other = { ...payload, attachments: [(await upload(buyer)).id] };
  expect(await send(buyer, other)).toMatchObject({ status: 422, body: { code: 'idempotency_conflict' } });
});

test("S-36: another user's upload, one for something else, one that is used, or none at all attaches to nothing", async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const used = await upload(buyer);
  await send(buyer, message(thread, { attachments: [used.id] }));
  for (const { id } of [await upload(seller), await upload(buyer, 'post'), used, { id: randomUUID() }])
    expect(await send(buyer, message(thread, { attachments: [id] }))).toMatchObject({
      status: 404,
      body: { code: 'not_found' },
    });
  const mine = await upload(seller);
  expect((await send(seller, message(thread, { attachments: [mine.id] }))).status).toBe(201);
});

test('S-36: an image that goes into several messages at once is shown by one of them', async () => {
  const { buyer, seller } = await buildTalk(app);
  const threads = await Promise.all(
    Array.from({ length: 6 }, async () => buildThread(app, { buyer, seller, postId: await buildPost(app, seller) })),
  );
  for (let round = 1; round <= 5; round += 1) {
    const attachments = [(await upload(buyer)).id];
    const sent = await Promise.all(threads.map(thread => send(buyer, message(thread, { attachments }))));
    expect(sent.map(({ status }) => status).sort()).toEqual([201, 404, 404, 404, 404, 404]);
  }
});

test('images of a message that was refused are free for another one', async () => {
  const { outsider, thread } = await buildTalk(app);
  const { id } = await upload(outsider);
  expect((await send(outsider, message(thread, { attachments: [id] }))).status).toBe(404);
  const rows = await app.orm.em.fork().execute('select attached_to from uploads where id = ?', [id]);
  expect(rows).toEqual([{ attached_to: null }]);
});

test('an image that comes with the client_id of another message is free for a new one', async () => {
  const { buyer, thread } = await buildTalk(app);
  const [known, { id }] = [message(thread), await upload(buyer)];
  await send(buyer, known);
  expect(await send(buyer, { ...known, attachments: [id] })).toMatchObject({ body: { code: 'idempotency_conflict' } });
  expect((await send(buyer, message(thread, { attachments: [id] }))).status).toBe(201);
});

const runOrphans = () => app.jobs.run('remove-orphans', new Date(Date.now() + 25 * 3_600_000));
const statusOf = async (image: { url: string }) => (await fetch(new URL(image.url, app.url))).status;

test('the image of a deleted message is served no longer than others that nothing shows; a retry of it is still answered', async () => {
  const { buyer, thread } = await buildTalk(app);
  const [image, kept] = [await upload(buyer), await upload(buyer)];
  const payload = message(thread, { attachments: [image.id] });
  const socket = await app.connect(buyer, '/chat');
  const { message: sent } = await done(socket, 'message:send', payload);
  await done(socket, 'message:send', message(thread, { attachments: [kept.id] }));
  await done(socket, 'message:delete', { thread_id: thread.id, message_id: sent.id });
  const repeated = { message: { id: sent.id, type: 'deleted', attachments: [] }, duplicate: true };
  expect(await done(socket, 'message:send', payload)).toMatchObject(repeated);
  await runOrphans();
  expect([await statusOf(image), await statusOf(kept)]).toEqual([404, 200]);
  expect(await done(socket, 'message:send', payload)).toMatchObject(repeated);
});

test('a retry of somebody who was removed meanwhile leaves the image to the message that shows it', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const image = await upload(buyer);
  const payload = message(thread, { attachments: [image.id] });
  expect((await send(buyer, payload)).status).toBe(201);
  await asStaff(app, ctx => removeParticipant(ctx, { threadId: thread.id, userId: buyer.id, reason: 'fraud' }));
  expect((await send(buyer, payload)).status).toBe(404);
  await runOrphans();
  const { body } = await app.get(seller, `/api/chat/threads/${thread.id}/messages/`);
  expect([body.results[0].attachments[0].id, await statusOf(image)]).toEqual([image.id, 200]);
});

test('while a report that is not closed has a copy of the message, its image stays', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const moderator = await app.buildUser({ role: 'moderator' });
  const image = await upload(seller);
  const [mine, theirs] = [await app.connect(buyer, '/chat'), await app.connect(seller, '/chat')];
  const { message: bad } = await done(theirs, 'message:send', message(thread, { attachments: [image.id] }));
  const target = { type: 'message', id: bad.id };
  const { report_id } = await done(mine, 'report:create', { client_id: randomUUID(), target, reason: 'fraud' });
  await done(theirs, 'message:delete', { thread_id: thread.id, message_id: bad.id });
  await runOrphans();
  expect(await statusOf(image)).toBe(200);
  expect((await act(app, moderator, 'reports/resolve', report_id, { reason: 'Warned' })).ok).toBe(true);
  await runOrphans();
  expect(await statusOf(image)).toBe(404);
});

test('S-67: thirty days after its deletion no image that an account has sent is served', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const [gone, kept] = [await upload(buyer), await upload(seller)];
  await send(buyer, message(thread, { attachments: [gone.id] }));
  await send(seller, message(thread, { attachments: [kept.id] }));
  expect((await app.delete(buyer, '/api/auth/me/', { confirm: 'DELETE' })).status).toBe(202);
  const purge = async (days: number) => {
    const then = new Date(Date.now() + days * 24 * 3_600_000);
    for (const job of ['purge-accounts', 'remove-orphans']) await app.jobs.run(job, then);
    return [await statusOf(gone), await statusOf(kept)];
  };
  expect([await purge(29), await purge(31)]).toEqual([
    [200, 200],
    [404, 200],
  ]);
});
