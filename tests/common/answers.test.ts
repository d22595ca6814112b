import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { facts } from '../../src/accounts/contract.ts';
import { type Reply, type TestUser, useApp } from '../support/app.ts';

const app = useApp({ TRUST_PROXY: '1' });
const from = (ip: string) => ({ 'x-forwarded-for': ip });
const remaining = (headers: Headers) => Number(/r=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1]);

test('S-48: the same key with another scope in the query is another request', async () => {
  const [user, key] = [await app.buildUser(), { 'idempotency-key': randomUUID() }];
  const logOut = (scope: string) => app.post(user, `/api/auth/logout/?scope=${scope}`, {}, key);
  expect((await logOut('others')).status).toBe(204);
  expect(await logOut('all')).toMatchObject({ status: 422, body: { code: 'idempotency_conflict' } });
  const again = await logOut('others');
  expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([204, 'true']);
});

test('who asks for no language is answered in their own, also what is public, from the moment they choose it', async () => {
  const user = await app.buildUser();
  const languageOf = async (who: TestUser | null, path: string) =>
    (await app.get(who, path)).headers.get('content-language');
  expect(await languageOf(user, '/api/auth/me/')).toBe('uz');
  await app.patch(user, '/api/auth/me/', { locale: 'ru' });
  for (const path of ['/api/auth/me/', '/api/b2b/regions/', '/api/b2b/brands/', '/api/billing/plans/'])
    expect([path, await languageOf(user, path)]).toEqual([path, 'ru']);
  expect(JSON.stringify((await app.get(user, '/api/b2b/regions/')).body)).toContain('Ташкент');
  for (const who of [null, { ...user, token: 'none' }]) expect(await languageOf(who, '/api/b2b/regions/')).toBe('uz');
});

test('a replay is in the language of the first answer, says so, and asks for a token where that did', async () => {
  const [user, key] = [await app.buildUser(), { 'idempotency-key': randomUUID() }];
  const change = (language: string) =>
    app.post(user, '/api/auth/change-phone/', { verification_token: 'none' }, { ...key, 'accept-language': language });
  const [first, again] = [await change('ru'), await change('en')];
  expect([again.headers.get('idempotent-replayed'), again.body]).toEqual(['true', first.body]);
  const told = ({ headers }: Reply) => ['content-language', 'www-authenticate'].map(name => headers.get(name));
  expect([told(first), told(again)]).toEqual([
    ['ru', 'Bearer'],
    ['ru', 'Bearer'],
  ]);
});

test('the scope of a logout is that of its address: one in the body is dropped', async () => {
  const [user, other] = [await app.buildUser(), await app.buildUser()];
  await app.orm.em.fork().execute('update sessions set user_id = ? where id = ?', [user.id, other.sessionId]);
  expect((await app.post(user, '/api/auth/logout/', { scope: 'all' })).status).toBe(204);
  const live = 'select id from sessions where user_id = ? and revoked_at is null';
  expect(await app.orm.em.fork().execute(live, [user.id])).toEqual([{ id: other.sessionId }]);
});

test('an empty Authorization header is none: a login goes on, everything else needs a token', async () => {
  const none = { authorization: '' };
  const login = { phone: '+998901234567', password: 'wrong horse battery' };
  expect((await app.post(null, '/api/auth/login/', login, none)).body.code).toBe('invalid_credentials');
  expect((await app.get(null, '/api/auth/me/', none)).body.code).toBe('auth_required');
});

test('a session that has expired before its access token is told so', async () => {
  const user = await app.buildUser();
  const later = new Date(Date.now() + (app.config.REFRESH_TTL + 1) * 1000);
  const reply = await app.get(app.tokenOf(user, later), '/api/auth/me/', { 'x-test-now': later.toISOString() });
  expect(reply).toMatchObject({ status: 401, body: { code: 'session_expired' } });
});

test('S-65: a transaction that PostgreSQL ended, because the instance stood still in it, is run again, or told to be tried again', async () => {
  const [once, always] = [await app.buildUser(), await app.buildUser()];
  const standsStill = new Map([
    [once.id, 1],
    [always.id, Number.POSITIVE_INFINITY],
  ]);
  app.listeners.on(facts.userDeleted, async ([deleted], { em }) => {
    const { userId } = deleted!.payload;
    const left = standsStill.get(userId) ?? 0;
    if (left === 0) return;
    standsStill.set(userId, left - 1);
    await em.execute("set local idle_in_transaction_session_timeout = '10ms'");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
  });
  const leave = (user: TestUser) => app.delete(user, '/api/auth/me/', { confirm: 'DELETE' });
  expect((await leave(once)).status).toBe(202);
  expect(await leave(always)).toMatchObject({ status: 503, body: { code: 'unavailable', retryable: true } });
  expect((await app.get(always, '/api/auth/me/')).status).toBe(200);
});

test('a replay spends of the budget of its user, and says so', async () => {
  const [user, key] = [await app.buildUser(), { 'idempotency-key': randomUUID() }];
  const ask = () => app.post(user, '/api/notifications/read-all/', {}, key);
  const [first, second, third] = [await ask(), await ask(), await ask()];
  expect([second, third].map(({ headers }) => headers.get('idempotent-replayed'))).toEqual(['true', 'true']);
  for (const { headers } of [first, second, third]) expect(headers.get('ratelimit-policy')).toBe('"rest";q=600;w=60');
  expect(remaining(third.headers)).toBe(remaining(first.headers) - 2);
});

test.each(['', 'Bearer no-token', 'Basic eDp5'])(
  'without a valid token (%s) requests spend of their address',
  async authorization => {
    const headers = { ...from(`10.9.0.${authorization.length}`), ...(authorization && { authorization }) };
    const replies = await Promise.all(Array.from({ length: 310 }, () => app.get(null, '/api/auth/me/', headers)));
    const counts = Object.groupBy(replies, ({ status }) => status);
    expect([counts[401]?.length, counts[429]?.length]).toEqual([300, 10]);
    expect((await app.get(null, '/api/auth/me/', from('10.9.1.1'))).status).toBe(401);
  },
);

test('requests whose body cannot be read spend of their address', async () => {
  const ask = (body: string) => app.post(null, '/api/auth/login/', body, from('10.9.3.1'));
  const replies = await Promise.all(Array.from({ length: 310 }, () => ask('{')));
  const counts = Object.groupBy(replies, ({ status }) => status);
  expect([counts[400]?.length, counts[429]?.length]).toEqual([300, 10]);
});

test('a public list may be kept by all, an answer to somebody by nobody, and neither may a refusal', async () => {
  const token = (await app.buildUser()).token;
  const cacheOf = async (method: string, path: string, headers: Record<string, string> = {}) => {
    const reply = await fetch(app.url + path, { method, headers: { ...from('10.9.2.1'), ...headers } });
    await reply.arrayBuffer();
    return [reply.status, reply.headers.get('cache-control')];
  };
  for (const path of ['/api/billing/plans/', '/api/b2b/brands/'])
    for (const method of ['GET', 'HEAD']) {
      expect(await cacheOf(method, path)).toEqual([200, 'public, max-age=30']);
      expect(await cacheOf(method, path, { authorization: `Bearer ${token}` })).toEqual([200, 'private, no-store']);
    }
  const refused = `/api/b2b/brands/?q=${'x'.repeat(61)}`;
  expect(await cacheOf('GET', refused)).toEqual([400, 'private, no-store']);
  const many = await Promise.all(Array.from({ length: 310 }, () => cacheOf('GET', '/api/billing/plans/')));
  expect(many.find(([status]) => status === 429)).toEqual([429, 'private, no-store']);
});
