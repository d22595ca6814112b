import { createHash, generateKeyPairSync } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { expect, test } from 'vitest';
import { newId } from '../../src/common/ids.ts';
import { deriveKey } from '../../src/common/keys.ts';
import { bearer, buildMember, DAY, later, logIn, MINUTE, newPhone } from '../support/accounts.ts';
import { openSocket, startApp, type TestApp, type TestUser, useApp } from '../support/app.ts';

const app = useApp({ RATE_LIMITS: 'relaxed' });
const key = () => deriveKey(app.config.SECRET_KEY, 'access');
const kid = () => createHash('sha256').update('parthub/kid').update(key()).digest('hex').slice(0, 16);
const now = () => Math.floor(Date.now() / 1000);

function claimsOf(user: TestUser, more: object = {}): object {
  return {
    sub: user.id,
    sid: user.sessionId,
    role: 'user',
    amr: ['otp'],
    auth_time: now(),
    jti: newId(),
    iat: now(),
    nbf: now(),
    exp: now() + 600,
    iss: 'parthub',
    aud: 'parthub-api',
    ...more,
  };
}

function sign(
  user: TestUser,
  { claims = {}, header = {}, secret = key() as jwt.Secret, alg = 'HS256' as jwt.Algorithm } = {},
): string {
  return jwt.sign(claimsOf(user, claims), secret, {
    algorithm: alg,
    header: { alg, typ: 'at+jwt', kid: kid(), ...header },
  });
}

async function refusalsOf(token: string): Promise<[number, string, string]> {
  const rest = await app.get(null, '/api/auth/me/', bearer(token));
  const socket = openSocket(app.url, '/chat', { token });
  const error = await new Promise<Error>(resolve => {
    socket.once('connect_error', resolve);
    socket.once('session:ready', () => resolve(new Error('let in')));
  });
  socket.close();
  return [rest.status, rest.body.code, error.message];
}

test('a token made as ours are is let in by both doors', async () => {
  const user = await app.buildUser();
  expect(await refusalsOf(sign(user))).toEqual([200, undefined, 'let in']);
});

const forged: Record<string, (user: TestUser) => string> = {
  'alg none': user =>
    `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.${Buffer.from(JSON.stringify(claimsOf(user))).toString('base64url')}.`,
  HS384: user => sign(user, { alg: 'HS384' }),
  RS256: user => sign(user, { alg: 'RS256', secret: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey }),
  'another key': user => sign(user, { secret: 'x'.repeat(32) }),
  'an unknown kid': user => sign(user, { header: { kid: 'unknown' } }),
  'a kid with a path': user => sign(user, { header: { kid: '../../etc/passwd' } }),
  'a kid with SQL': user => sign(user, { header: { kid: "' or 1=1 --" } }),
  'a jwk of its own': user => sign(user, { header: { jwk: { kty: 'oct', k: 'eA' } }, secret: 'x' }),
  'a jku': user => sign(user, { header: { jku: 'https://evil.example/keys' }, secret: 'x' }),
  'an x5u': user => sign(user, { header: { x5u: 'https://evil.example/cert' }, secret: 'x' }),
  'a critical extension': user => sign(user, { header: { crit: ['exp'] } }),
  'no typ': user => sign(user, { header: { typ: 'JWT' } }),
  'a future nbf': user => sign(user, { claims: { nbf: now() + 3_600 } }),
  'a wrong issuer': user => sign(user, { claims: { iss: 'evil' } }),
  'a wrong audience': user => sign(user, { claims: { aud: 'other' } }),
  'no session': user => sign(user, { claims: { sid: undefined } }),
  nonsense: () => 'a.b.c',
};

test.each(Object.keys(forged))('S-23, S-24: a token with %s is token_invalid on both doors', async name => {
  const user = await app.buildUser();
  expect(await refusalsOf(forged[name]!(user))).toEqual([401, 'token_invalid', 'token_invalid']);
});

