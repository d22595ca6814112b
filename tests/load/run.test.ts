import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { isBottleneck } from '../../load/report.ts';
import { seedWorld } from '../../load/server.ts';
import { type Verdict, watchRoom } from '../../load/verdict.ts';
import { eventually, startApp, useApp } from '../support/app.ts';
import { type Cable, layCable } from '../support/cable.ts';

const app = useApp({ RATE_LIMITS: 'off' });
const out = mkdtempSync(join(tmpdir(), 'parthub-load-'));
const cables: Cable[] = [];
afterAll(async () => {
  for (const cable of cables) await cable.close();
  rmSync(out, { recursive: true });
});

const tokens = join(out, 'world.ndjson');
beforeAll(async () => {
  const { DATABASE_URL, SECRET_KEY } = app.config;
  await seedWorld(4, tokens, { DATABASE_URL: DATABASE_URL!, SECRET_KEY, DEBUG: '1' });
}, 60_000);

interface Started {
  ended: Promise<{ code: number; told: string }>;
  /** Resolves when a line of the progress matches. */
  shows(awaited: RegExp): Promise<void>;
}

function load(url: string, ...options: string[]): Started {
  const args = [join(import.meta.dirname, '../../load/run.ts'), '--url', url, '--tokens', tokens, '--out', out, ...options]; // biome-ignore format: one line reads better
  const child = spawn(process.execPath, args);
  let told = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', chunk => {
      told += chunk;
    });
  return {
    ended: once(child, 'close').then(([code]) => ({ code, told })),
    shows: awaited => eventually(() => expect(told).toMatch(awaited), 30_000),
  };
}

const resultOf = (profile: string) => {
  const file = readdirSync(out).findLast(name => name.startsWith(`${profile}-`) && name.endsWith('.json'))!;
  return JSON.parse(readFileSync(join(out, file), 'utf8'));
};

test('rooms: every message is acknowledged and delivered once, in order, to every device', async () => {
  const { code, told } = await load(app.url, '--rooms', '4', '--devices', '2', '--rate', '40', '--duration', '2').ended;
  expect([code, told]).toEqual([0, expect.stringContaining('lost 0, twice 0, out of order 0')]);
  const { summary } = resultOf('rooms');
  expect(summary.sent).toBeGreaterThan(50);
  expect([summary.acked, summary.delivered]).toEqual([summary.sent, 4 * summary.sent]);
  expect(summary.delivery.p50).toBeGreaterThan(0);
  expect(readdirSync(out).filter(name => name.endsWith('.html'))).toHaveLength(1);
}, 60_000);

test.each(['churn', 'replay'])(
  '%s: devices that come back have everything',
  async profile => {
    const { code, told } = await load(app.url, '--profile', profile, '--rooms', '4', '--rate', '40', '--duration', '2')
      .ended;
    expect([code, told]).toEqual([0, expect.stringContaining('lost 0, twice 0, out of order 0')]);
    expect(resultOf(profile).summary.recovery.count).toBeGreaterThan(0);
  },
  60_000,
);

test('a ramp goes ever faster until the server does not keep up, and says which rate still held', async () => {
  // Eight writers of five messages a second each, once they have spent what they may send at once.
  const limited = await startApp(app.config.DATABASE_URL!);
  onTestFinished(() => limited.close());
  const { code, told } = await load(limited.url, '--rooms', '4', '--rate', '60', '--duration', '2', '--ramp').ended;
  expect([code, told]).toEqual([0, expect.stringMatching(/step 60\/s: \d+\/s acknowledged, p99 of deliveries [\d.]+ ms/)]); // biome-ignore format: one line reads better
  const { findings, verdict, summary } = resultOf('rooms');
  const { messages_per_s: held, broke_at } = findings.saturation;
  expect([held >= 60, broke_at === Math.round(held * 1.4), broke_at < 400]).toEqual([true, true, true]);
  expect(told).toContain(`saturation: ${JSON.stringify(findings.saturation)}`);
  expect(verdict).toEqual({ lost: 0, twice: 0, disordered: 0 });
  expect(summary.acked).toBeLessThan(summary.sent);
}, 60_000);

test('a connection that fails although nobody meant it to makes the run fail', async () => {
  const cable = await layCable();
  cables.push(cable);
  cable.leadTo(app.url);
  const run = load(cable.url, '--rooms', '2', '--rate', '20', '--duration', '2');
  await run.shows(/due 20/);
  cable.cut();
  cable.join();
  expect((await run.ended).code).toBe(1);
}, 60_000);

test('wrong options are refused', async () => {
  expect((await load(app.url, '--profile', 'none').ended).code).toBe(2);
  expect((await load(app.url, '--devices', '11').ended).code).toBe(2);
});

const room = { threadId: '', sides: [] as never, firstSeq: 1, lastSeq: 5 };
const judged = (seqs: number[]): Verdict => {
  const verdict = { lost: 0, twice: 0, disordered: 0 };
  const seen = watchRoom(room, verdict);
  for (const seq of seqs) seen.take(seq, false);
  seen.judge(verdict);
  return verdict;
};

test('what is lost, comes twice or out of order is counted', () => {
  expect(judged([1, 2, 3, 4, 5])).toEqual({ lost: 0, twice: 0, disordered: 0 });
  expect(judged([1, 2, 4, 5])).toEqual({ lost: 1, twice: 0, disordered: 0 });
  expect(judged([2, 3, 4])).toEqual({ lost: 2, twice: 0, disordered: 0 });
  expect(judged([1, 2, 2, 3, 4, 5])).toEqual({ lost: 0, twice: 1, disordered: 0 });
  expect(judged([1, 3, 2, 4, 5])).toEqual({ lost: 0, twice: 0, disordered: 1 });
  expect(judged([2, 1, 3, 4, 5])).toEqual({ lost: 0, twice: 0, disordered: 1 });
  expect(judged([])).toEqual({ lost: 5, twice: 0, disordered: 0 });
});

test('a generator that is short of processor says so', () => {
  const second = (generatorCpu: number) => ({ generatorCpu, generatorLagMs: 5 }) as never;
  expect(isBottleneck([0.5, 0.6, 0.5].map(second))).toBe(false);
  expect(isBottleneck([0.5, 0.97, 0.95].map(second))).toBe(true);
});
