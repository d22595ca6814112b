/**
 * What it costs to bring a message to all devices of both sides, against a bare Socket.IO room of as many, side by side: all that is
 * done for it, and what each further device adds.
 * Both at the same rate, since who sends as fast as it can keeps its readers busy, and a reader that sleeps costs more to write to: at
 * a rate at which the machine is half idle, and at one that it can just bear.
 * `npm run bench -- fanout [--devices 10] [--threads 20] [--rate 1000] [--high-rate 1800] [--rounds 5] [--seconds 5]`
 */
import { join } from 'node:path';
import type { Load, Measured } from './chat/measured.ts';
import type { Round } from './chat/tables.ts';
import { totalOf } from './support/cpu.ts';
import { runLoad } from './support/load.ts';
import { readSettings } from './support/options.ts';
import type { Outcome } from './support/outcome.ts';
import { inTurns } from './support/rounds.ts';
import { ratioOf, spreadOf } from './support/stats.ts';
import { inWorld, root, talksOf, type World } from './support/world.ts';

export const quick = ['--rounds', '1', '--seconds', '2'];

const GOAL = 1.5;
const NOTE = 'parthub also checks, stores, acknowledges and notes what it delivers; the room does nothing but deliver.';

export async function run(args: string[]): Promise<Outcome> {
  const presets = { devices: 10, threads: 20, rate: 1_000, 'high-rate': 1_800, rounds: 5, seconds: 5 };
  const settings = readSettings(args, presets);
  const { threads, rounds, seconds } = settings;
  return inWorld({ users: 2 * threads, posts: threads, threads }, async world => {
    const load = { pairs: talksOf(world, threads), inFlight: 1, bell: false, measureMs: seconds * 1000 };
    const subjects = await startSubjects(world, [1, settings.devices]);
    const outcome: Outcome = { settings, measured: [], goals: [], notes: [NOTE] };
    for (const rate of [settings.rate, settings['high-rate']]) {
      const results = await inTurns(subjects, rounds, async ({ url, watched, devices }, round) => {
        const input: Load = { ...load, rate, url, devices, warmUpMs: round === 0 ? 4_000 : 1_500 };
        const { result, cpu } = await runLoad<Measured>(join(root, 'bench/chat/load.ts'), [], input, watched);
        return { ...result, cpu: cpu.get('')! };
      });
      const { measured, goals } = describe(`${rate} messages/s`, 2 * settings.devices, results);
      outcome.measured.push(...measured);
      outcome.goals.push(...goals);
    }
    return outcome;
  });
}

const nameOf = (server: string, devices: number) => `${server}, ${devices} devices`;

async function startSubjects(world: World, devicesOfEach: readonly number[]) {
  const room = await world.startBaseline('room');
  const parthub = await world.startParthub();
  return devicesOfEach.flatMap(devices => [
    { name: nameOf('room', 2 * devices), devices, url: room.match, watched: { server: room.pid, database: null } },
    {
      ...{ name: nameOf('parthub', 2 * devices), devices, url: parthub.match },
      watched: { server: parthub.pid, database: world.databasePid },
    },
  ]);
}

/** Microseconds for each message. */
const cost = (process: string) => (round: Round) => (totalOf(round.cpu[process]!) / round.messages) * 1e6;

function describe(at: string, devices: number, results: Map<string, Round[]>): Pick<Outcome, 'measured' | 'goals'> {
  const columns = [(round: Round) => round.messages / round.seconds, ...['server', 'database', 'client'].map(cost)];
  const rows = [...results].map(([name, rounds]) => ({ name, cells: columns.map(read => spreadOf(rounds.map(read))) }));
  const servers = (server: string, count: number) => results.get(nameOf(server, count))!.map(cost('server'));
  const whole = (server: string) => servers(server, devices).map(us => us / devices);
  const further = (server: string) => {
    const few = servers(server, 2);
    return servers(server, devices).map((us, round) => (us - few[round]!) / (devices - 2));
  };
  const all = ['parthub', 'room'] as const;
  const rounds = [...results].flatMap(([name, found]) => (name.startsWith('parthub') ? found : []));
  const wrong = rounds.reduce((sum, one) => sum + one.lost + one.twice + one.disordered + one.failures, 0);
  return {
    measured: [
      { title: `${at}: µs of CPU a message`, columns: ['messages/s', 'server', 'database', 'client'], rows },
      {
        title: `${at}: µs of the server a delivery`,
        columns: ['all that is done', 'a further device'],
        rows: all.map(server => ({ name: server, cells: [spreadOf(whole(server)), spreadOf(further(server))] })),
      },
    ],
    goals: [
      {
        what: `${at}, ${devices} devices: CPU of the server a delivery, parthub / room`,
        ...{ unit: '×', atMost: GOAL, measured: ratioOf(whole('parthub'), whole('room')) },
      },
      {
        what: `${at}: CPU of the server for a further device, parthub / room`,
        ...{ unit: '×', atMost: GOAL, measured: ratioOf(further('parthub'), further('room')) },
      },
      { what: `${at}: lost, twice, out of order or refused`, unit: 'deliveries', atMost: 0, measured: wrong },
    ],
  };
}
