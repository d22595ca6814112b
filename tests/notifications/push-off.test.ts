import { expect, test } from 'vitest';
import webPush from 'web-push';
import { useApp } from '../support/app.ts';

const app = useApp();

test('without keys there is no web push, and nothing is stored for it', async () => {
  const user = await app.buildUser();
  const keys = { p256dh: webPush.generateVAPIDKeys().publicKey, auth: 'A'.repeat(22) };
  const subscription = { endpoint: 'https://fcm.googleapis.com/fcm/send/abc', keys };
  expect(await app.post(user, '/api/notifications/push-subscriptions/', subscription)).toMatchObject({
    status: 409,
    body: { code: 'invalid_state', details: { state: 'web_push_off' } },
  });
  await expect(app.jobs.run('sweep-pushes')).rejects.toThrow('no job');
});
