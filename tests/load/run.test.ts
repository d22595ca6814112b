import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isBottleneck } from '../../load/report.ts';
import { seedWorld } from '../../load/server.ts';
import { type Verdict, watchRoom } from '../../load/verdict.ts';
import { eventually, startApp, useApp } from '../support/app.ts';
import { layCable } from '../support/cable.ts';

const app = useApp({ RATE_LIMITS: 'off' });
const folder = mkdtempSync(join(tmpdir(), 'parthub-load-'));
afterAll(() => rmSync(folder, { recursive: true }));

const ROOMS = 4;
/** More than there are tests. */
const PLACES = 20;
let users: string[];
let threads: string[];
beforeAll(async () => {
  const { DATABASE_URL, SECRET_KEY } = app.config;
  const world = join(folder, 'world.ndjson');
  await seedWorld(ROOMS * PLACES, world, { DATABASE_URL: DATABASE_URL!, SECRET_KEY, DEBUG: '1' });
  const lines = readFileSync(world, 'utf8').trimEnd().split('\n');
  users = lines.slice(0, 2 * ROOMS * PLACES);
  threads = lines.slice(users.length);
}, 60_000);

interface Started {
  pid: number;
  ended: Promise<{ code: number; told: string }>;
  /** Resolves when a line of the progress matches. */
  shows(awaited: RegExp): Promise<void>;
}

interface Place {
  out: string;
  tokens: string;
  temporary: string;
  /** Against a server that is there, in the rooms of this place. */
  load(url: string, ...options: string[]): Started;
  start(...options: string[]): Started;
  resultOf(profile: string): ReturnType<typeof JSON.parse>;
}

/** Rooms and folders that no other run has: most runs wait most of the time, and do so beside each other. */
function takePlace(): Place {
  const out = mkdtempSync(join(folder, 'run-'));
  const [tokens, temporary] = [join(out, 'tokens.ndjson'), join(out, 'tmp')];
  mkdirSync(temporary);
  writeFileSync(tokens, [...users, ...threads.splice(0, ROOMS)].join('\n'));

  function start(...options: string[]): Started {
    const args = [join(import.meta.dirname, '../../load/run.ts'), '--out', out, ...options];
    const child = spawn(process.execPath, args, { env: { ...process.env, TMPDIR: temporary } });
    let told = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', chunk => {
        told += chunk;
      });
    return {
      pid: child.pid!,
      ended: once(child, 'close').then(([code]) => ({ code, told })),
      shows: awaited => eventually(() => expect(told).toMatch(awaited), 30_000),
    };
  }

  return {
    ...{ out, tokens, temporary, start },
    load: (url, ...options) => start('--url', url, '--tokens', tokens, ...options),
    resultOf(profile) {
      const file = readdirSync(out).findLast(name => name.startsWith(`${profile}-`) && name.endsWith('.json'))!;
      return JSON.parse(readFileSync(join(out, file), 'utf8'));
    },
  };
}

/** Two a second: what is cut on its way would be waited for, ten seconds for its answer and ten for its delivery. */
const betweenMessages = () => new Promise(resolve => setTimeout(resolve, 250));

