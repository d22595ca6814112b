import { onTestFinished } from 'vitest';
import type { FakeProvider } from '../fakes/provider.ts';
import { TELEGRAM_TOKEN } from '../fakes/telegram.ts';
import { startApp, type TestApp } from './app.ts';

export interface Providers {
  eskiz?: FakeProvider;
  playmobile?: FakeProvider;
  telegram?: FakeProvider;
}

/** A server that sends real codes through fake providers. */
export async function startSending(
  databaseUrl: string,
  notifier: string,
  { eskiz, playmobile, telegram }: Providers,
  more: Record<string, string> = {},
): Promise<TestApp> {
  const app = await startApp(databaseUrl, {
    ...{ DEV_OTP: '0', NOTIFIER: notifier, RATE_LIMITS: 'relaxed', TEST_TIME_SCALE: '20' },
    ...(eskiz && {
      ESKIZ_URL: `${eskiz.url}/api`,
      ESKIZ_EMAIL: 'a@example.uz',
      ESKIZ_PASSWORD: 'secret',
      ESKIZ_CALLBACK_SECRET: 'a-secret-of-16-letters',
    }),
    ...(playmobile && { PLAYMOBILE_URL: playmobile.url, PLAYMOBILE_LOGIN: 'parthub', PLAYMOBILE_PASSWORD: 'secret' }),
    ...(telegram && { TELEGRAM_GATEWAY_URL: telegram.url, TELEGRAM_GATEWAY_TOKEN: TELEGRAM_TOKEN }),
    ...more,
  });
  onTestFinished(() => app.close());
  return app;
}