test("S-24: an expired token is token_expired, somebody else's session is none", async () => {
  const [user, other] = [await app.buildUser(), await app.buildUser()];
  expect(await refusalsOf(sign(user, { claims: { iat: now() - 700, nbf: now() - 700, exp: now() - 100 } }))).toEqual([
    401,
    'token_expired',
    'token_expired',
  ]);
  expect(await refusalsOf(sign(user, { claims: { sid: other.sessionId } }))).toEqual([
    401,
    'session_revoked',
    'session_revoked',
  ]);
  expect(await refusalsOf(sign(user, { claims: { sid: newId() } }))).toEqual([
    401,
    'session_revoked',
    'session_revoked',
  ]);
});

test('S-24: a refresh or verification token is no access token', async () => {
  const { body, phone } = await logIn(app);
  const reset = await app.post(null, '/api/auth/request-otp/', { phone, purpose: 'reset_password' }, later(90_000));
  const { verification_token } = (await app.post(null, '/api/auth/verify-otp/', { phone, code: reset.body.dev_code }))
    .body;
  for (const token of [body.refresh, verification_token, body.device_token])
    expect((await refusalsOf(token))[1]).toBe('token_invalid');
});

test('S-27: a session ends after 30 idle days, and after 90 days in any case', async () => {
  const idle = await logIn(app);
  const refresh = (token: string, days: number) =>
    app.post(null, '/api/auth/token/refresh/', { refresh: token }, later(days * DAY));
  expect(await refresh(idle.body.refresh, 30.1)).toMatchObject({ status: 401, body: { code: 'session_expired' } });
  let { refresh: token } = (await logIn(app)).body;
  for (const day of [25, 50, 75]) token = (await refresh(token, day)).body.refresh;
  const late = await refresh(token, 89);
  expect(late).toMatchObject({ status: 200 });
  expect(late.body.refresh_expires_in).toBeLessThanOrEqual(DAY / 1000 + 60);
  expect(await refresh(late.body.refresh, 90.1)).toMatchObject({ status: 401, body: { code: 'session_expired' } });
});

test('S-27: outside of tests X-Test-Now does nothing', async () => {
  const live = await startApp(app.config.DATABASE_URL!, { NODE_ENV: 'development' });
  const user = await live.buildUser();
  expect((await live.get(user, '/api/auth/me/', later(365 * DAY))).status).toBe(200);
  await live.close();
});

test('S-30: tokens of an older key work as long as it is a fallback', async () => {
  const { body } = await logIn(app);
  const newKey = 'a brand new secret key, longer than 32 bytes';
  const both = await startApp(app.config.DATABASE_URL!, {
    SECRET_KEY: newKey,
    SECRET_KEY_FALLBACKS: app.config.SECRET_KEY,
  });
  const alone = await startApp(app.config.DATABASE_URL!, { SECRET_KEY: newKey });
  const me = (server: typeof both) => server.get(null, '/api/auth/me/', bearer(body.access));
  expect((await me(alone)).status).toBe(401);
  expect((await alone.post(null, '/api/auth/token/refresh/', { refresh: body.refresh })).body.code).toBe(
    'refresh_invalid',
  );
  expect((await me(both)).status).toBe(200);
  const renewed = await both.post(null, '/api/auth/token/refresh/', { refresh: body.refresh });
  expect(renewed.status).toBe(200);
  expect((await alone.get(null, '/api/auth/me/', bearer(renewed.body.access))).status).toBe(200);
  await Promise.all([both.close(), alone.close()]);
});

