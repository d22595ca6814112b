import { expect, test } from 'vitest';
import { bearer, buildMember, later } from '../support/accounts.ts';
import { ask, eventually, newClientId, record, startApp, useApp } from '../support/app.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { buildTalk, done, message } from '../support/talk.ts';

const app = useApp();

test('a message leaves one row for its recipient, pushed live, and none for its sender', async () => {
  const { buyer, seller, outsider, thread } = await buildTalk(app);
  const [hers, his, others] = [
    await app.connect(seller, '/notifications'),
    await app.connect(buyer, '/notifications'),
    await app.connect(outsider, '/notifications'),
  ];
  const [onSeller, onBuyer, onOutsider] = [hers, his, others].map(socket => record(socket, 'notification:created'));
  const sent = await app.post(buyer, '/api/chat/send/', message(thread, { text: 'Is it new?' }));
  for (const socket of [hers, his, others]) await ask(socket, 'notification:list', {});
  expect(onSeller).toEqual([
    {
      notification: expect.objectContaining({
        type: 'chat_message',
        group_key: `thread:${thread.id}`,
        count: 1,
        body: 'Is it new?',
        read_at: null,
        actors: [expect.objectContaining({ id: buyer.id })],
        data: { thread_id: thread.id, post_id: thread.postId, message_id: sent.body.message.id },
      }),
      badge: { unread: 1, unseen: 1 },
      alert: true,
    },
  ]);
  expect([onBuyer, onOutsider]).toEqual([[], []]);
  expect((await app.get(buyer, '/api/notifications/')).body).toMatchObject({
    results: [],
    badge: { unread: 0, unseen: 0 },
  });
  expect(JSON.stringify(onSeller)).not.toContain(buyer.phone);
});

test('twenty unread messages of a thread are one row with count 20', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const [socket, hers] = [await app.connect(buyer, '/chat'), await app.connect(seller, '/notifications')];
  // All of them may be in one batch.
  const [created, updated] = [record(hers, 'notification:created'), record(hers, 'notification:updated')];
  await Promise.all(Array.from({ length: 20 }, () => done(socket, 'message:send', message(thread))));
  await eventually(() =>
    expect([...created, ...updated].at(-1)).toMatchObject({
      notification: { count: 20 },
      badge: { unread: 1, unseen: 1 },
    }),
  );
  const { body } = await app.get(seller, '/api/notifications/');
  expect(body.results).toHaveLength(1);
  expect(body.results[0]).toMatchObject({ count: 20 });
  expect(body.badge).toEqual({ unread: 1, unseen: 0 });
});

test('a note stays where it is in the list though the clock of an instance is behind', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const noted = async () => (await app.get(seller, '/api/notifications/')).body.results[0];
  await app.post(buyer, '/api/chat/send/', message(thread), later(60_000));
  const { updated_at } = await noted();
  await app.post(buyer, '/api/chat/send/', message(thread));
  expect(await noted()).toMatchObject({ count: 2, updated_at });
});

test('a repeated message notifies nobody again', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const same = message(thread);
  for (let n = 0; n < 3; n += 1) await app.post(buyer, '/api/chat/send/', same);
  expect((await app.get(seller, '/api/notifications/')).body.results).toMatchObject([{ count: 1 }]);
});

test('of a stream of messages the first is told at once, and the rest by few pushes of the whole count', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const phone = await app.connect(seller, '/notifications');
  const [first, later] = [record(phone, 'notification:created'), record(phone, 'notification:updated')];
  const sender = await app.connect(buyer, '/chat');
  for (let n = 0; n < 20; n += 1)
    expect(await ask(sender, 'message:send', message(thread))).toMatchObject({ ok: true });
  // Twenty may be stored before the first is told.
  await eventually(() => expect([...first, ...later].at(-1)?.notification.count).toBe(20));
  expect(first).toHaveLength(1);
  expect(later.length).toBeLessThan(15);
});