test('a ramp goes ever faster until the server does not keep up, and says which rate still held', async ({
  onTestFinished,
}) => {
  const { load, resultOf } = takePlace();
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

test.concurrent('rooms: every message is acknowledged and delivered once, in order, to every device', async () => {
  const { load, out, resultOf } = takePlace();
  const { code, told } = await load(app.url, '--rooms', '4', '--devices', '2', '--rate', '40', '--duration', '3').ended;
  expect([code, told]).toEqual([0, expect.stringContaining('lost 0, twice 0, out of order 0')]);
  const { summary } = resultOf('rooms');
  expect(summary.sent).toBeGreaterThan(50);
  expect([summary.acked, summary.delivered]).toEqual([summary.sent, 4 * summary.sent]);
  const total = (name: 'sent' | 'acked' | 'delivered') =>
    summary.seconds.reduce((sum: number, second: Record<typeof name, number>) => sum + second[name], 0);
  expect([total('sent'), total('acked'), total('delivered')]).toEqual([summary.sent, summary.acked, summary.delivered]);
  expect(summary.delivery.p50).toBeGreaterThan(0);
  expect(readdirSync(out).filter(name => name.endsWith('.html'))).toHaveLength(1);
}, 60_000);

test.concurrent.each(['churn', 'replay'])(
  '%s: devices that come back have everything',
  async profile => {
    const { load, resultOf } = takePlace();
    const { code, told } = await load(app.url, '--profile', profile, '--rooms', '4', '--rate', '40', '--duration', '2')
      .ended;
    expect([code, told]).toEqual([0, expect.stringContaining('lost 0, twice 0, out of order 0')]);
    expect(resultOf(profile).summary.recovery.count).toBeGreaterThan(0);
  },
  60_000,
);

test.concurrent('a connection that fails although nobody meant it to makes the run fail', async ({
  onTestFinished,
}) => {
  const { load } = takePlace();
  const cable = await layCable();
  onTestFinished(() => cable.close());
  cable.leadTo(app.url);
  const run = load(cable.url, '--rooms', '2', '--rate', '2', '--duration', '2');
  await run.shows(/due 2/);
  await betweenMessages();
  cable.cut();
  cable.join();
  expect((await run.ended).code).toBe(1);
}, 60_000);

test.concurrent.each([
  ['ECONNREFUSED', 'http://127.0.0.1:1', (text: string) => text],
  ['token_invalid', null, (text: string) => text.replaceAll('"access":"', '"access":"x')],
])('a server that lets nobody in is no run, and the reason is told: %s', async (reason, url, change) => {
  const { load, out, tokens } = takePlace();
  const changed = join(out, 'changed.ndjson');
  writeFileSync(changed, change(readFileSync(tokens, 'utf8')));
  const { code, told } = await load(url ?? app.url, '--tokens', changed, '--rooms', '1').ended;
  expect([code, told]).toEqual([1, expect.stringMatching(new RegExp(`\\d × connect: ${reason}\n$`))]);
}, 60_000); // biome-ignore format: reads better

test.runIf(process.platform === 'linux').concurrent(
  'a server that dies in the middle of a run is a result',
  async () => {
    const { start, temporary } = takePlace();
    const run = start('--rooms', '1', '--rate', '2', '--duration', '3');
    await run.shows(/connecting/);
    const children = execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(run.pid)], { encoding: 'utf8' });
    const server = Number(/^ *(\d+) .*src\/main\.ts/m.exec(children)![1]);
    await run.shows(/due 2/);
    await betweenMessages();
    process.kill(server, 'SIGKILL');
    expect(await run.ended).toMatchObject({
      code: 1,
      told: expect.stringMatching(/failed +\d+ × writer is not connected/),
    });
    expect(readdirSync(temporary)).toEqual([]);
  },
  60_000,
);

test.concurrent('a run that is ended before its time leaves no server and no database behind', async () => {
  const { start, temporary } = takePlace();
  const run = start('--rooms', '1', '--rate', '10', '--duration', '60');
  await run.shows(/due 10/);
  expect(readdirSync(temporary)).toHaveLength(1);
  process.kill(run.pid, 'SIGINT');
  expect(await run.ended).toMatchObject({ code: 130, told: expect.stringContaining('there is no result') });
  expect(readdirSync(temporary)).toEqual([]);
}, 60_000);

test.concurrent.each([
  ['--profile none is none', ['--profile', 'none']],
  ['--devices is 1 to 10', ['--devices', '11']],
  ['--rooms is 1 to 100000', ['--rooms', '0']],
  ['tokens.ndjson has 4 threads; 5 are needed', ['--rooms', '5']],
  ['no such file', ['--tokens', join(folder, 'none.ndjson')]],
  ['--url is one address', ['--url', 'http://127.0.0.1:1']],
  ['--ramp is for --profile rooms', ['--ramp', '--profile', 'churn']],
])('wrong options are refused: %s', async (reason, options) => {
  const { code, told } = await takePlace().load(app.url, '--rooms', '4', ...options).ended;
  expect([code, told]).toEqual([2, expect.stringMatching(new RegExp(`^[^\\n]*${reason}.*\nusage: `))]);
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
