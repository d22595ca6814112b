// `npm run faults [-- --only NAME,… --seeds N --seed N --seconds S --json]`: three instances under load while something fails. Exits 1 when a
// message is lost, doubled or out of order, or a figure is not reached.
import { readOptions } from '../bench/support/options.ts';
import { seeded } from '../tests/support/faulty-socket.ts';
import { exitIfInterrupted, whileOpen } from '../tests/support/interrupt.ts';
import type { Fault, Need } from './fault.ts';
import { faults } from './list.ts';
import { tellResult, tellSum } from './report.ts';
import { startSite } from './site.ts';
import { type Result, roomsOf, type Settings, tryFault } from './try.ts';

function refuse(reason: string): never {
  process.stderr.write(`${reason}
usage: npm run faults [-- --only NAME,… --seeds N --seed N --seconds S --json]
  NAMEs: ${faults.map(one => one.name).join(', ')}\n`);
  process.exit(2);
}

const values = readOptions(
  {
    options: {
      only: { type: 'string' },
      seeds: { type: 'string', default: '3' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
      seconds: { type: 'string', default: '8' },
      json: { type: 'boolean', default: false },
    },
  },
  refuse,
);

const names = values.only?.split(',') ?? faults.map(one => one.name);
const chosen = names.map(name => faults.find(one => one.name === name) ?? refuse(`--only ${name} is none`));
const [seed, seeds, lastsSec] = [Number(values.seed), Number(values.seeds), Number(values.seconds)];
if (!Number.isSafeInteger(seed)) refuse('--seed is a whole number');
if (!Number.isSafeInteger(seeds) || seeds < 1) refuse('--seeds is 1 or more');
if (!(lastsSec > 0)) refuse('--seconds is a number above 0');

const settings: Settings = { talks: 8, lastsSec, baselineMs: 3_000, slack: 1 };
// each server of its own is ended with this process
process.setMaxListeners(100);
const say = (line: string): void => void (values.json || process.stdout.write(`${line}\n`));
const results: (Result & { seed: number })[] = [];
const startedAt = performance.now();
for (let n = 0; n < seeds; n += 1) await tryAll(seed + n, chosen).catch(exitIfInterrupted);
const seconds = (performance.now() - startedAt) / 1_000;
say(`\n${tellSum(results, seconds)}; --seed ${seed} makes the same run`);
if (values.json) process.stdout.write(`${JSON.stringify({ seed, seconds, results })}\n`);
process.exit(results.some(one => one.anomalies.length + one.missed.length > 0) ? 1 : 0);

async function tryAll(from: number, all: readonly Fault[]): Promise<void> {
  say(`starting PostgreSQL, Redis and three instances; seed ${from}\n`);
  const needs = new Set<Need>(all.flatMap(one => one.needs ?? []));
  const starting = startSite({ rooms: roomsOf(settings) * all.length, needs, drainSec: 5 });
  await whileOpen(starting, async site => {
    for (const fault of all) {
      const result = await tryFault(fault, site, seeded(from + faults.indexOf(fault)), settings);
      results.push({ ...result, seed: from });
      say(tellResult(result));
    }
  });
}