test('what was read before it is told makes no noise', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const [his, hers] = [await app.connect(buyer, '/chat'), await app.connect(seller, '/chat')];
  const phone = await app.connect(seller, '/notifications');
  const heard = ['notification:created', 'notification:updated'].map(event => record(phone, event));
  await done(his, 'message:send', message(thread));
  await done(his, 'message:send', message(thread));
  await done(hers, 'thread:read', { thread_id: thread.id, seq: 2 });
  await eventually(() => expect(heard.flat().at(-1)).toMatchObject({ notification: { read_at: expect.any(String) } }));
  expect(heard.flat().filter(push => push.notification.read_at !== null && push.alert)).toEqual([]);
});

test('after a row was read the next message begins a new one', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const [phone, laptop] = [await app.connect(seller, '/notifications'), await app.connect(seller, '/notifications')];
  await app.post(buyer, '/api/chat/send/', message(thread));
  const { id } = (await app.get(seller, '/api/notifications/')).body.results[0];
  const onLaptop = record(laptop, 'notification:updated');
  expect(await ask(phone, 'notification:read', { id })).toEqual({
    ok: true,
    data: { updated: 1, badge: { unread: 0, unseen: 0 } },
  });
  expect(await ask(phone, 'notification:read', { ids: [id] })).toMatchObject({ data: { updated: 0 } });
  await eventually(() =>
    expect(onLaptop).toMatchObject([
      { notification: { id, read_at: expect.any(String) }, badge: { unread: 0, unseen: 0 }, alert: false },
    ]),
  );
  await app.post(buyer, '/api/chat/send/', message(thread));
  expect((await app.get(seller, '/api/notifications/')).body.results).toMatchObject([
    { count: 1, read_at: null },
    { id },
  ]);
});

test("somebody else's row is not read, and not counted", async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  await app.post(buyer, '/api/chat/send/', message(thread));
  const { id } = (await app.get(seller, '/api/notifications/')).body.results[0];
  expect(await app.post(buyer, '/api/notifications/read/', { ids: [id] })).toMatchObject({
    status: 200,
    body: { updated: 0 },
  });
  expect(await app.post(buyer, '/api/notifications/read/', { group_key: `thread:${thread.id}` })).toMatchObject({
    body: { updated: 0 },
  });
  expect((await app.get(seller, '/api/notifications/?unread_only=1')).body.results).toHaveLength(1);
});

test('read-all reads what was there, and spares what came later', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const other = await buildTalk(app);
  await app.post(buyer, '/api/chat/send/', message(thread));
  const { results } = (await app.get(seller, '/api/notifications/')).body;
  expect(await app.post(seller, '/api/notifications/read-all/', { before: '2020-01-01T00:00:00Z' })).toMatchObject({
    body: { updated: 0, badge: { unread: 1 } },
  });
  expect(await app.post(seller, '/api/notifications/read-all/', { before: results[0].updated_at })).toMatchObject({
    body: { updated: 1, badge: { unread: 0 } },
  });
  expect((await app.get(other.seller, '/api/notifications/')).body.badge).toEqual({ unread: 0, unseen: 0 });
});

test('what was not asked for was not seen: a list of some types leaves the others unseen', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  await app.post(buyer, '/api/chat/send/', message(thread));
  const badgeAfter = async (query: string) => (await app.get(seller, `/api/notifications/${query}`)).body.badge;
  expect(await badgeAfter('?types=post_expired,search_match')).toEqual({ unread: 1, unseen: 1 });
  expect(await badgeAfter('?types=post_expired,chat_message')).toEqual({ unread: 1, unseen: 0 });
});

test.each(['types=post_expired,chat_message', 'types=post_expired&types=chat_message'])(
  'types are one list, or one by one: %s',
  async query => {
    const { buyer, seller, thread } = await buildTalk(app);
    await app.post(buyer, '/api/chat/send/', message(thread));
    const { status, body } = await app.get(seller, `/api/notifications/?${query}`);
    expect([status, body.results?.length]).toEqual([200, 1]);
  },
);

