import { expect, test } from 'vitest';
import { newPhone, requestCode } from '../support/accounts.ts';
import { useApp } from '../support/app.ts';

const app = useApp({ TRUST_PROXY: '1' });
const relaxed = useApp({ RATE_LIMITS: 'relaxed', TRUST_PROXY: '1' });
const from = (ip: string) => ({ 'x-forwarded-for': ip });

test('REST tells what is left of the tightest budget, and refuses with the time to wait', async () => {
  const user = await app.buildUser();
  const change = () => app.patch(user, '/api/auth/me/', { locale: 'ru' });
  const first = await change();
  expect(first.headers.get('ratelimit-policy')).toBe('"me";q=30;w=3600');
  expect(first.headers.get('ratelimit')).toMatch(/^"me";r=29;t=3[56]\d\d$/);
  for (let n = 1; n < 30; n += 1) expect((await change()).status).toBe(200);
  const refused = await change();
  expect(refused).toMatchObject({
    status: 429,
    body: { code: 'rate_limited', retryable: true, retry_after_ms: expect.any(Number) },
  });
  expect(refused.headers.get('ratelimit')).toMatch(/^"me";r=0;t=\d+$/);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(3_000);
  expect((await app.patch(await app.buildUser(), '/api/auth/me/', { locale: 'ru' })).status).toBe(200);
});

test('the budget of a phone is told with its codes', async () => {
  const reply = await requestCode(app, newPhone(), {}, from('10.7.0.1'));
  expect(reply.headers.get('ratelimit-policy')).toBe('"otp-phone";q=5;w=3600');
  expect(reply.headers.get('ratelimit')).toMatch(/^"otp-phone";r=4;t=3600$/);
});

test('without a token an address has 300 calls a minute, another address has its own, and relaxed limits have a hundred times more', async () => {
  const call = (server: typeof app, ip: string) => server.get(null, '/api/billing/plans/', from(ip));
  const replies = await Promise.all(Array.from({ length: 310 }, () => call(app, '10.7.0.2')));
  expect(replies.filter(({ status }) => status === 429)).toHaveLength(10);
  expect((await call(app, '10.7.0.3')).status).toBe(200);
  expect((await call(app, '::ffff:10.7.0.2')).status).toBe(429);
  expect((await call(relaxed, '10.7.0.2')).headers.get('ratelimit-policy')).toBe('"rest-ip";q=30000;w=60');
});

test('S-8: calls without a token from all over an IPv6 network of 64 bits spend of one budget', async () => {
  const left = async (ip: string) =>
    Number(/r=(\d+)/.exec((await app.get(null, '/api/billing/plans/', from(ip))).headers.get('ratelimit')!)![1]);
  const before = await left('2001:db8:5::1');
  expect([await left('2001:db8:5:0:6::1'), await left('2001:db8:5:6::1')]).toEqual([before - 1, before]);
});

test('a user has 600 calls a minute from any address, and another user of that address has their own', async () => {
  const [user, other] = [await app.buildUser(), await app.buildUser()];
  const call = (n: number) => app.get(user, '/api/auth/me/', from(`10.8.0.${n % 3}`));
  const statuses: number[] = [];
  for (let n = 0; n < 610; n += 61)
    statuses.push(
      ...(await Promise.all(Array.from({ length: 61 }, (_, at) => call(n + at)))).map(({ status }) => status),
    );
  expect(statuses.filter(status => status === 429)).toHaveLength(10);
  expect((await app.get(other, '/api/auth/me/', from('10.8.0.1'))).status).toBe(200);
});
