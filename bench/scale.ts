/**
 * Many connections, and several instances: what an idle connection takes, how fast everybody is back after a cut, and what a second
 * instance adds. `npm run bench -- scale [--connections 10000] [--seconds 60] [--storm 2000] [--rounds 3] [--pairs 200]`
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startRedis } from '../tests/support/redis.ts';
import type { Load, Measured } from './chat/measured.ts';
import type { Hold } from './scale/hold.ts';
import type { Storm, Storms } from './scale/storm.ts';
import { describeInstances, type InstanceRound } from './scale/tables.ts';
import { totalOf } from './support/cpu.ts';
import { runLoad } from './support/load.ts';
import { OptionError, readSettings } from './support/options.ts';
import type { Outcome } from './support/outcome.ts';
import { inTurns } from './support/rounds.ts';
import { percentile, spreadOf } from './support/stats.ts';
import { inWorld, root, talksOf, type World } from './support/world.ts';

type Part = Omit<Outcome, 'settings'>;

const script = (name: string) => join(root, `bench/${name}.ts`);

export async function run(args: string[]): Promise<Outcome> {
  const presets = { connections: 10_000, seconds: 60, storm: 2_000, rounds: 3, pairs: 200 };
  const settings = readSettings(args, presets);
  const { connections, seconds, storm, rounds, pairs } = settings;
  ensureFiles(Math.max(connections, storm));
  const threads = Math.max(pairs, TALKERS + Math.ceil(storm / 2));
  return inWorld({ users: Math.max(connections, 2 * threads), posts: threads, threads }, async world => {
    const parts = [
      ...(connections > 0 ? [await hold(world, connections, seconds)] : []),
      ...(storm > 0 ? [await comeBack(world, storm, rounds)] : []),
      ...(pairs > 0 ? [await compareInstances(world, pairs, rounds)] : []),
    ];
    return {
      settings,
      measured: parts.flatMap(part => part.measured),
      goals: parts.flatMap(part => part.goals),
      notes: parts.flatMap(part => part.notes ?? []),
    };
  });
}

const OTHER_FILES = 200;

/** A server that may open no more would refuse for ever, and clients come again for ever. Node has raised its limit as far as it may. */
function ensureFiles(connections: number): void {
  const [, limit] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  const most = Number(limit ?? Infinity) - OTHER_FILES;
  if (connections > most)
    throw new OptionError(`${connections} connections are more than ulimit -n lets be open (${most})`);
}

/** Memory of the server alone; clients are another process. */
async function hold(world: World, connections: number, seconds: number): Promise<Part> {
  const server = await world.startParthub();
  const tokens = world.users.slice(0, connections).map(user => user.access);
  const input: Hold = { url: server.match, tokens, holdMs: seconds * 1000 };
  const watched = { server: server.pid };
  const { result, cpu, residentKb } = await runLoad<{ held: number }>(script('scale/hold'), [], input, watched);
  await server.stop();
  const [empty, full] = ['empty', 'held'].map(phase => residentKb.get(phase)!['server']!) as [number, number];
  const each = (full - empty) / connections;
  const busy = (totalOf(cpu.get('held')!['server']!) / (seconds / 2)) * 100;
  return {
    measured: [
      {
        title: `${connections} idle connections in three namespaces`,
        columns: ['held', 'server empty MB', 'full MB', 'KB a connection', '% of one core'],
        rows: [{ name: 'parthub', cells: [result.held, empty / 1024, full / 1024, each, busy] }],
      },
    ],
    goals: [
      { what: `resident memory of an idle connection of ${connections}`, unit: 'KB', atMost: 45, measured: each },
      { what: 'idle connections that were lost', unit: '', atMost: 0, measured: connections - result.held },
    ],
  };
}

const TALKERS = 50;
const TALK_RATE = 100;

/** Those who come back and those who go on talking are two processes. */
async function comeBack(world: World, storm: number, rounds: number): Promise<Part> {
  const server = await world.startParthub();
  const talkers = talksOf(world, TALKERS).map(({ thread_id, sender }) => ({ thread_id, access: sender.access }));
  const tokens = world.users.slice(2 * TALKERS, 2 * TALKERS + storm).map(user => user.access);
  const input: Storm = { url: server.match, tokens, talkers, rate: TALK_RATE, rounds };
  const { result } = await runLoad<Storms>(script('scale/storm'), [], input, { server: server.pid });
  await server.stop();
  const at = (waits: number[][], percent: number) => spreadOf(waits.map(round => percentile(round, percent)));
  const row = (name: string, waits: number[][]) => ({ name, cells: [50, 95, 99, 100].map(percent => at(waits, percent)) }); // biome-ignore format: one line reads better
  return {
    measured: [
      {
        title: `${storm} clients cut at once, ms`,
        columns: ['p50', 'p95', 'p99', 'longest'],
        rows: [
          row('back in three namespaces and synced', result.backMs),
          row(`acks of ${TALKERS} others, ${TALK_RATE}/s`, result.ackMs),
        ],
      },
    ],
    notes: [`Of ${rounds} × ${storm} pulls ${result.refusedPulls} were refused for a while and asked for again.`],
    goals: [
      { what: `${storm} clients cut at once: p99 back and synced`, unit: 'ms', atMost: 5_000, measured: at(result.backMs, 99) }, // biome-ignore format: one line reads better
      { what: `${storm} clients cut at once: p99 ack of others`, unit: 'ms', atMost: 500, measured: at(result.ackMs, 99) }, // biome-ignore format: one line reads better
    ],
  };
}

const INSTANCE_SECONDS = 5;

/** One instance as it is run alone, and two with the Redis that they need; every other pair speaks across them. */
async function compareInstances(world: World, pairs: number, rounds: number): Promise<Part> {
  const redis = await startRedis();
  const one = await world.startParthub();
  const two = [
    await world.startParthub({ REDIS_URL: redis.url }),
    await world.startParthub({ REDIS_URL: redis.url }),
  ] as const;
  const subjects = [
    { name: 'one instance', urls: [one.match], watched: { server: one.pid, 'second server': null, redis: null } },
    {
      name: 'two instances',
      urls: two.map(instance => instance.match),
      watched: { server: two[0].pid, 'second server': two[1].pid, redis: redis.pid ?? null },
    },
  ];
  const talks = talksOf(world, pairs);
  try {
    const results = await inTurns(subjects, rounds, async ({ urls, watched }, round): Promise<InstanceRound> => {
      const [url, otherUrl] = urls as [string, string?];
      const load: Load = {
        ...{ url, ...(otherUrl && { otherUrl }), pairs: talks, devices: 1, inFlight: 8, bell: true },
        ...{ warmUpMs: round === 0 ? 4_000 : 1_500, measureMs: INSTANCE_SECONDS * 1000 },
      };
      const processes = { ...watched, database: world.databasePid };
      const { result, cpu } = await runLoad<Measured>(script('chat/load'), [], load, processes);
      return { ...result, cpu: cpu.get('')! };
    });
    return describeInstances(`${pairs} pairs, 8 in flight`, results);
  } finally {
    await redis.stop();
  }
}
