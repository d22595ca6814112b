import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { ask, useApp } from './support/app.ts';
import { buildDealer } from './support/worlds.ts';

const app = useApp({ RATE_LIMITS: 'off' });

const long = 50_000;
/** What makes careless patterns go back and forth for seconds. */
const baits = {
  letters: `${'a'.repeat(long)}!`,
  blanks: `x${' '.repeat(long)}x`,
  digits: `+998${'1'.repeat(100_000)}`,
  brackets: '('.repeat(long),
  dashes: '-'.repeat(long),
  mixed: '1-1 '.repeat(long / 4),
  apostrophes: 'oʻ'.repeat(long / 2),
};

const fields: [name: string, path: string, body: (bait: string) => object][] = [
  ['phone', '/api/auth/request-otp/', bait => ({ phone: bait })],
  ['code', '/api/auth/verify-otp/', bait => ({ phone: '+998901234567', code: bait })],
  ['refresh token', '/api/auth/token/refresh/', bait => ({ refresh: bait })],
  ['title', '/api/b2b/posts/', bait => ({ title: bait })],
  ['part number', '/api/b2b/posts/', bait => ({ title: 'Amortizator', part_number: bait })],
  ['text', '/api/chat/send/', bait => ({ thread_id: randomUUID(), text: bait })],
  ['id', '/api/chat/send/', bait => ({ thread_id: bait, text: 'x' })],
];

// 50 kB of it take less than a millisecond where no pattern goes back; a second is no slow machine but such a pattern.
const LIMIT_MS = 1_000;

test.each(fields)('S-52: a %s of 50 kB is refused at once, whatever it is made of', async (_name, path, body) => {
  const dealer = await buildDealer(app);
  for (const bait of Object.values(baits)) {
    const began = performance.now();
    const { status, body: problem } = await app.post(dealer, path, body(bait));
    expect([status, performance.now() - began < LIMIT_MS]).toEqual([expect.toSatisfy(isClientError), true]);
    expect(problem.code).not.toBe('internal');
  }
});

const isClientError = (status: number): boolean => status >= 400 && status < 500;

test('S-52: an event of 30 kB of bait is refused at once too', async () => {
  const socket = await app.connect(await buildDealer(app), '/chat');
  for (const bait of Object.values(baits)) {
    const began = performance.now();
    const text = bait.slice(0, 15_000);
    const { ok } = await ask(socket, 'message:send', { thread_id: randomUUID(), client_id: randomUUID(), text });
    expect([ok, performance.now() - began < LIMIT_MS]).toEqual([false, true]);
  }
});
