import { expect, test } from 'vitest';
import { type Reply, useApp } from '../support/app.ts';

const app = useApp({ RATE_LIMITS: 'relaxed' });
let lastPhone = 0;

function newPhone(): string {
  lastPhone += 1;
  return `+99893${String(2_000_000 + lastPhone)}`;
}

function requestCode(phone: string, more: object = {}): Promise<Reply> {
  return app.post(null, '/api/auth/request-otp/', { phone, ...more });
}

async function logIn(phone = newPhone()): Promise<Reply & { phone: string }> {
  const { body } = await requestCode(phone);
  return {
    phone,
    ...(await app.post(null, '/api/auth/verify-otp/', { phone, code: body.dev_code, otp_id: body.otp_id })),
  };
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const wrongCode = (code: string) => String((Number(code) + 1) % 1_000_000).padStart(6, '0');

test('a code logs an unknown phone in and registers it', async () => {
  const phone = newPhone();
  const requested = await requestCode(phone);
  expect(requested).toMatchObject({
    status: 200,
    body: {
      phone,
      channel: 'auto',
      code_length: 6,
      expires_in: 180,
      resend_in: 60,
      dev_code: expect.stringMatching(/^\d{6}$/),
    },
  });
  const first = await app.post(null, '/api/auth/verify-otp/', { phone, code: requested.body.dev_code });
  expect(first).toMatchObject({
    status: 200,
    body: { token_type: 'Bearer', expires_in: 600, is_new_user: true, has_password: false },
  });
  const me = await app.get(null, '/api/auth/me/', bearer(first.body.access));
  expect(me).toMatchObject({
    status: 200,
    body: { phone, role: 'user', is_staff: false, b2b: null, unread: { threads: 0, messages: 0 } },
  });
  expect(me.body.id).toBe(first.body.user.id);
});

test.each([' +998 (93) 100-00-01 ', '998931000001', '00998931000001', '931000001', '٩٣١٠٠٠٠٠١'])(
  'the phone %s is read as +998931000001',
  async typed => {
    const reply = await requestCode(typed);
    const phone = reply.status === 429 ? '+998931000001' : reply.body.phone;
    expect([200, 429]).toContain(reply.status);
    expect(phone).toBe('+998931000001');
  },
);

test.each([
  ['invalid_phone', 'nonsense'],
  ['invalid_phone', '+998901234567;ext=1'],
  ['invalid_phone', '12345'],
  ['phone_not_supported', '+998711234567'],
  ['phone_not_supported', '+14155550123'],
  ['phone_not_supported', '+79161234567'],
])('%s is the answer to %s', async (code, phone) => {
  expect(await requestCode(phone)).toMatchObject({ status: 400, body: { code } });
  const logins = { 'auth/verify-otp': { code: '000000' }, 'auth/login': { password: 'x' }, 'admin/login': { password: 'x' } }; // biome-ignore format: one line reads better
  for (const [path, more] of Object.entries(logins))
    expect(await app.post(null, `/api/${path}/`, { phone, ...more })).toMatchObject({ status: 400, body: { code } });
});

test('S-1: five wrong codes burn the code, the right one is then refused too', async () => {
  const phone = newPhone();
  const { dev_code } = (await requestCode(phone)).body;
  for (const left of [4, 3, 2, 1, 0])
    expect(await app.post(null, '/api/auth/verify-otp/', { phone, code: wrongCode(dev_code) })).toMatchObject({
      status: 400,
      body: { code: 'otp_invalid', details: { attempts_left: left } },
    });
  expect(await app.post(null, '/api/auth/verify-otp/', { phone, code: dev_code })).toMatchObject({
    status: 429,
    body: { code: 'otp_attempts_exceeded', retryable: false },
  });
});

test('S-2: fifty parallel wrong guesses get five tries, twenty parallel right ones open one session', async () => {
  const [guessed, shared] = [newPhone(), newPhone()];
  const code = (await requestCode(guessed)).body.dev_code;
  const guesses = await Promise.all(
    Array.from({ length: 50 }, () =>
      app.post(null, '/api/auth/verify-otp/', { phone: guessed, code: wrongCode(code) }),
    ),
  );
  expect(guesses.filter(({ body }) => body.code === 'otp_invalid')).toHaveLength(5);
  expect(guesses.filter(({ body }) => body.code === 'otp_attempts_exceeded')).toHaveLength(45);
  const right = (await requestCode(shared)).body.dev_code;
  const logins = await Promise.all(
    Array.from({ length: 20 }, () => app.post(null, '/api/auth/verify-otp/', { phone: shared, code: right })),
  );
  expect(logins.filter(({ status }) => status === 200)).toHaveLength(1);
});

test('S-4: a code is used once, and an older one is worth nothing once a newer exists', async () => {
  const { phone, body } = await logIn();
  expect(body.access).toBeDefined();
  const later = (minutes: number) => ({ 'x-test-now': new Date(Date.now() + minutes * 60_000).toISOString() });
  const older = await app.post(null, '/api/auth/request-otp/', { phone }, later(2));
  const newer = await app.post(null, '/api/auth/request-otp/', { phone }, later(4));
  const tryIt = (reply: Reply, minutes: number) =>
    app.post(
      null,
      '/api/auth/verify-otp/',
      { phone, code: reply.body.dev_code, otp_id: reply.body.otp_id },
      later(minutes),
    );
  expect(await tryIt(older, 4)).toMatchObject({ body: { code: 'otp_invalid' } });
  expect(await tryIt(newer, 8)).toMatchObject({ body: { code: 'otp_invalid' } });
  expect(await tryIt(newer, 5)).toMatchObject({ status: 200 });
  expect(await tryIt(newer, 5)).toMatchObject({ body: { code: 'otp_invalid' } });
});

test('S-8: one code a minute and five an hour per number; of twenty parallel requests one is sent', async () => {
  const phone = newPhone();
  const replies = await Promise.all(Array.from({ length: 20 }, () => requestCode(phone)));
  expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
  const refused = replies.find(({ status }) => status === 429)!;
  expect(refused.body).toMatchObject({ code: 'otp_cooldown', retry_after_ms: expect.any(Number) });
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  const at = (minutes: number) => ({ 'x-test-now': new Date(Date.now() + minutes * 60_000).toISOString() });
  for (const minutes of [2, 4, 6, 8])
    expect((await app.post(null, '/api/auth/request-otp/', { phone }, at(minutes))).status).toBe(200);
  const full = await app.post(null, '/api/auth/request-otp/', { phone }, at(10));
  expect(full).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
  expect(full.headers.get('ratelimit-policy')).toBe('"otp-phone";q=5;w=3600');
  expect(full.headers.get('ratelimit')).toBe(`"otp-phone";r=0;t=${full.headers.get('retry-after')}`);
});

test('S-5: a code for a new password opens no session, and its token sets the password once', async () => {
  const { phone } = await logIn();
  const { body } = await app.post(
    null,
    '/api/auth/request-otp/',
    { phone, purpose: 'reset_password' },
    { 'x-test-now': new Date(Date.now() + 120_000).toISOString() },
  );
  const verified = await app.post(null, '/api/auth/verify-otp/', { phone, code: body.dev_code });
  expect(Object.keys(verified.body).sort()).toEqual(['purpose', 'verification_expires_in', 'verification_token']);
  const { verification_token } = verified.body;
  expect(await app.get(null, '/api/auth/me/', bearer(verification_token))).toMatchObject({
    status: 401,
    body: { code: 'token_invalid' },
  });
  const set = await app.post(null, '/api/auth/set-password/', {
    password: 'correct horse battery',
    verification_token,
  });
  expect(set).toMatchObject({ status: 200, body: { has_password: true } });
  expect(
    await app.post(null, '/api/auth/set-password/', { password: 'another horse battery', verification_token }),
  ).toMatchObject({ status: 401, body: { code: 'verification_invalid' } });
  expect(await app.post(null, '/api/auth/login/', { phone, password: 'correct horse battery' })).toMatchObject({
    status: 200,
  });
  expect(await app.post(null, '/api/auth/login/', { phone, password: 'wrong horse battery' })).toMatchObject({
    status: 401,
    body: { code: 'invalid_credentials' },
  });
  expect(
    await app.post(null, '/api/auth/login/', { phone: newPhone(), password: 'correct horse battery' }),
  ).toMatchObject({ status: 401, body: { code: 'invalid_credentials' } });
});

test('a set password is checked, returns a fresh pair and ends the other sessions', async () => {
  const { phone, body } = await logIn();
  const set = (more: object) => app.post(null, '/api/auth/set-password/', more, bearer(body.access));
  expect(await set({ password: 'short' })).toMatchObject({
    status: 400,
    body: { code: 'weak_password', details: { reasons: ['too_short'] } },
  });
  expect(await set({ password: `my ${phone.slice(4)}!` })).toMatchObject({
    body: { details: { reasons: ['contains_phone'] } },
  });
  expect(await set({ password: 'password123 parthub' })).toMatchObject({ body: { details: { reasons: ['common'] } } });
  expect(await set({ password: 'long enough one', password_confirm: 'long enough two' })).toMatchObject({
    body: { code: 'password_mismatch' },
  });
  const done = await set({ password: 'long enough one' });
  expect(done).toMatchObject({ status: 200, body: { session_id: body.session_id } });
  const other = await app.post(null, '/api/auth/login/', { phone, password: 'long enough one' });
  expect(
    (
      await app.post(
        null,
        '/api/auth/set-password/',
        { password: 'long enough two', current_password: 'long enough one' },
        bearer(done.body.access),
      )
    ).status,
  ).toBe(200);
  expect(await app.post(null, '/api/auth/token/refresh/', { refresh: other.body.refresh })).toMatchObject({
    status: 401,
    body: { code: 'session_revoked' },
  });
});

test('S-26: one refresh token twenty times in parallel, and again within 30 s, gives the same successor', async () => {
  const { body } = await logIn();
  const replies = await Promise.all(
    Array.from({ length: 20 }, () => app.post(null, '/api/auth/token/refresh/', { refresh: body.refresh })),
  );
  expect(new Set(replies.map(reply => reply.status))).toEqual(new Set([200]));
  expect(new Set(replies.map(reply => reply.body.refresh)).size).toBe(1);
  expect(replies[0]!.body.refresh).not.toBe(body.refresh);
});

test('S-25: a refresh token two steps back ends the session', async () => {
  const { body } = await logIn();
  const second = await app.post(null, '/api/auth/token/refresh/', { refresh: body.refresh });
  const third = await app.post(null, '/api/auth/token/refresh/', { refresh: second.body.refresh });
  expect(third.status).toBe(200);
  expect(await app.post(null, '/api/auth/token/refresh/', { refresh: body.refresh })).toMatchObject({
    status: 401,
    body: { code: 'refresh_reused' },
  });
  expect(await app.post(null, '/api/auth/token/refresh/', { refresh: third.body.refresh })).toMatchObject({
    status: 401,
    body: { code: 'session_revoked' },
  });
});

test('a forged or foreign refresh token is refresh_invalid', async () => {
  const [mine, other] = [await logIn(), await logIn()];
  const [, rest] = other.body.refresh.split('.', 2);
  const forged = [
    `${mine.body.refresh.slice(0, -1)}_`,
    `prt_${mine.body.session_id}.${rest}.${'x'.repeat(43)}`,
    'nonsense',
  ];
  for (const refresh of forged)
    expect(await app.post(null, '/api/auth/token/refresh/', { refresh })).toMatchObject({
      status: 401,
      body: { code: 'refresh_invalid' },
    });
});

test('logout ends this session, and others go on', async () => {
  const first = await logIn();
  const again = await app.post(
    null,
    '/api/auth/request-otp/',
    { phone: first.phone },
    { 'x-test-now': new Date(Date.now() + 120_000).toISOString() },
  );
  const second = await app.post(null, '/api/auth/verify-otp/', { phone: first.phone, code: again.body.dev_code });
  expect((await app.post(null, '/api/auth/logout/', {}, bearer(first.body.access))).status).toBe(204);
  await expect
    .poll(async () => (await app.get(null, '/api/auth/me/', bearer(first.body.access))).body.code, { timeout: 3000 })
    .toBe('session_revoked');
  expect((await app.get(null, '/api/auth/me/', bearer(second.body.access))).status).toBe(200);
});

test('people change their name and language, and nothing else', async () => {
  const { body } = await logIn();
  const changed = await app.patch(
    null,
    '/api/auth/me/',
    { full_name: ' Ali Valiyev ', locale: 'ru', role: 'superuser', phone: '+998901111111', is_staff: true },
    bearer(body.access),
  );
  expect(changed).toMatchObject({
    status: 200,
    body: {
      full_name: 'Ali Valiyev',
      display_name: 'Ali Valiyev',
      locale: 'ru',
      role: 'user',
      is_staff: false,
      phone: body.user.phone,
    },
  });
});

test('without a token nobody is anybody', async () => {
  expect(await app.get(null, '/api/auth/me/')).toMatchObject({ status: 401, body: { code: 'auth_required' } });
});
