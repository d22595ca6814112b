import { expect, onTestFinished, test } from 'vitest';
import { fakePlaymobile } from '../fakes/playmobile.ts';
import { bearer, HOUR, later, logIn, MINUTE, newPhone, requestCode, verify } from '../support/accounts.ts';
import { startApp, useApp } from '../support/app.ts';

const app = useApp({ RATE_LIMITS: 'relaxed' });

test('S-5: a code is good with its own otp_id alone', async () => {
  const [mine, other] = [newPhone(), newPhone()];
  const [{ body: first }, { body: foreign }] = [await requestCode(app, mine), await requestCode(app, other)];
  const tryIt = (otp_id: string) => verify(app, mine, first.dev_code, { otp_id });
  expect(await tryIt(foreign.otp_id)).toMatchObject({ status: 400, body: { code: 'otp_invalid' } });
  expect((await tryIt(first.otp_id)).status).toBe(200);
});

test('S-8: a number gets ten codes in 24 hours, however they are spread', async () => {
  const phone = newPhone();
  const ask = async (ms: number) => (await requestCode(app, phone, {}, later(ms))).status;
  for (let n = 0; n < 10; n += 1) expect(await ask(n * 2 * HOUR)).toBe(200);
  expect(await requestCode(app, phone, {}, later(23 * HOUR))).toMatchObject({
    status: 429,
    body: { code: 'rate_limited', retry_after_ms: expect.any(Number) },
  });
  expect(await ask(24 * HOUR + MINUTE)).toBe(200);
});

test('S-26, S-25: a refresh token gives the same successor for 30 s; after that it is a copy, and the session ends', async () => {
  const refresh = (token: string, ms: number) =>
    app.post(null, '/api/auth/token/refresh/', { refresh: token }, later(ms));
  const { body } = await logIn(app);
  const { body: next } = await refresh(body.refresh, 0);
  expect((await refresh(body.refresh, 29_000)).body.refresh).toBe(next.refresh);
  expect(await refresh(body.refresh, 32_000)).toMatchObject({ status: 401, body: { code: 'refresh_reused' } });
  expect(await refresh(next.refresh, 32_000)).toMatchObject({ status: 401, body: { code: 'session_revoked' } });
  expect((await app.get(null, '/api/auth/me/', bearer(next.access))).body.code).toBe('session_revoked');
});

test('S-19: of a new number the old one is told', async () => {
  const playmobile = await fakePlaymobile();
  const provider = { PLAYMOBILE_URL: playmobile.url, PLAYMOBILE_LOGIN: 'parthub', PLAYMOBILE_PASSWORD: 'secret' };
  const env = { RATE_LIMITS: 'relaxed', NOTIFIER: 'playmobile', DEV_OTP: '1', ...provider };
  const server = await startApp(app.config.DATABASE_URL!, env);
  onTestFinished(() => server.close());
  const { body, phone } = await logIn(server);
  const number = newPhone();
  const { dev_code } = (await requestCode(server, number, { purpose: 'change_phone' })).body;
  const { verification_token } = (await verify(server, number, dev_code)).body;
  playmobile.received.length = 0;
  const changed = await server.post(null, '/api/auth/change-phone/', { verification_token }, bearer(body.access));
  expect(changed).toMatchObject({ status: 200, body: { phone: number } });
  expect(playmobile.received.map(({ body: sent }) => sent.messages)).toMatchObject([
    [{ recipient: phone.slice(1), sms: { content: { text: expect.stringContaining('raqami ozgartirildi') } } }],
  ]);
});
