/**
 * 1:1 chat at a fixed rate, which no slow answer slows down: how long a delivery takes from the moment its message was due, the row
 * of its notification included. The load tester makes and verifies it; beside it stands one statement per message.
 * `npm run bench -- steady [--rate 1000] [--rooms 200] [--seconds 15] [--rounds 3]`
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Result } from '../load/report.ts';
import { cpuOf, totalOf } from './support/cpu.ts';
import { readSettings } from './support/options.ts';
import type { Outcome } from './support/outcome.ts';
import { runNode } from './support/processes.ts';
import { inTurns } from './support/rounds.ts';
import { spreadOf } from './support/stats.ts';
import { inWorld, root, type World } from './support/world.ts';

const GOAL_MS = 60;

interface Round extends Result {
  /** Seconds in the whole run, connecting included. */
  cpu: { server: number; database: number };
}

export async function run(args: string[]): Promise<Outcome> {
  const settings = readSettings(args, { rate: 1_000, rooms: 200, seconds: 15, rounds: 3 });
  const { rooms, rounds } = settings;
  return inWorld({ users: 2 * rooms, posts: rooms, threads: rooms }, async world => {
    const perStatement = await world.startBaseline('per-statement', { DATABASE_URL: await world.createDatabase('per_statement') }); // biome-ignore format: one line reads better
    const parthub = await world.startParthub();
    const subjects = [
      { name: 'per-statement', server: perStatement },
      { name: 'parthub', server: parthub },
    ];
    const results = await inTurns(subjects, rounds, async ({ name, server }, round) => {
      const used = () => ({ server: totalOf(cpuOf(server.pid)), database: totalOf(cpuOf(world.databasePid)) });
      const before = used();
      const result = await load(world, `${name}-${round}`, server.match, settings);
      const after = used();
      const cpu = { server: after.server - before.server, database: after.database - before.database };
      return { ...result, cpu };
    });
    return { settings, ...describe(settings.rate, results) };
  });
}

/** What was lost or failed is in the result too, so its exit code says nothing more. */
async function load(
  world: World,
  name: string,
  url: string,
  settings: Record<'rate' | 'rooms' | 'seconds', number>,
): Promise<Result> {
  const out = join(world.folder, name);
  const { rate, rooms, seconds } = settings;
  const args = ['--url', url, '--tokens', world.seedFile, '--out', out];
  const wanted = ['--rooms', `${rooms}`, '--rate', `${rate}`, '--duration', `${seconds}`];
  await runNode(join(root, 'load/run.ts'), [...args, ...wanted], {}, 'ignore').catch(() => {});
  const file = (await readdir(out)).find(entry => entry.endsWith('.json'))!;
  return JSON.parse(await readFile(join(out, file), 'utf8'));
}

function describe(rate: number, results: Map<string, Round[]>): Omit<Outcome, 'settings'> {
  const columns = [
    ({ summary }: Round) => summary.acked,
    ({ summary }: Round) => summary.ack.p50,
    ({ summary }: Round) => summary.ack.p99,
    ({ summary }: Round) => summary.delivery.p50,
    ({ summary }: Round) => summary.delivery.p99,
    ({ cpu, summary }: Round) => (cpu.server / summary.acked) * 1e6,
    ({ cpu, summary }: Round) => (cpu.database / summary.acked) * 1e6,
  ];
  const ours = results.get('parthub')!;
  const wrong = ours.reduce((sum, { verdict, summary }) => sum + verdict.lost + verdict.twice + verdict.disordered + summary.sent - summary.acked, 0); // biome-ignore format: one line reads better
  const measured = spreadOf(ours.map(({ summary }) => summary.delivery.p99));
  return {
    measured: [
      {
        title: `${rate} messages/s`,
        columns: ['acknowledged', 'ack p50 ms', 'p99', 'delivery p50 ms', 'p99', 'server: ms for 1,000', 'database'],
        rows: [...results].map(([name, rounds]) => ({ name, cells: columns.map(read => spreadOf(rounds.map(read))) })),
      },
    ],
    goals: [
      { what: `${rate} messages/s: p99 delivery`, unit: 'ms', atMost: GOAL_MS, measured },
      { what: `${rate} messages/s: lost, twice, out of order or not acknowledged`, unit: 'messages', atMost: 0, measured: wrong }, // biome-ignore format: one line reads better
    ],
  };
}
