import { expect, test } from 'vitest';
import { hashPassword } from '../../src/accounts/passwords.ts';
import { fakeEskiz } from '../fakes/eskiz.ts';
import { fakePlaymobile } from '../fakes/playmobile.ts';
import { fakeProvider } from '../fakes/provider.ts';
import { fakeTelegram, signReport } from '../fakes/telegram.ts';
import { bearer, DAY, later, logIn, newPhone, requestCode, verify, wrongCode } from '../support/accounts.ts';
import { eventually, startApp, useApp } from '../support/app.ts';
import { type Providers, startSending } from '../support/providers.ts';

const base = useApp();

const startWith = (notifier: string, fakes: Providers, more?: Record<string, string>) =>
  startSending(base.config.DATABASE_URL!, notifier, fakes, more);

const codeIn = (text: string): string => /\d{6}/.exec(text)![0];
const otpRow = async (otpId: string) =>
  (
    await base.orm.em
      .fork()
      .execute('select driver, provider_id, delivery_status from phone_otps where id = ?', [otpId])
  )[0];

test('Eskiz gets the code as a form, once per login, and the code logs in', async () => {
  const eskiz = await fakeEskiz();
  const app = await startWith('eskiz', { eskiz });
  const phone = newPhone();
  const { status, body } = await requestCode(app, phone);
  expect([status, Object.keys(body)]).toEqual([200, expect.not.arrayContaining(['dev_code'])]);
  const [login, sms] = eskiz.received;
  expect(login).toMatchObject({ path: '/api/auth/login', body: { email: 'a@example.uz', password: 'secret' } });
  expect(sms).toMatchObject({
    path: '/api/message/sms/send',
    headers: { authorization: 'Bearer token-1' },
    body: {
      mobile_phone: phone.slice(1),
      from: '4546',
      user_sms_id: body.otp_id,
      callback_url: expect.stringContaining('/api/webhooks/eskiz/a-secret-of-16-letters/'),
    },
  });
  expect((await verify(app, phone, codeIn(sms!.body.message))).status).toBe(200);
  await requestCode(app, newPhone());
  expect(eskiz.received.filter(({ path }) => path.endsWith('login'))).toHaveLength(1);
});

test('a token that Eskiz no longer takes is renewed once, for all who wait', async () => {
  const eskiz = await fakeEskiz();
  const app = await startWith('eskiz', { eskiz });
  await requestCode(app, newPhone());
  eskiz.expire();
  const replies = await Promise.all(Array.from({ length: 5 }, () => requestCode(app, newPhone())));
  expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  expect(eskiz.received.filter(({ path }) => path.endsWith('login'))).toHaveLength(2);
});

test('Play Mobile gets JSON with an id of its own for every message', async () => {
  const playmobile = await fakePlaymobile();
  const app = await startWith('playmobile', { playmobile });
  const phone = newPhone();
  const { body } = await requestCode(app, phone);
  expect(playmobile.received[0]).toMatchObject({
    path: '/send',
    body: {
      messages: [
        {
          recipient: phone.slice(1),
          'message-id': `ph-${body.otp_id}`,
          sms: { originator: '3700', content: { text: expect.stringMatching(/^Parthub: tasdiqlash kodi \d{6}$/) } },
        },
      ],
    },
  });
});

test('Telegram is asked first whether it can, then brings our own code, and hears when it was right', async () => {
  const telegram = await fakeTelegram();
  const app = await startWith('telegram', { telegram });
  const phone = newPhone();
  const { body } = await requestCode(app, phone, { channel: 'telegram' });
  expect(body.channel).toBe('telegram');
  expect(telegram.received.map(({ path }) => path)).toEqual(['/checkSendAbility', '/sendVerificationMessage']);
  expect(telegram.received[1]!.body).toMatchObject({
    phone_number: phone,
    request_id: 'tg-1',
    ttl: 180,
    payload: body.otp_id,
  });
  const { code } = telegram.received[1]!.body;
  await verify(app, phone, wrongCode(code));
  telegram.next.push({ status: 500, body: 'broken' }); // nothing depends on it
  expect((await verify(app, phone, code)).status).toBe(200);
  await eventually(() => expect(telegram.received).toHaveLength(3));
  expect(telegram.received[2]).toMatchObject({
    ...{ path: '/checkVerificationStatus', body: { request_id: 'tg-1', code } },
  });
});

