/**
 * What it costs to bring a message to all devices of both sides, against a bare Socket.IO room of as many, side by side.
 * At the same rate, since who sends as fast as it can keeps its readers busy, and a reader that sleeps costs more to write to.
 * `npm run bench -- fanout [--devices 10] [--threads 20] [--rate 500] [--rounds 5] [--seconds 5]`
 */
import { join } from 'node:path';
import type { Load, Measured } from './chat/load.ts';
import type { Round } from './chat/tables.ts';
import { totalOf } from './support/cpu.ts';
import { runLoad } from './support/load.ts';
import { numbersOf } from './support/options.ts';
import type { Outcome } from './support/outcome.ts';
import { inTurns } from './support/rounds.ts';
import { ratioOf, spreadOf } from './support/stats.ts';
import { inWorld, root, talksOf, type World } from './support/world.ts';

export const quick = ['--rounds', '2', '--seconds', '2'];

const GOAL = 1.5;

export async function run(args: string[]): Promise<Outcome> {
  const presets = { devices: 10, threads: 20, rate: 500, rounds: 5, seconds: 5 };
  const settings = numbersOf(args, presets);
  const { threads, rounds, rate } = settings;
  return inWorld({ users: 2 * threads, posts: threads, threads }, async world => {
    const load = {
      ...{ pairs: talksOf(world, threads), devices: settings.devices, inFlight: 1, rate, bell: false },
      measureMs: settings.seconds * 1000,
    };
    const results = await inTurns(await startSubjects(world), rounds, async ({ url, watched }, round) => {
      const input: Load = { ...load, url, warmUpMs: round === 0 ? 4_000 : 1_500 };
      const { result, cpu } = await runLoad<Measured>(join(root, 'bench/chat/load.ts'), [], input, watched);
      return { ...result, cpu: cpu.get('')! };
    });
    return { settings, ...describe(2 * settings.devices, results) };
  });
}

async function startSubjects(world: World) {
  const room = await world.startBaseline('room');
  const parthub = await world.startParthub();
  return [
    { name: 'room', url: room.match, watched: { server: room.pid, database: null } },
    { name: 'parthub', url: parthub.match, watched: { server: parthub.pid, database: world.databasePid } },
  ];
}

function describe(devices: number, results: Map<string, Round[]>): Omit<Outcome, 'settings'> {
  const cost = (name: string) => (round: Round) => (totalOf(round.cpu[name]!) / round.deliveries) * 1e6;
  const columns = [
    (round: Round) => round.messages / round.seconds,
    (round: Round) => round.deliveries / round.seconds,
    ...['server', 'database', 'client'].map(cost),
  ];
  const [ours, theirs] = [results.get('parthub')!, results.get('room')!];
  const wrong = ours.reduce((sum, { lost, twice, disordered, failures }) => sum + lost + twice + disordered + failures, 0); // biome-ignore format: one line reads better
  return {
    measured: [
      {
        title: `${devices} devices hear each message`,
        columns: [
          'messages/s',
          'deliveries/s',
          ...['server', 'database', 'client'].map(name => `${name}: µs a delivery`),
        ],
        rows: [...results].map(([name, rounds]) => ({ name, cells: columns.map(read => spreadOf(rounds.map(read))) })),
      },
    ],
    goals: [
      {
        what: 'CPU of the server a delivery, parthub / room',
        ...{ unit: '×', atMost: GOAL, measured: ratioOf(ours.map(cost('server')), theirs.map(cost('server'))) },
      },
      { what: 'fan-out: lost, twice, out of order or refused', unit: 'deliveries', atMost: 0, measured: wrong },
    ],
    notes: [
      'The server of parthub also checks, stores and acknowledges what it delivers; the room does nothing but deliver.',
    ],
  };
}
