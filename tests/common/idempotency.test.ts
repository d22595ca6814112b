import { randomUUID } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { purgeIdempotencyKeys } from '../../src/common/idempotency.ts';
import { newPhone, requestCode, verify } from '../support/accounts.ts';
import { type Reply, startApp, type TestUser, useApp } from '../support/app.ts';
import { waiting } from '../support/locks.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { startProxy } from '../support/proxy.ts';
import { buildTalk } from '../support/talk.ts';
import { buildDealer, postInput } from '../support/worlds.ts';

const app = useApp();
const create = (who: TestUser, key: string, body: object) =>
  app.post(who, '/api/b2b/posts/', body, { 'idempotency-key': key });
const count = async (who: TestUser) => (await app.get(who, '/api/b2b/posts/?mine=1')).body.results.length;

test('S-48: the same key and body are answered with the stored answer, and nothing is made twice', async () => {
  const [dealer, key, body] = [await buildDealer(app), randomUUID(), postInput()];
  const first = await create(dealer, key, body);
  const again = await create(dealer, `"${key}"`, body);
  expect([first.status, first.headers.get('idempotent-replayed')]).toEqual([201, null]);
  expect([again.status, again.headers.get('idempotent-replayed'), again.headers.get('location')]).toEqual([
    201,
    'true',
    first.headers.get('location'),
  ]);
  expect(again.body).toEqual(first.body);
  expect(await count(dealer)).toBe(1);
});

test('S-48: another body is idempotency_conflict, another user or path is independent', async () => {
  const [dealer, other, key, body] = [await buildDealer(app), await buildDealer(app), randomUUID(), postInput()];
  await create(dealer, key, body);
  expect(await create(dealer, key, postInput())).toMatchObject({ status: 422, body: { code: 'idempotency_conflict' } });
  expect((await create(other, key, body)).headers.get('idempotent-replayed')).toBeNull();
  expect((await app.post(dealer, '/api/notifications/read-all/', {}, { 'idempotency-key': key })).status).toBe(200);
});

test('S-48: of parallel requests one runs, the others hear that it is under way or get its answer', async () => {
  const [dealer, key, body] = [await buildDealer(app), randomUUID(), postInput()];
  const replies = await Promise.all(Array.from({ length: 20 }, () => create(dealer, key, body)));
  const codes = new Set(replies.map(({ status, body }) => (status === 409 ? body.code : status)));
  expect([...codes].every(code => code === 201 || code === 'idempotency_in_progress')).toBe(true);
  expect(await count(dealer)).toBe(1);
});

test('a refusal is an answer too; one for being too early is not', async () => {
  const [dealer, key] = [await buildDealer(app, { plan: null }), randomUUID()];
  const body = postInput();
  expect(await create(dealer, key, body)).toMatchObject({ status: 403, body: { code: 'subscription_required' } });
  expect((await create(dealer, key, body)).headers.get('idempotent-replayed')).toBe('true');
});

test('a message that was stored although its answer was lost is found by the repeat, without a client_id too', async () => {
  const database = await createTestDatabase();
  const network = await startProxy(database.url);
  const behind = await startApp(network.url);
  const { buyer, thread } = await buildTalk(behind);
  const [key, body] = [randomUUID(), { thread_id: thread.id, text: 'Is it still there?' }];
  const send = (more = {}) => behind.post(buyer, '/api/chat/send/', { ...body, ...more }, { 'idempotency-key': key });
  network.loseAnswers(request => request.includes(body.text));
  expect(await send()).toMatchObject({ status: 503, body: { code: 'unavailable' } });
  network.loseAnswers(null);
  const again = await send();
  expect(again).toMatchObject({ status: 200, body: { duplicate: true, message: { text: body.text } } });
  const shown = async () => (await behind.get(buyer, `/api/chat/threads/${thread.id}/messages/`)).body.results;
  expect(await shown()).toMatchObject([{ id: again.body.message.id }]);
  expect(await send()).toMatchObject({ status: 200, body: again.body });
  await behind.post(buyer, '/api/chat/send/', body, { 'idempotency-key': randomUUID() });
  expect(await shown()).toHaveLength(2);
  await behind.close();
  await network.close();
  await database.drop();
});

/** A server whose commits are stored at first, but not answered. */
async function startLosing() {
  const database = await createTestDatabase();
  const network = await startProxy(database.url);
  const behind = await startApp(network.url);
  onTestFinished(async () => {
    await behind.close();
    await network.close();
    await database.drop();
  });
  async function twice(who: TestUser, path: string, body: object): Promise<Reply> {
    const ask = () => behind.post(who, path, body, { 'idempotency-key': key });
    const key = randomUUID();
    network.loseAnswers(request => request.includes('commit\0'));
    expect(await ask()).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    network.loseAnswers(null);
    return ask();
  }
  return { behind, twice };
}

test('of a conversation that was begun although the answer was lost the repeat is answered so, and says nothing twice', async () => {
  const { behind, twice } = await startLosing();
  const { outsider, thread } = await buildTalk(behind);
  const again = await twice(outsider, '/api/chat/start/', { post_id: thread.postId, text: 'Is it still there?' });
  expect(again).toMatchObject({ status: 201, body: { created: true, thread: { last_seq: 1 } } });
  const { body: page } = await behind.get(outsider, `/api/chat/threads/${again.body.thread.id}/messages/`);
  expect(page.results).toEqual([again.body.message]);
});

