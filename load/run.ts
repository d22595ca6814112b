// `npm run load -- --rooms 1000 --rate 500 --duration 60 [--profile rooms] [--url …]`: exits 1 when a message was lost, came twice or out of
// order, or failed. docs/load.md says what each profile does.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cpuSeconds } from '../bench/support/cpu.ts';
import { readOptions } from '../bench/support/options.ts';
import { createMeter, type Second } from './meter.ts';
import { profiles, type Run } from './profiles.ts';
import { isBottleneck, type Result, resultPage, type ServerSecond, tellResult } from './report.ts';
import { readRooms } from './rooms.ts';
import { seedWorld, startServer, type Target } from './server.ts';

function refuse(reason: string): never {
  process.stderr.write(`${reason}\nusage: npm run load -- [--profile ${Object.keys(profiles).join('|')}] [--rooms N] [--devices 1..10] [--rate N] [--duration S] [--ramp] [--url URL [--tokens FILE]] [--out FOLDER]\n`); // biome-ignore format: one line reads better
  process.exit(2);
}

const values = readOptions(
  {
    options: {
      profile: { type: 'string', default: 'rooms' },
      rooms: { type: 'string', default: '100' },
      devices: { type: 'string' },
      rate: { type: 'string', default: '100' },
      duration: { type: 'string', default: '10' },
      ramp: { type: 'boolean', default: false },
      url: { type: 'string' },
      tokens: { type: 'string' },
      out: { type: 'string', default: '.data/load' },
    },
  },
  refuse,
);

function number(name: 'rooms' | 'devices' | 'rate' | 'duration', preset: string, most: number): number {
  const value = Number(values[name] ?? preset);
  return Number.isInteger(value) && value >= 1 && value <= most ? value : refuse(`--${name} is 1 to ${most}`);
}

const profile = profiles[values.profile] ?? refuse(`--profile ${values.profile} is none`);
const hearsMore = values.profile === 'churn' || values.profile === 'slow-reader';
const settings = {
  rooms: number('rooms', '100', 100_000),
  // where listeners are cut, each side needs one more than the device that writes
  devices: number('devices', hearsMore ? '2' : '1', 10),
  rate: number('rate', '100', 1_000_000),
  duration: number('duration', '10', 86_400),
  ramp: values.ramp,
};
const say = (line: string) => void process.stderr.write(`${line}\n`);

async function prepare(): Promise<{ target: Target; tokens: string }> {
  mkdirSync(values.out, { recursive: true });
  const tokens = values.tokens ?? join(values.out, 'world.ndjson');
  if (values.url) {
    if (!values.tokens) await seedWorld(settings.rooms, tokens);
    return { target: { url: values.url.replace(/\/$/, ''), pid: null, close: async () => {} }, tokens };
  }
  say('starting a server with a database of its own');
  return { target: await startServer(settings.rooms, tokens), tokens };
}

function sampler(pid: number | null): { sample(): void; taken: ServerSecond[] } {
  const taken: ServerSecond[] = [];
  const canSample = pid !== null && process.platform === 'linux';
  let used = canSample ? cpuSeconds(pid) : 0;
  let at = performance.now();
  return {
    taken,
    sample() {
      if (!canSample) return;
      const [now, nowUsed] = [performance.now(), cpuSeconds(pid)];
      const resident = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
      taken.push({ cpu: Math.round(((nowUsed - used) / (now - at)) * 1e5) / 100, rssMb: Math.round(Number(resident) / 1024) }); // biome-ignore format: one line reads better
      [used, at] = [nowUsed, now];
    },
  };
}

function showSecond({ at, target, sent, acked, delivered, connections, delivery, generatorCpu }: Second): void {
  const line = `${Math.round(at / 1_000)} s · ${connections} open · due ${target}/s, sent ${sent}, acked ${acked}, delivered ${delivered} · p50 ${delivery.p50} p99 ${delivery.p99} ms · generator ${Math.round(generatorCpu * 100)} %`; // biome-ignore format: one line reads better
  process.stderr.write(process.stderr.isTTY ? `\r\u001b[K${line}` : `${line}\n`);
}

const { target, tokens } = await prepare();
try {
  const [meter, verdict] = [createMeter(), { lost: 0, twice: 0, disordered: 0 }];
  const server = sampler(target.pid);
  let nextAt = performance.now();
  const run: Run = {
    ...{ url: target.url, meter, verdict, say, findings: {} },
    rooms: readRooms(tokens, settings.rooms),
    ...{ devicesPerUser: settings.devices, rate: settings.rate, durationSec: settings.duration, ramp: settings.ramp },
    async second(due) {
      nextAt = Math.max(nextAt + 1_000, performance.now());
      await new Promise(resolve => setTimeout(resolve, Math.max(0, nextAt - performance.now())));
      server.sample();
      showSecond(meter.tick(due));
    },
  };
  await profile(run);
  const summary = meter.summary();
  const result: Result = {
    profile: values.profile,
    ...{ settings, at: new Date().toISOString(), verdict, findings: run.findings, summary, server: server.taken },
    generatorIsBottleneck: isBottleneck(summary.seconds),
  };
  const file = join(values.out, `${values.profile}-${result.at.replaceAll(':', '-')}`);
  writeFileSync(`${file}.json`, `${JSON.stringify(result, null, 2)}\n`);
  writeFileSync(`${file}.html`, resultPage(result));
  process.stdout.write(`\n${tellResult(result)}\n${file}.json\n${file}.html\n`);
  const isWhole = verdict.lost + verdict.twice + verdict.disordered === 0;
  // a ramp goes on until something fails
  const hasFailed = !settings.ramp && (Object.keys(summary.disconnects).length > 0 || summary.acked < summary.sent);
  process.exitCode = isWhole && !hasFailed ? 0 : 1;
} finally {
  await target.close();
}
process.exit();
