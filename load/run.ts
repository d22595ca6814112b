// `npm run load -- --rooms 1000 --rate 500 --duration 60 [--profile rooms] [--url …]`: exits 1 when a message was lost, came twice or out of
// order, or failed. docs/load.md says what each profile does.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cpuSeconds, residentKb } from '../bench/support/cpu.ts';
import { exitIfInterrupted, Interrupted, whileOpen } from '../tests/support/interrupt.ts';
import { createMeter, type Second } from './meter.ts';
import { options, refuse, settings } from './options.ts';
import { NotConnected, profiles, type Run } from './profiles.ts';
import { isBottleneck, type Result, resultPage, type ServerSecond, tellResult } from './report.ts';
import { type Room, readRooms } from './rooms.ts';
import { seedWorld, startServer, type Target } from './server.ts';

const say = (line: string) => void process.stderr.write(`${line}\n`);

function roomsOf(tokens: string): Room[] {
  try {
    return readRooms(tokens, settings.rooms);
  } catch (error) {
    return refuse((error as Error).message);
  }
}

interface Prepared extends Target {
  rooms: Room[];
}

async function prepare(): Promise<Prepared> {
  const { url, tokens, hasTokens, out } = options;
  mkdirSync(out, { recursive: true });
  if (url !== undefined) {
    if (!hasTokens) await seedWorld(settings.rooms, tokens);
    return { url, pid: null, close: async () => {}, rooms: roomsOf(tokens) };
  }
  say('starting a server with a database of its own');
  return { ...(await startServer(settings.rooms, tokens)), rooms: roomsOf(tokens) };
}

function sampler(pid: number | null): { sample(): void; taken: ServerSecond[] } {
  const taken: ServerSecond[] = [];
  const canSample = pid !== null && process.platform === 'linux';
  let used = canSample ? cpuSeconds(pid) : 0;
  let at = performance.now();
  return {
    taken,
    sample() {
      // a server that has ended is told by its connections
      if (!canSample || !existsSync(`/proc/${pid}/status`)) return;
      const [now, nowUsed] = [performance.now(), cpuSeconds(pid)];
      taken.push({ cpu: Math.round(((nowUsed - used) / (now - at)) * 1e5) / 100, rssMb: Math.round(residentKb(pid) / 1024) }); // biome-ignore format: one line reads better
      [used, at] = [nowUsed, now];
    },
  };
}

function showSecond({ at, target, sent, acked, delivered, connections, delivery, generatorCpu }: Second): void {
  const line = `${Math.round(at / 1_000)} s · ${connections} open · due ${target}/s, sent ${sent}, acked ${acked}, delivered ${delivered} · p50 ${delivery.p50} p99 ${delivery.p99} ms · generator ${Math.round(generatorCpu * 100)} %`; // biome-ignore format: one line reads better
  process.stderr.write(process.stderr.isTTY ? `\r\u001b[K${line}` : `${line}\n`);
}

async function measure({ url, pid, rooms }: Prepared): Promise<void> {
  const [meter, verdict] = [createMeter(), { lost: 0, twice: 0, disordered: 0 }];
  const server = sampler(pid);
  let nextAt = performance.now();
  const run: Run = {
    ...{ url, meter, verdict, say, findings: {}, rooms },
    ...{ devicesPerUser: settings.devices, rate: settings.rate, durationSec: settings.duration, ramp: settings.ramp },
    async second(due) {
      nextAt = Math.max(nextAt + 1_000, performance.now());
      await new Promise(resolve => setTimeout(resolve, Math.max(0, nextAt - performance.now())));
      server.sample();
      showSecond(meter.tick(due));
    },
  };
  await profiles[options.profile]!(run);
  const summary = meter.summary();
  const result: Result = {
    profile: options.profile,
    ...{ settings, at: new Date().toISOString(), verdict, findings: run.findings, summary, server: server.taken },
    generatorIsBottleneck: isBottleneck(summary.seconds),
  };
  const file = join(options.out, `${options.profile}-${result.at.replaceAll(':', '-')}`);
  writeFileSync(`${file}.json`, `${JSON.stringify(result, null, 2)}\n`);
  writeFileSync(`${file}.html`, resultPage(result));
  process.stdout.write(`\n${tellResult(result)}\n${file}.json\n${file}.html\n`);
  const isWhole = verdict.lost + verdict.twice + verdict.disordered === 0;
  // a ramp goes on until something fails
  const hasFailed =
    !settings.ramp &&
    (Object.keys(summary.disconnects).length > 0 || summary.acked < summary.sent || 'never_connected' in run.findings);
  process.exitCode = isWhole && !hasFailed ? 0 : 1;
}

function tellWhy(error: unknown): void {
  if (error instanceof Interrupted) say('\nended before its time: there is no result');
  if (!(error instanceof NotConnected)) exitIfInterrupted(error);
  say(error.message);
  process.exitCode = 1;
}

await whileOpen(prepare(), measure).catch(tellWhy);
process.exit();
