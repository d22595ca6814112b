import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { bearer, HOUR, later, logIn, MINUTE, newPhone, requestCode, verify, wrongCode } from '../support/accounts.ts';
import { type TestApp, useApp } from '../support/app.ts';

const app = useApp({ RATE_LIMITS: 'relaxed' });
const strict = useApp({ TRUST_PROXY: '1' });
const poor = useApp({ RATE_LIMITS: 'relaxed', SMS_DAILY_BUDGET: '10', SMS_RESERVED_SHARE: '0.5' });
const reviewed = useApp({ TEST_OTP_NUMBERS: '+998901111111:111111@2099-01-31,+998902222222:222222@2020-01-31' });
const from = (ip: string) => ({ 'x-forwarded-for': ip });

test('S-3: a new code does not reset the failures of a phone: ten in an hour lock it, a known device still gets in', async () => {
  const phone = newPhone();
  const { device_token } = (await logIn(app, phone)).body;
  let failures = 0;
  for (let minute = 2; failures < 10; minute += 2) {
    const { dev_code } = (await requestCode(app, phone, {}, later(minute * MINUTE))).body;
    for (let n = 0; n < 3 && failures < 10; n += 1, failures += 1)
      expect(await verify(app, phone, wrongCode(dev_code), {}, later(minute * MINUTE))).toMatchObject({
        body: { code: 'otp_invalid' },
      });
    if (failures < 10) continue;
    expect(await verify(app, phone, dev_code, {}, later(minute * MINUTE))).toMatchObject({
      status: 429,
      body: { code: 'otp_locked', retry_after_ms: expect.any(Number) },
    });
    expect(await requestCode(app, phone, {}, later((minute + 2) * MINUTE))).toMatchObject({
      status: 429,
      body: { code: 'otp_locked' },
    });
    expect(
      await verify(app, phone, dev_code, { device: { token: `${device_token}x` } }, later(minute * MINUTE)),
    ).toMatchObject({ body: { code: 'otp_locked' } });
    expect(
      await verify(app, phone, dev_code, { device: { token: device_token } }, later(minute * MINUTE)),
    ).toMatchObject({ status: 200 });
    // the stranger stays locked out, and the known device gets its codes
    expect(await verify(app, phone, dev_code, {}, later(minute * MINUTE))).toMatchObject({
      body: { code: 'otp_locked' },
    });
  }
});

test('S-3: a known device is sent codes while strangers have locked the number', async () => {
  const { phone, body } = await logIn(app);
  for (const minute of [2, 4]) {
    const { dev_code } = (await requestCode(app, phone, {}, later(minute * MINUTE))).body;
    for (let n = 0; n < 5; n += 1) await verify(app, phone, wrongCode(dev_code), {}, later(minute * MINUTE));
  }
  const at = later(6 * MINUTE);
  expect((await requestCode(app, phone, {}, at)).body.code).toBe('otp_locked');
  const device = { token: body.device_token };
  const { dev_code } = (await requestCode(app, phone, { device }, at)).body;
  expect((await verify(app, phone, dev_code, { device }, at)).status).toBe(200);
});

test('S-3: a device token of another phone is none', async () => {
  const { device_token } = (await logIn(app)).body;
  const phone = newPhone();
  for (let round = 0; round < 2; round += 1) {
    const at = later(round * 2 * MINUTE);
    const { dev_code } = (await requestCode(app, phone, {}, at)).body;
    for (let n = 0; n < 5; n += 1) await verify(app, phone, wrongCode(dev_code), {}, at);
  }
  const { dev_code } = (await requestCode(app, phone, {}, later(20 * MINUTE))).body;
  expect(dev_code).toBeDefined();
  expect(await verify(app, phone, '000000', { device: { token: device_token } }, later(4 * MINUTE))).toMatchObject({
    body: { code: 'otp_locked' },
  });
});

test('S-6: codes are uniform, and zeros are kept', async () => {
  const { addCode } = await import('../../src/accounts/otp.ts');
  const codes = Array.from({ length: 2_000 }, () => {
    const em = app.orm.em.fork();
    return addCode({ em, now: new Date(), config: app.config }, newPhone(), 'login').code;
  });
  expect(codes.every(code => /^\d{6}$/.test(code))).toBe(true);
  for (let digit = 0; digit < 10; digit += 1)
    for (const place of [0, 5]) {
      const share = codes.filter(code => code[place] === String(digit)).length;
      expect([place, digit, share > 130 && share < 275]).toEqual([place, digit, true]);
    }
});

