import { expect, test } from 'vitest';
import { newId } from '../../src/common/ids.ts';
import { ask, type Reply, type TestUser, useApp } from '../support/app.ts';
import { buildTalk, buildTrader, done, message } from '../support/talk.ts';
import { uploadFolder, uploadImage } from '../support/uploads.ts';
import { buildDealer, postInput } from '../support/worlds.ts';

const app = useApp({ RATE_LIMITS: 'relaxed', UPLOAD_DIR: await uploadFolder() });

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

/** All that an answer tells, but for what tells requests apart. */
function whole({ status, headers, body }: Reply, id: string): object {
  const told = Object.fromEntries([...headers].filter(([name]) => !/^(x-request-id|date|ratelimit)/.test(name)));
  const text = JSON.stringify(body).replace(body.request_id, 'request').replaceAll(id, 'id');
  return { status, told, text };
}

async function expectAlike(
  who: TestUser,
  method: Method,
  pathOf: (id: string) => string,
  foreign: string,
  body?: object,
) {
  const random = newId();
  const [first, second] = [await app.request(method, who, pathOf(foreign), body), await app.request(method, who, pathOf(random), body)]; // biome-ignore format: one line reads better
  expect([pathOf(''), first.status, first.body.code]).toEqual([pathOf(''), 404, 'not_found']);
  expect(whole(first, foreign)).toEqual(whole(second, random));
}

test('S-33: a foreign thread, session, saved search or draft is answered byte for byte as an id of nobody', async () => {
  const { seller, outsider, thread } = await buildTalk(app);
  const owner = await buildDealer(app);
  const { body: search } = await app.post(owner, '/api/b2b/saved-searches/', { name: 'Lamps', filters: { q: 'lamp' } });
  const { body: draft } = await app.post(owner, '/api/b2b/posts/', postInput({ status: 'draft' }));
  expect([search.id, draft.id]).toEqual([expect.any(String), expect.any(String)]);
  for (const path of ['', 'messages/'])
    await expectAlike(outsider, 'GET', id => `/api/chat/threads/${id}/${path}`, thread.id);
  await expectAlike(outsider, 'POST', id => `/api/chat/threads/${id}/read/`, thread.id, { seq: 1 });
  await expectAlike(outsider, 'POST', id => `/api/chat/threads/${id}/mute/`, thread.id, { until: null });
  await expectAlike(outsider, 'POST', id => `/api/chat/threads/${id}/archive/`, thread.id, { archived: true });
  await expectAlike(outsider, 'DELETE', id => `/api/auth/sessions/${id}/`, seller.sessionId);
  await expectAlike(outsider, 'PATCH', id => `/api/b2b/saved-searches/${id}/`, search.id, { name: 'Mine' });
  await expectAlike(outsider, 'DELETE', id => `/api/b2b/saved-searches/${id}/`, search.id);
  await expectAlike(outsider, 'GET', id => `/api/b2b/posts/${id}/`, draft.id);
  await expectAlike(outsider, 'PATCH', id => `/api/b2b/posts/${id}/`, draft.id, { title: 'Mine now' });
  await expectAlike(outsider, 'DELETE', id => `/api/b2b/posts/${id}/`, draft.id);
  await expectAlike(outsider, 'POST', id => `/api/b2b/posts/${id}/publish/`, draft.id);
  expect((await app.get(owner, `/api/b2b/posts/${draft.id}/`)).body).toMatchObject({ status: 'draft' });
  expect((await app.get(owner, '/api/b2b/saved-searches/')).body.results).toMatchObject([{ name: 'Lamps' }]);
});

test('S-33: so is a foreign message, upload or notification in the body of a call', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const stranger = await buildTrader(app);
  const other = await buildTalk(app);
  const elsewhere = await app.connect(other.buyer, '/chat');
  const { message: foreign } = await done(elsewhere, 'message:send', message(other.thread));
  const socket = await app.connect(buyer, '/chat');
  const alike = async (event: string, payloadOf: (id: string) => object, id: string) => {
    const random = newId();
    const [first, second] = [await ask(socket, event, payloadOf(id)), await ask(socket, event, payloadOf(random))];
    const told = (ack: object, named: string) => JSON.stringify({ ...ack, request_id: '' }).replaceAll(named, 'id').replace(/"request_id":"[^"]+"/, ''); // biome-ignore format: one line reads better
    expect(first).toMatchObject({ ok: false, error: { code: 'not_found' } });
    expect(told(first, id)).toBe(told(second, random));
  };
  const own = { thread_id: thread.id };
  await alike('message:edit', message_id => ({ ...own, message_id, text: 'changed' }), foreign.id);
  await alike('message:delete', message_id => ({ ...own, message_id }), foreign.id);
  await alike('message:react', message_id => ({ ...own, message_id, emoji: '👍', op: 'add' }), foreign.id);
  await alike('message:send', reply_to => message(thread, { reply_to }), foreign.id);
  const image = await uploadImage(app, stranger, 'chat');
  const picture = await uploadImage(app, stranger, 'avatar');
  const clientId = message(thread).client_id;
  await alike('message:send', id => ({ ...message(thread, { attachments: [id] }), client_id: clientId }), image.id);
  const rest = async (id: string) => whole(await app.patch(buyer, '/api/auth/me/', { avatar_upload_id: id }), id);
  expect(await rest(picture.id)).toEqual(await rest(newId()));

  await done(socket, 'message:send', message(thread));
  const { body: notes } = await app.get(seller, '/api/notifications/');
  const read = (id: string) => app.post(buyer, '/api/notifications/read/', { ids: [id] });
  expect(whole(await read(notes.results[0].id), '')).toEqual(whole(await read(newId()), ''));
  expect((await app.get(seller, '/api/notifications/')).body.badge).toMatchObject({ unread: 1 });
});
