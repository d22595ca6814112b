import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, expect, test } from 'vitest';
import type { Verdict } from '../../conformance/prove.ts';
import { seedWorld } from '../../load/server.ts';
import { useApp } from '../support/app.ts';
import { startFront } from './front.ts';

const app = useApp();
const folder = mkdtempSync(join(tmpdir(), 'parthub-conformance-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Users with new sessions: a run ends one of them. */
async function makeTokens(): Promise<string> {
  const { DATABASE_URL, SECRET_KEY } = app.config;
  const file = join(folder, 'world.ndjson');
  await seedWorld(15, file, { DATABASE_URL: DATABASE_URL!, SECRET_KEY, DEBUG: '1' });
  return file;
}

async function conformance(...options: string[]): Promise<{ code: number; told: string; results: object }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../../conformance/run.ts'), '--json', ...options]);
  const [told, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  const verdicts: Verdict[] = told ? JSON.parse(told).verdicts : [];
  const results = Object.fromEntries(verdicts.map(({ name, result, figure }) => [name, result === 'kept' ? result : `${result}: ${figure}`])); // biome-ignore format: one line reads better
  return { code, told: told + errors, results };
}

test('against a deployment with its limits on every promise is kept, and what only its owner can cause is not tried', async () => {
  const tokens = await makeTokens();
  const run = await conformance('--url', app.url, '--url', `${app.url}/`, '--tokens', tokens, '--seed', '1');
  const [notOurs, limited] = [expect.stringMatching(/^not tried: its faults/), expect.stringMatching(/^not tried: .*RATE_LIMITS/)]; // biome-ignore format: one line reads better
  expect(run.results).toEqual({
    ...{ 'fan-out': 'kept', idempotency: 'kept', badges: 'kept', 'typing-expiry': 'kept', revocation: 'kept' },
    ...{ 'malformed-frames': 'kept', leaks: 'kept', 'kick-storm': 'kept', 'slow-reader': limited },
    ...{ 'ack-then-kill': notOurs, 'dropped-publishes': notOurs, 'redis-outage': notOurs },
    ...{ drain: notOurs, 'presence-crash': notOurs },
  });
  expect([run.code, JSON.parse(run.told).seed]).toEqual([0, 1]);
}, 60_000);

/** Each breaks one promise and no other. */
function spoil(frame: string): string | null {
  if (/"message:created".*"seq":7,/.test(frame)) return null;
  if (frame.includes('"session:revoked"')) return null;
  if (frame.includes('"notification:')) return frame.replace(/"unread":\d+/, '"unread":9');
  if (frame.includes('"message:edited"')) return frame.replace('"text":"', '"text":"+998901234567 ');
  return frame.replace('"duplicate":true', '"duplicate":false').replace('"unknown_event"', '"internal"');
}

test.concurrent('a deployment that loses, betrays and misreports is found out, promise by promise', async () => {
  const front = await startFront(app.url, spoil);
  const only = 'fan-out,idempotency,badges,revocation,malformed-frames,leaks';
  const run = await conformance('--url', front.url, '--tokens', await makeTokens(), '--only', only);
  await front.close();
  expect(run.results).toEqual({
    'fan-out': expect.stringMatching(/^broken: a device heard \d+ of 40 messages/),
    idempotency: expect.stringMatching(/^broken: \d+ answers said that theirs was the first/),
    badges: expect.stringMatching(/^broken: the badges differ: .*unread 9/),
    revocation: 'broken: a connection was cut without a word',
    'malformed-frames': expect.stringMatching(/^broken: an unknown event was answered .*internal/),
    leaks: expect.stringMatching(/^broken: a push carries a phone number/),
  });
  expect(run.code).toBe(1);
}, 60_000);

test.concurrent('without an address it starts servers of its own and kills one of them', async () => {
  const run = await conformance('--only', 'ack-then-kill');
  expect([run.code, run.results]).toEqual([0, { 'ack-then-kill': 'kept' }]);
}, 60_000);

test.concurrent('wrong options are refused', async () => {
  for (const options of [
    ['--only', 'none'],
    ['--url', app.url],
    ['--tokens', '/none'],
    ['--seed', 'x'],
    ['--url', app.url, '--tokens', '/none'],
  ])
    expect([options, (await conformance(...options)).code]).toEqual([options, 2]);
}, 60_000);