test('a report that was stored although its answer was lost is found by the repeat', async () => {
  const { behind, twice } = await startLosing();
  const { outsider, thread } = await buildTalk(behind);
  const again = await twice(outsider, `/api/b2b/posts/${thread.postId}/report/`, { reason: 'fraud' });
  const stored = await behind.orm.em.fork().execute('select id from reports');
  expect([again.status, stored]).toEqual([201, [{ id: again.body.report_id }]]);
});

test('what was stored although its answer was lost is answered to the repeat, without an id of its own too', async () => {
  const { behind, twice } = await startLosing();
  const dealer = await buildDealer(behind);
  const again = await twice(dealer, searches, { name: 'Kuzatuv', filters: { q: 'kolodka' } });
  expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([201, 'true']);
  expect((await behind.get(dealer, searches)).body.results).toEqual([again.body]);
});

test('of a number that was changed although the answer was lost the repeat is answered so', async () => {
  const { behind, twice } = await startLosing();
  const [user, phone] = [await behind.buildUser(), newPhone()];
  const { dev_code } = (await requestCode(behind, phone, { purpose: 'change_phone' })).body;
  const { verification_token } = (await verify(behind, phone, dev_code)).body;
  const again = await twice(user, '/api/auth/change-phone/', { verification_token });
  expect(again).toMatchObject({ status: 200, body: { id: user.id, phone } });
  expect(again.headers.get('idempotent-replayed')).toBe('true');
});

const searches = '/api/b2b/saved-searches/';
const saveSearch = (who: TestUser, key: string) =>
  app.post(who, searches, { name: 'Kuzatuv', filters: { q: 'kolodka' } }, { 'idempotency-key': key });

async function hold(statement: string): Promise<() => Promise<void>> {
  const em = app.orm.em.fork();
  await em.begin();
  await em.execute('set local idle_in_transaction_session_timeout = 0');
  await em.execute(statement);
  return () => em.commit();
}

test('what was answered as late is not stored after all once its key is free', async () => {
  const [dealer, key] = [await buildDealer(app), randomUUID()];
  const releaseUser = await hold(`select from users where id = '${dealer.id}' for update`);
  const releaseSearches = await hold('lock table saved_searches in share mode');
  const first = saveSearch(dealer, key);
  // Each statement may wait for 3.5 s, all of the request together for 4.5 s.
  await waiting(app, 1, 2.4);
  await releaseUser();
  expect(await first).toMatchObject({ status: 503, body: { code: 'unavailable' } });
  const second = saveSearch(dealer, key);
  await waiting(app, 2);
  await releaseSearches();
  const { status, body } = await second;
  expect(status).toBe(201);
  expect((await saveSearch(dealer, key)).body).toEqual(body);
  expect((await app.get(dealer, searches)).body.results).toEqual([body]);
});

test('a request whose key went to a repeat meanwhile stores nothing', async () => {
  const [dealer, key] = [await buildDealer(app), randomUUID()];
  const release = await hold('lock table saved_searches in share mode');
  const first = saveSearch(dealer, key);
  await waiting(app, 1);
  await age(key, 70);
  const second = saveSearch(dealer, key);
  await waiting(app, 2);
  await release();
  expect(await first).toMatchObject({ status: 503, body: { code: 'unavailable' } });
  const { status, body } = await second;
  expect(status).toBe(201);
  expect((await saveSearch(dealer, key)).body).toEqual(body);
  expect((await app.get(dealer, searches)).body.results).toEqual([body]);
});

const age = (key: string, seconds: number, more = '') =>
  app.orm.em
    .fork()
    .execute(`update idempotency_keys set ${more} created_at = now() - make_interval(secs => ?) where key = ?`, [
      ...[seconds, key],
    ]);

test('a key whose request never ended, since its instance died, is free after a minute', async () => {
  const [dealer, key] = [await buildDealer(app), randomUUID()];
  const readAll = () => app.post(dealer, '/api/notifications/read-all/', {}, { 'idempotency-key': key });
  await readAll();
  await age(key, 50, 'status = null,');
  expect((await readAll()).body).toMatchObject({ code: 'idempotency_in_progress' });
  await age(key, 70, 'status = null,');
  expect((await readAll()).status).toBe(200);
});

test('what is older than a day is forgotten, and nothing else', async () => {
  const [dealer, keys] = [await buildDealer(app), [randomUUID(), randomUUID()]];
  for (const key of keys) await app.post(dealer, '/api/notifications/read-all/', {}, { 'idempotency-key': key });
  await age(keys[0]!, 24 * 3_600 + 60);
  await age(keys[1]!, 24 * 3_600 - 60);
  await purgeIdempotencyKeys({ em: app.orm.em.fork(), now: new Date() });
  const kept = await app.orm.em.fork().execute('select key from idempotency_keys where user_id = ?', [dealer.id]);
  expect(kept).toEqual([{ key: keys[1] }]);
});

test('after 24 hours a key is new again', async () => {
  const [dealer, key, body] = [await buildDealer(app), randomUUID(), postInput()];
  await create(dealer, key, body);
  const tomorrow = new Date(Date.now() + 25 * 3_600_000);
  const again = await app.post(app.tokenOf(dealer, tomorrow), '/api/b2b/posts/', body, {
    'idempotency-key': key,
    'x-test-now': tomorrow.toISOString(),
  });
  expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([201, null]);
});

test.each(['short', 'x'.repeat(129), 'with spaces in it!', "'; drop table users --"])(
  'S-69: the key %s is refused',
  async key => {
    expect(await create(await buildDealer(app), key, postInput())).toMatchObject({
      status: 400,
      body: { code: 'validation_failed', details: { fields: [{ path: 'Idempotency-Key' }] } },
    });
  },
);