test('the badge stands in me/ too, and pages go on where they ended', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  await app.post(buyer, '/api/chat/send/', message(thread));
  expect((await app.get(seller, '/api/auth/me/')).body).toMatchObject({
    badge: { unread: 1, unseen: 1 },
    unread: { threads: 1, messages: 1 },
  });
  await app.post(seller, '/api/notifications/read-all/');
  await app.post(buyer, '/api/chat/send/', message(thread));
  const first = (await app.get(seller, '/api/notifications/?limit=1')).body;
  const second = (await app.get(seller, first.next)).body;
  expect([first.results.length, second.results.length, second.next]).toEqual([1, 1, null]);
  expect(await app.get(buyer, first.next)).toMatchObject({ status: 400, body: { code: 'invalid_cursor' } });
});

test('/presence answers its handshake', async () => {
  const { buyer } = await buildTalk(app);
  const socket = await app.connect(buyer, '/presence');
  expect(await ask(socket, 'presence:nothing', {})).toMatchObject({ error: { code: 'unknown_event' } });
});

test('S-19: a new password and a login from a new device leave a note, a known device does not', async () => {
  const { phone, password, body } = await buildMember(app);
  const types = async () =>
    (await app.get(null, '/api/notifications/', bearer(body.access))).body.results.map(
      (one: { type: string }) => one.type,
    );
  expect(await types()).toEqual(['security_changed']);
  await app.post(null, '/api/auth/login/', { phone, password, device: { name: 'Pixel', token: body.device_token } });
  expect(await types()).toEqual(['security_changed']);
  await app.post(null, '/api/auth/login/', { phone, password, device: { name: 'Pixel' } });
  expect(await types()).toEqual(['security_login', 'security_changed']);
});

test.each([
  ['201 ids', { ids: Array.from({ length: 201 }, () => newClientId()) }, { path: 'ids', code: 'too_big' }],
  ['an id that is none among others', { ids: [newClientId(), 'x'] }, { path: 'ids.1', code: 'invalid_format' }],
  ['an id that is none', { id: 'x' }, { path: 'id', code: 'invalid_format' }],
  ['no group', { group_key: '' }, { path: 'group_key', code: 'too_small' }],
  ['nothing', {}, { path: '', code: 'invalid_union' }],
])('to mark %s as read is refused by its field', async (_what, body, field) => {
  const refused = await app.post(await app.buildUser(), '/api/notifications/read/', body);
  expect(refused).toMatchObject({ status: 400, body: { code: 'validation_failed', details: { fields: [field] } } });
});

test('pushes go on while a newer version adds a column beneath this one', async () => {
  const database = await createTestDatabase();
  const old = await startApp(database.url, { DB_POOL: '2', RATE_LIMITS: 'relaxed' });
  const { buyer, seller, thread } = await buildTalk(old);
  const heard: number[] = [];
  for (const event of ['notification:created', 'notification:updated'])
    (await old.connect(seller, '/notifications')).on(event, ({ notification }) => heard.push(notification.count));
  const tell = async (count: number) => {
    await old.post(buyer, '/api/chat/send/', message(thread));
    await eventually(() => expect(heard).toContain(count));
  };
  for (const count of [1, 2, 3]) await tell(count);
  await old.orm.em.fork().execute('alter table notifications add column of_a_newer_version text');
  for (const count of [4, 5]) await tell(count);
  await old.close();
  await database.drop();
});

test('a note that was written just after its message was read is read by reading once more', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const socket = await app.connect(seller, '/chat');
  await app.post(buyer, '/api/chat/send/', message(thread));
  const read = () => done(socket, 'thread:read', { thread_id: thread.id, seq: 1 });
  await read();
  await app.orm.em.fork().execute('update notifications set read_at = null where user_id = ?', [seller.id]);
  await read();
  expect((await app.get(seller, '/api/notifications/')).body).toMatchObject({
    ...{ results: [{ count: 1, read_at: expect.any(String) }], badge: { unread: 0 } },
  });
});