test.each([
  ['500', { status: 500, body: 'broken' }],
  ['429', { status: 429, body: { message: 'slow down' } }],
  ['400', { status: 400, body: { message: 'not moderated' } }],
  ['silence', 'hang' as const],
  ['a redirect', { status: 302, headers: { location: 'http://127.0.0.1:1/' } }],
])('S-12: after %s of the first provider the next one brings the same code, once', async (_name, answer) => {
  const [eskiz, playmobile] = [await fakeEskiz(), await fakePlaymobile()];
  const app = await startWith('eskiz,playmobile', { eskiz, playmobile });
  await requestCode(app, newPhone());
  eskiz.next.push(answer);
  const phone = newPhone();
  expect((await requestCode(app, phone)).status).toBe(200);
  expect(playmobile.received).toHaveLength(1);
  const text: string = playmobile.received[0]!.body.messages[0].sms.content.text;
  expect(codeIn(eskiz.received.at(-1)!.body.message)).toBe(codeIn(text));
  expect((await verify(app, phone, codeIn(text))).status).toBe(200);
});

test('S-12: when nobody takes the code it is 503 and nothing is charged, so the next try is at once', async () => {
  const [eskiz, playmobile] = [await fakeEskiz(), await fakePlaymobile()];
  const app = await startWith('eskiz,playmobile', { eskiz, playmobile });
  eskiz.next.push({ status: 500 });
  playmobile.next.push('hang');
  const phone = newPhone();
  expect(await requestCode(app, phone)).toMatchObject({
    status: 503,
    body: { code: 'otp_unavailable', retryable: true },
  });
  expect((await requestCode(app, phone)).status).toBe(200);
});

test('S-12: what nobody took is charged to no budget: neither of the address, nor of the numbers around, nor of the day', async () => {
  const playmobile = await fakePlaymobile();
  const app = await startWith(
    'playmobile',
    { playmobile },
    {
      ...{ RATE_LIMITS: 'on', OTP_IP_HOURLY: '2', OTP_PREFIX_HOURLY: '2' },
      ...{ SMS_DAILY_BUDGET: '2', SMS_RESERVED_SHARE: '0' },
    },
  );
  const around = newPhone().slice(0, -3);
  // a day of its own, of which no other test has spent
  const ask = (n: number) => requestCode(app, `${around}${100 + n}`, {}, later(100 * DAY));
  playmobile.next.push(...Array.from({ length: 3 }, () => ({ status: 500 })));
  for (let n = 0; n < 3; n += 1) expect((await ask(n)).status).toBe(503);
  for (let n = 0; n < 2; n += 1) expect((await ask(n)).status).toBe(200);
  expect((await ask(2)).status).toBe(429);
});

test('S-19: when the first provider does not tell the old number, the next one does', async () => {
  const [eskiz, playmobile] = [await fakeEskiz(), await fakePlaymobile()];
  const app = await startWith(
    'telegram,eskiz,playmobile',
    { eskiz, playmobile, telegram: await fakeTelegram() },
    { DEV_OTP: '1' },
  );
  const { body, phone } = await logIn(app);
  const number = newPhone();
  const { dev_code } = (await requestCode(app, number, { purpose: 'change_phone' })).body;
  const { verification_token } = (await verify(app, number, dev_code)).body;
  eskiz.next.push({ status: 500 });
  const changed = await app.post(null, '/api/auth/change-phone/', { verification_token }, bearer(body.access));
  expect(changed).toMatchObject({ status: 200, body: { phone: number } });
  expect(playmobile.received.map(({ body: sent }) => sent.messages[0].recipient)).toEqual([phone.slice(1)]);
});

test('S-8: of twenty parallel requests for one number the provider gets one', async () => {
  const playmobile = await fakePlaymobile();
  const app = await startWith('playmobile', { playmobile });
  const phone = newPhone();
  await Promise.all(Array.from({ length: 20 }, () => requestCode(app, phone)));
  expect(playmobile.received).toHaveLength(1);
});

test('S-9: what is no mobile number of Uzbekistan reaches no provider', async () => {
  const playmobile = await fakePlaymobile();
  const app = await startWith('playmobile', { playmobile });
  for (const phone of ['+14155550123', '+998711234567', '+99890', '+79161234567', '+998551234567'])
    expect((await requestCode(app, phone)).status).toBe(400);
  expect(playmobile.received).toEqual([]);
});

test('S-55: a redirect of a provider is not followed', async () => {
  const elsewhere = await fakeProvider(() => ({ body: {} }));
  const playmobile = await fakePlaymobile();
  const app = await startWith('playmobile', { playmobile });
  playmobile.next.push({ status: 307, headers: { location: `${elsewhere.url}/steal` } });
  expect((await requestCode(app, newPhone())).status).toBe(503);
  expect(elsewhere.received).toEqual([]);
});