test('S-7: the database holds no code, only an HMAC of it', async () => {
  const phone = newPhone();
  const { dev_code, otp_id } = (await requestCode(app, phone)).body;
  const rows = await app.orm.em.fork().execute('select * from phone_otps where id = ?', [otp_id]);
  expect(JSON.stringify(rows)).not.toContain(dev_code);
  expect(rows[0]!.code_hmac.length).toBe(32);
});

test('S-9: numbers alike but for the last three digits stop at 20 an hour, from any addresses', async () => {
  const prefix = `+99893${String(randomInt(10 ** 4)).padStart(4, '0')}`;
  const statuses: number[] = [];
  for (let n = 0; n < 25; n += 1)
    statuses.push(
      (await requestCode(strict, `${prefix}${String(n).padStart(3, '0')}`, {}, from(`10.1.${n}.1`))).status,
    );
  expect(statuses).toEqual([...Array(20).fill(200), ...Array(5).fill(429)]);
});

test.each(['+14155550123', '+998711234567', '+9989012', '+998551234567', '1002'])(
  'S-9: no code goes to %s',
  async phone => {
    expect((await requestCode(strict, phone, {}, from('10.2.0.1'))).status).toBe(400);
  },
);

test('S-8: an address gets 30 codes an hour', async () => {
  const ask = (ip: string) => requestCode(strict, newPhone(), {}, from(ip));
  for (let n = 0; n < 30; n += 1) expect((await ask('10.3.0.1')).status).toBe(200);
  expect(await ask('10.3.0.1')).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
  expect((await ask('10.3.0.2')).status).toBe(200);
});

test('S-8: all addresses of an IPv6 network of 64 bits count as one, another network has its own', async () => {
  const ask = (ip: string) => requestCode(strict, newPhone(), {}, from(ip));
  const written = ['2001:db8:0:7::', '2001:0db8:0000:0007:a:b:c:', '2001:DB8::7:0:0:1:'];
  for (let n = 0; n < 30; n += 1) expect((await ask(`${written[n % 3]}${n + 1}`)).status).toBe(200);
  expect(await ask('2001:db8:0:7:ffff:ffff:ffff:ffff')).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
  expect((await ask('2001:db8:0:8::1')).status).toBe(200);
});

test('S-58: a forged X-Forwarded-For evades no limit', async () => {
  const ask = (n: number) => requestCode(strict, newPhone(), {}, from(`1.2.3.${n}, 10.4.0.1`));
  for (let n = 0; n < 30; n += 1) expect((await ask(n)).status).toBe(200);
  expect((await ask(99)).status).toBe(429);
});

test('S-58: what stands in X-Forwarded-For without being an address counts as who is connected', async () => {
  const phone = newPhone();
  expect((await requestCode(strict, phone, {}, from('x'.repeat(200)))).status).toBe(200);
  const log = await strict.orm.em.fork().execute('select ip from otp_request_log where phone = ?', [phone]);
  expect(log).toEqual([{ ip: '127.0.0.1' }]);
});

test('S-10: when the share of new numbers is spent, registered ones still get their codes', async () => {
  const member = await poor.buildUser({ phone: newPhone() });
  for (let n = 0; n < 5; n += 1) expect((await requestCode(poor, newPhone())).status).toBe(200);
  expect(await requestCode(poor, newPhone())).toMatchObject({ status: 503, body: { code: 'otp_unavailable' } });
  expect((await requestCode(poor, member.phone)).status).toBe(200);
  const isOpen = async () =>
    (await requestCode(poor, (await poor.buildUser({ phone: newPhone() })).phone)).status === 200;
  let sent = 6;
  while (sent <= 10 && (await isOpen())) sent += 1;
  expect(sent).toBe(10);
});

