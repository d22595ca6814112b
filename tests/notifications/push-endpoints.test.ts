import { expect, test } from 'vitest';
import webPush from 'web-push';
import { isPushEndpoint, lookupPublic } from '../../src/notifications/service/push-endpoints.ts';
import { testConfig, useApp } from '../support/app.ts';

const keys = webPush.generateVAPIDKeys();
const vapid = {
  VAPID_PUBLIC_KEY: keys.publicKey,
  VAPID_PRIVATE_KEY: keys.privateKey,
  VAPID_SUBJECT: 'mailto:ops@example.uz',
};
const app = useApp(vapid);
const path = '/api/notifications/push-subscriptions/';
const browserKeys = { p256dh: keys.publicKey, auth: 'A'.repeat(22) };

test.each([
  'https://fcm.googleapis.com/fcm/send/abc',
  'https://updates.push.services.mozilla.com/wpush/v2/abc',
  'https://web.push.apple.com/abc',
  'https://wns2-par02p.notify.windows.com/w/?token=abc',
])('S-55: %s is a maker of browsers', async endpoint => {
  const answer = await app.post(await app.buildUser(), path, { endpoint, keys: browserKeys });
  expect(answer).toMatchObject({ status: 201, body: { id: expect.any(String) } });
});

test.each([
  'http://fcm.googleapis.com/fcm/send/abc',
  'https://fcm.googleapis.com:8443/fcm/send/abc',
  'https://user:secret@fcm.googleapis.com/fcm/send/abc',
  'https://fcm.googleapis.com.evil.example/abc',
  'https://evil-fcm.googleapis.com/abc',
  'https://fcm.googleapis.com@evil.example/abc',
  'https://evil.example/fcm.googleapis.com',
  'https://notify.windows.com.evil.example/abc',
  'https://127.0.0.1/abc',
  'http://127.0.0.1:8000/abc',
  'https://[::1]/abc',
  'https://169.254.169.254/latest/meta-data/',
  'https://2130706433/abc',
  'https://localhost/abc',
  'file:///etc/passwd',
  'javascript:alert(1)',
  'nonsense',
])('S-55: the server never sends to %s', async endpoint => {
  const user = await app.buildUser();
  expect(await app.post(user, path, { endpoint, keys: browserKeys })).toMatchObject({
    status: 400,
    body: { code: 'validation_failed', details: { fields: [{ path: 'endpoint', code: 'not_allowed' }] } },
  });
});

test.each([
  ['keys.p256dh', { p256dh: 'short', auth: browserKeys.auth }],
  ['keys.p256dh', { p256dh: `B${'A'.repeat(86)}`, auth: browserKeys.auth }],
  ['keys.auth', { p256dh: browserKeys.p256dh, auth: '' }],
])('%s is refused when it is no key', async (field, wrong) => {
  const endpoint = 'https://fcm.googleapis.com/fcm/send/x';
  const { body } = await app.post(await app.buildUser(), path, { endpoint, keys: wrong });
  expect(body.details.fields).toEqual([{ path: field, code: expect.any(String) }]);
});

test('S-55: a name that leads into the own network is not called', async () => {
  const found = await new Promise((resolve, reject) =>
    lookupPublic('localhost', { all: true }, (error, addresses) => (error ? reject(error) : resolve(addresses))),
  ).catch((error: Error) => error.message);
  expect(found).toBe('localhost leads to no public address');
});

test('S-55: hosts of tests count in tests alone', () => {
  const settings = { PUSH_TEST_HOSTS: '127.0.0.1', ...vapid };
  const endpoint = 'http://127.0.0.1:9/abc';
  const production = { NODE_ENV: 'production', DEBUG: '0', DEV_OTP: '0', NOTIFIER: 'eskiz', ...settings };
  expect(isPushEndpoint(testConfig('', settings), endpoint)).toBe(true);
  expect(isPushEndpoint(testConfig('', production), endpoint)).toBe(false);
});

test('half of the keys are no keys: the server says so and does not start', () => {
  expect(() => testConfig('', { VAPID_PUBLIC_KEY: keys.publicKey })).toThrow(/VAPID_PRIVATE_KEY/);
  expect(() => testConfig('', { ...vapid, VAPID_SUBJECT: 'ops' })).toThrow(/VAPID_SUBJECT/);
});