test('S-14: only a callback with the right secret or signature changes a delivery status', async () => {
  const [eskiz, telegram] = [await fakeEskiz(), await fakeTelegram()];
  const app = await startWith('telegram,eskiz', { eskiz, telegram });
  const viaTelegram = (await requestCode(app, newPhone())).body.otp_id;
  telegram.next.push({ body: { ok: false, error: 'PHONE_NUMBER_INVALID' } });
  const viaEskiz = (await requestCode(app, newPhone())).body.otp_id;
  expect([await otpRow(viaTelegram), await otpRow(viaEskiz)]).toEqual([
    { driver: 'telegram', provider_id: 'tg-1', delivery_status: null },
    { driver: 'eskiz', provider_id: 'sms-1', delivery_status: null },
  ]);
  const eskizReport = { user_sms_id: viaEskiz, status: 'DELIVRD' };
  expect((await app.post(null, '/api/webhooks/eskiz/wrong/', eskizReport)).status).toBe(404);
  const report = JSON.stringify({
    request_id: 'tg-other',
    payload: viaTelegram,
    delivery_status: { status: 'read', updated_at: 1 },
  });
  const tell = (headers: Record<string, string>, body = report) =>
    app.request('POST', null, '/api/webhooks/telegram-gateway/', body, headers);
  for (const headers of [
    {},
    signReport(report, Date.now(), 'another token'),
    signReport(report, Date.now() - 6 * 60_000),
    signReport(`${report} `),
  ])
    expect((await tell(headers)).status).toBe(403);
  expect([(await otpRow(viaTelegram))!.delivery_status, (await otpRow(viaEskiz))!.delivery_status]).toEqual([
    null,
    null,
  ]);
  expect((await tell(signReport(report))).status).toBe(200);
  expect((await app.post(null, '/api/webhooks/eskiz/a-secret-of-16-letters/', eskizReport)).status).toBe(200);
  expect([(await otpRow(viaTelegram))!.delivery_status, (await otpRow(viaEskiz))!.delivery_status]).toEqual([
    'read',
    'DELIVRD',
  ]);
  // a report of a refund need not say what became of the message
  const refund = JSON.stringify({ request_id: 'tg-1', payload: viaTelegram, is_refunded: true });
  expect((await tell(signReport(refund), refund)).status).toBe(200);
  expect((await otpRow(viaTelegram))!.delivery_status).toBe('read');
  const odd = { user_sms_id: viaEskiz, status: 'REJ\u0000ECTED', phone_number: ['?'] };
  expect((await app.post(null, '/api/webhooks/eskiz/a-secret-of-16-letters/', odd)).status).toBe(200);
  expect((await otpRow(viaEskiz))!.delivery_status).toBe('REJECTED');
});

test('settings that cannot work are refused at the start', async () => {
  const start = (env: Record<string, string>) => startApp(base.config.DATABASE_URL!, { DEV_OTP: '0', ...env });
  await expect(start({ NOTIFIER: '' })).rejects.toThrow('NOTIFIER');
  await expect(start({ NOTIFIER: 'pigeon' })).rejects.toThrow('pigeon');
  await expect(start({ NOTIFIER: 'eskiz' })).rejects.toThrow('ESKIZ_EMAIL');
  await expect(start({ NOTIFIER: 'dev', SMS_TEMPLATE: 'no code' })).rejects.toThrow('SMS_TEMPLATE');
  await expect(start({ NOTIFIER: 'dev', SMS_TEMPLATE: 'Код {code}' })).rejects.toThrow('GSM-7');
  await expect(
    start({
      NODE_ENV: 'development',
      NOTIFIER: 'playmobile',
      PLAYMOBILE_URL: 'http://127.0.0.1:1',
      PLAYMOBILE_LOGIN: 'a',
      PLAYMOBILE_PASSWORD: 'b',
    }),
  ).rejects.toThrow('https');
});

test('above the limit of an address a captcha is asked for, and a solved one passes', async () => {
  const captcha = await fakeProvider(({ body }) => ({ body: { success: body.response === 'solved' } }));
  const playmobile = await fakePlaymobile();
  const app = await startWith(
    'playmobile',
    { playmobile },
    {
      RATE_LIMITS: 'on',
      OTP_IP_HOURLY: '2',
      TRUST_PROXY: '1',
      CAPTCHA_PROVIDER: 'turnstile',
      CAPTCHA_SECRET: 'secret',
      CAPTCHA_URL: captcha.url,
    },
  );
  const ask = (more = {}) => requestCode(app, newPhone(), more, { 'x-forwarded-for': '10.9.9.9' });
  for (let n = 0; n < 2; n += 1) expect((await ask()).status).toBe(200);
  expect((await ask()).body.code).toBe('captcha_required');
  expect((await ask({ captcha_token: 'wrong' })).body.code).toBe('captcha_required');
  expect((await ask({ captcha_token: 'solved' })).status).toBe(200);
  expect(captcha.received.at(-1)!.body).toMatchObject({ secret: 'secret', response: 'solved' });
  // the login of staff takes no captcha
  const [password, phone] = ['correct horse battery', newPhone()];
  await app.buildUser({ role: 'support', phone, passwordHash: await hashPassword(password) });
  const login = await app.post(null, '/api/admin/login/', { phone, password }, { 'x-forwarded-for': '10.9.9.9' });
  expect(login).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
});