test('S-11: a prefix whose codes nobody uses is paused', async () => {
  const { takeFromPrefix, countVerified } = await import('../../src/accounts/otp-limits.ts');
  const { asStaff } = await import('../support/worlds.ts');
  const config = { ...app.config, RATE_LIMITS: 'on' as const, OTP_PREFIX_HOURLY: 1_000 };
  const send = (phone: string) => asStaff(app, ctx => takeFromPrefix({ ...ctx, config }, phone));
  for (let n = 0; n < 20; n += 1) await send('+998977770000');
  await expect(send('+998977770000')).rejects.toThrow();
  for (let n = 0; n < 20; n += 1) {
    await send('+998977780000');
    if (n % 4 === 0) await asStaff(app, ctx => countVerified(ctx, '+998977780000'));
  }
  await send('+998977780000');
});

test('a number of TEST_OTP_NUMBERS has a fixed code until its day, and none afterwards', async () => {
  await requestCode(reviewed, '+998901111111');
  expect((await verify(reviewed, '+998901111111', '111111')).status).toBe(200);
  const expired = await requestCode(reviewed, '+998902222222');
  expect((await verify(reviewed, '+998902222222', wrongCode(expired.body.dev_code))).status).toBe(400);
});

test('every request for a code is logged with its outcome, and nobody changes the log of the audit', async () => {
  const phone = newPhone();
  await requestCode(app, phone);
  await requestCode(app, phone);
  const em = app.orm.em.fork();
  const log = await em.execute('select outcome from otp_request_log where phone = ? order by id', [phone]);
  expect(log.map(({ outcome }) => outcome)).toEqual(['sent', 'otp_cooldown']);
  await expect(em.execute("update audit_log set action = 'x'")).rejects.toThrow('append-only');
  await expect(em.execute('delete from audit_log')).rejects.toThrow('append-only');
});

test('the lock of a phone ends, and the next one lasts twice as long', async () => {
  const phone = newPhone();
  const burn = async (startMs: number): Promise<number> => {
    for (let round = 0; ; round += 1) {
      const at = later(startMs + round * 2 * MINUTE);
      const { dev_code } = (await requestCode(app, phone, {}, at)).body;
      for (let n = 0; n < 5; n += 1) await verify(app, phone, wrongCode(dev_code), {}, at);
      const locked = await requestCode(app, phone, {}, later(startMs + round * 2 * MINUTE + 90_000));
      if (locked.body.code === 'otp_locked') return Math.ceil(locked.body.retry_after_ms / MINUTE);
    }
  };
  expect(await burn(0)).toBe(14);
  expect(await burn(HOUR / 2)).toBe(29);
});

test('a session is refreshed thirty times a minute, and not more often', async () => {
  let { refresh } = (await logIn(strict)).body;
  for (let n = 0; n < 30; n += 1)
    refresh = (await strict.post(null, '/api/auth/token/refresh/', { refresh })).body.refresh ?? refresh;
  expect(await strict.post(null, '/api/auth/token/refresh/', { refresh })).toMatchObject({
    status: 429,
    body: { code: 'rate_limited', retry_after_ms: expect.any(Number) },
  });
  const next = await strict.post(null, '/api/auth/token/refresh/', { refresh }, later(61_000));
  expect(next.status).toBe(200);
});

test('a number is changed three times a day; what was refused does not count, and RATE_LIMITS holds for it too', async () => {
  const changing = async (server: TestApp) => {
    const { access, user } = (await logIn(server)).body;
    const change = (verification_token: string) =>
      server.post(null, '/api/auth/change-phone/', { verification_token }, bearer(access));
    const toNew = async () => {
      const phone = newPhone();
      const { dev_code } = (await requestCode(server, phone, { purpose: 'change_phone' })).body;
      return change((await verify(server, phone, dev_code)).body.verification_token);
    };
    expect((await change('none')).status).toBe(401);
    for (let n = 0; n < 3; n += 1) expect((await toNew()).status).toBe(200);
    // it is told when the next one may be, and not for how long the limit is
    const earlier = "update otp_counters set started_at = started_at - interval '23 hours' where key = ?";
    await server.orm.em.fork().execute(earlier, [`change:${user.id}`]);
    return toNew();
  };
  const refused = await changing(strict);
  expect(refused).toMatchObject({ status: 429, body: { code: 'rate_limited', retry_after_ms: expect.any(Number) } });
  expect(Math.ceil(refused.body.retry_after_ms / HOUR)).toBe(1);
  expect((await changing(app)).status).toBe(200);
});
