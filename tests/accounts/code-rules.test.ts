import { expect, onTestFinished, test } from 'vitest';
import { fakePlaymobile } from '../fakes/playmobile.ts';
import { bearer, buildMember, HOUR, later, logIn, MINUTE, newPhone, requestCode, verify } from '../support/accounts.ts';
import { type Reply, startApp, useApp } from '../support/app.ts';

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
  const ask = (ms: number) => requestCode(app, phone, {}, later(ms));
  const told = ({ headers }: Reply) =>
    ['ratelimit-policy', 'ratelimit'].map(name => headers.get(name)?.split(';t=')[0]);
  for (let n = 0; n < 10; n += 1) {
    const reply = await ask(n * 2 * HOUR);
    expect(reply.status).toBe(200);
    // of the hour and the day that one which has less left
    const [policy, left] = n < 6 ? ['q=5;w=3600', 4] : ['q=10;w=86400', 9 - n];
    expect(told(reply)).toEqual([`"otp-phone";${policy}`, `"otp-phone";r=${left}`]);
  }
  const refused = await ask(23 * HOUR);
  expect(refused).toMatchObject({ status: 429, body: { code: 'rate_limited', retry_after_ms: expect.any(Number) } });
  expect(told(refused)).toEqual(['"otp-phone";q=10;w=86400', '"otp-phone";r=0']);
  expect((await ask(24 * HOUR + MINUTE)).status).toBe(200);
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

async function tokenFor(phone: string, purpose: string): Promise<string> {
  const { dev_code } = (await requestCode(app, phone, { purpose }, later(2 * MINUTE))).body; // after the cooldown of a login
  return (await verify(app, phone, dev_code)).body.verification_token;
}

test('S-5: a verification token is good for ten minutes', async () => {
  const { phone } = await buildMember(app);
  const reset = { password: 'another horse battery', verification_token: await tokenFor(phone, 'reset_password') };
  const set = (ms: number) => app.post(null, '/api/auth/set-password/', reset, later(ms));
  expect(await set(10 * MINUTE + 1_000)).toMatchObject({ status: 401, body: { code: 'verification_invalid' } });
  expect((await set(10 * MINUTE - 2_000)).status).toBe(200);
});

test('S-28: who is banned sets no new password with a code, and has the old one afterwards', async () => {
  const { phone, password, body } = await buildMember(app);
  const reset = { password: 'another horse battery', verification_token: await tokenFor(phone, 'reset_password') };
  const ban = (moment: Date | null) =>
    app.orm.em.fork().execute('update users set blocked_at = ? where id = ?', [moment, body.user.id]);
  await ban(new Date());
  expect((await app.post(null, '/api/auth/set-password/', reset)).body.code).toBe('account_blocked');
  await ban(null);
  expect((await app.post(null, '/api/auth/login/', { phone, password })).status).toBe(200);
});