test('S-30: while the key is changed step by step, who restarted and who has not yet take what the other has given', async () => {
  const [old, next] = [app.config.SECRET_KEY, 'the next secret key: longer than 32 bytes'];
  const steps = await Promise.all(
    [[old], [old, next], [next, old], [next]].map(([SECRET_KEY, fallback]) =>
      startApp(app.config.DATABASE_URL!, { SECRET_KEY: SECRET_KEY!, SECRET_KEY_FALLBACKS: fallback ?? '' }),
    ),
  );
  const takes = async (from: TestApp, to: TestApp) => {
    const phone = newPhone();
    const code = (await from.post(null, '/api/auth/request-otp/', { phone })).body.dev_code;
    const { status, body } = await to.post(null, '/api/auth/verify-otp/', { phone, code });
    const renewed = await from.post(null, '/api/auth/token/refresh/', { refresh: body.refresh });
    return [status, (await from.get(null, '/api/auth/me/', bearer(body.access))).status, renewed.status];
  };
  for (const [index, before] of steps.slice(0, -1).entries())
    for (const [from, to] of [[before, steps[index + 1]!], [steps[index + 1]!, before]] as const) // biome-ignore format: one line reads better
      expect([index, ...(await takes(from, to))]).toEqual([index, 200, 200, 200]);
  await Promise.all(steps.map(server => server.close()));
});

test('an eleventh session ends the one that was used least recently', async () => {
  const { phone, password, body } = await buildMember(app);
  for (let n = 0; n < 10; n += 1) await app.post(null, '/api/auth/login/', { phone, password });
  const { results } = (
    await app.get(
      null,
      '/api/auth/sessions/',
      bearer((await app.post(null, '/api/auth/login/', { phone, password })).body.access),
    )
  ).body;
  expect(results).toHaveLength(10);
  expect(results.map((session: { id: string }) => session.id)).not.toContain(body.session_id);
});

test('whoever proves again who they are renews their session; a token that is not theirs, or none any more, does nothing', async () => {
  const member = await buildMember(app);
  const { session_id, access, refresh } = member.body;
  const login = (headers: Record<string, string>) => app.post(null, '/api/auth/login/', member, headers);
  const at = later(9 * MINUTE);
  const renewed = await login({ ...bearer(access), ...at });
  expect(renewed.body).toMatchObject({ session_id, is_new_user: false });
  const me = (token: string, headers = {}) => app.get(null, '/api/auth/me/', { ...bearer(token), ...headers });
  expect((await me(renewed.body.access, at)).status).toBe(200);
  expect(renewed.body.refresh).not.toBe(refresh);
  // the sliding end moves with it
  const month = later(30 * DAY + 5 * MINUTE);
  const next = await app.post(null, '/api/auth/token/refresh/', { refresh: renewed.body.refresh }, month);
  expect(next.status).toBe(200);
  for (const token of [(await logIn(app)).body.access, 'nonsense', `${access}x`]) {
    const other = await login(bearer(token));
    expect(other.status).toBe(200);
    expect(other.body.session_id).not.toBe(session_id);
  }
  const expired = await login({ ...bearer(access), ...later(11 * MINUTE) });
  expect(expired.status).toBe(200);
  expect(expired.body.session_id).not.toBe(session_id);
});

test('renewals of one session at the same moment go one after the other', async () => {
  const member = await buildMember(app);
  const counterOf = (token: string) => Number(token.split('.')[1]);
  const next = (refresh: string) => app.post(null, '/api/auth/token/refresh/', { refresh });
  const renewals = await Promise.all(
    Array.from({ length: 4 }, () => app.post(null, '/api/auth/login/', member, bearer(member.body.access))),
  );
  const made = renewals.map(({ body }) => body.refresh as string).sort((a, b) => counterOf(a) - counterOf(b));
  expect(made.map(counterOf)).toEqual([1, 2, 3, 4].map(n => counterOf(member.body.refresh) + n));
  expect((await next(made.at(-1)!)).status).toBe(200);
});

test('an Idempotency-Key keeps no password and no token', async () => {
  const member = await buildMember(app);
  const headers = { ...bearer(member.body.access), 'idempotency-key': 'a-key-of-sixteen-or-more' };
  const renewed = await app.post(null, '/api/auth/login/', member, headers);
  const set = await app.post(null, '/api/auth/set-password/', { password: 'another horse battery' }, headers);
  expect([renewed.status, set.status]).toEqual([200, 200]);
  const kept = await app.orm.em
    .fork()
    .execute('select * from idempotency_keys where user_id = ?', [member.body.user.id]);
  expect(kept).toEqual([]);
});
