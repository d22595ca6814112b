import { expect, test } from 'vitest';
import { type ErrorCode, errorCatalogue } from '../../src/common/errors.ts';
import { describeError, locales, readLocale } from '../../src/common/messages.ts';
import { useApp } from '../support/app.ts';

const app = useApp({ RATE_LIMITS: 'relaxed' });
const ask = (headers: Record<string, string>) =>
  app.post(null, '/api/auth/verify-otp/', { phone: '901112233', code: '000000' }, headers);

test('errors are told in the language that is asked for, Uzbek when none is', async () => {
  const titles = await Promise.all(
    ['', 'ru-RU,ru;q=0.9', 'uz-Cyrl', 'en-GB, ru;q=0.5', 'fr'].map(async language => {
      const { body, headers } = await ask(language ? { 'accept-language': language } : {});
      return [headers.get('content-language'), body.title];
    }),
  );
  expect(titles).toEqual([
    ['uz', 'Kod notoʻgʻri yoki eskirgan.'],
    ['ru', 'Код неверен или устарел.'],
    ['uz-Cyrl', 'Код нотўғри ёки эскирган.'],
    ['en', 'The code is wrong or no longer valid.'],
    ['uz', 'Kod notoʻgʻri yoki eskirgan.'],
  ]);
});

test("without a header the user's own language counts", async () => {
  const user = await app.buildUser();
  await app.patch(user, '/api/auth/me/', { locale: 'ru' });
  const bearer = () => app.get(user, `/api/chat/threads/${user.id}/`);
  await expect.poll(async () => (await bearer()).body.title, { timeout: 3_000 }).toBe('Не найдено.');
});

test('what is left of the tries is said in words', async () => {
  const { dev_code } = (await app.post(null, '/api/auth/request-otp/', { phone: '901112244' })).body;
  const wrong = String((Number(dev_code) + 1) % 1_000_000).padStart(6, '0');
  expect((await app.post(null, '/api/auth/verify-otp/', { phone: '901112244', code: wrong })).body).toMatchObject({
    detail: '4 ta urinish qoldi.',
  });
});

test('every code has a text in every language, each in its own script', () => {
  for (const code of Object.keys(errorCatalogue) as ErrorCode[]) {
    const [uz, cyrillic, ru, en] = locales.map(locale => describeError(code, undefined, locale).title);
    for (const text of [uz, en]) expect([code, text]).toEqual([code, expect.not.stringMatching(/[а-яёўғқҳ]/i)]);
    for (const text of [cyrillic, ru]) expect([code, text]).toEqual([code, expect.stringMatching(/[а-яёўғқҳ]/i)]);
  }
});

test('in the Cyrillic of Uzbek technical words stay Latin, and others do not', () => {
  const title = (code: ErrorCode) => describeError(code, undefined, 'uz-Cyrl').title;
  expect(title('unsupported_image')).toContain('WebP');
  expect(title('captcha_required')).not.toMatch(/[a-z]/i);
});

test('a language list is read by its weights', () => {
  expect(['en;q=0.1, ru;q=0.9', 'de, uz-Latn-UZ', 'uz-Cyrl-UZ', '*', 'ru;q=0', ';;;,,'].map(readLocale)).toEqual([
    'ru',
    'uz',
    'uz-Cyrl',
    null,
    null,
    null,
  ]);
});
