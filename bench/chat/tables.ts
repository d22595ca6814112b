import { type Cpu, totalOf } from '../support/cpu.ts';
import type { Goal, Table } from '../support/outcome.ts';
import { percentile, ratioOf, type Spread, spreadOf } from '../support/stats.ts';
import type { Measured } from './measured.ts';

export interface Round extends Measured {
  cpu: Record<string, Cpu>;
}
type Results = ReadonlyMap<string, readonly Round[]>;

const rate = (round: Round) => round.messages / round.seconds;
/** Milliseconds of CPU for 1,000 messages. */
const cost = (seconds: number, round: Round) => (seconds / round.messages) * 1e6;
const serverAndDatabase = (round: Round) =>
  cost(totalOf(round.cpu['server']!) + totalOf(round.cpu['database']!), round);
const wrong = ({ lost, twice, disordered, failures }: Round) => lost + twice + disordered + failures;

function rows(results: Results, columns: ((round: Round) => number)[]): Table['rows'] {
  return [...results].map(([name, rounds]) => ({ name, cells: columns.map(read => spreadOf(rounds.map(read))) }));
}

const at = (which: 'ackMs' | 'deliveryMs', percent: number) => (round: Round) => percentile(round[which], percent);

export function chatTables(title: string, results: Results): Table[] {
  const processes = ['server', 'database', 'client'];
  return [
    {
      title,
      columns: ['messages/s', 'ack p50 ms', 'p95', 'p99', 'delivery p50 ms', 'p95', 'p99'],
      rows: rows(results, [rate, ...(['ackMs', 'deliveryMs'] as const).flatMap(which => [50, 95, 99].map(percent => at(which, percent)))]), // biome-ignore format: one line reads better
    },
    {
      title: 'CPU, ms for 1,000 messages',
      columns: [...processes.flatMap(name => [`${name} user`, `${name} system`]), 'server + database'],
      rows: rows(results, [
        ...processes.flatMap(name => [
          (round: Round) => cost(round.cpu[name]!.user, round),
          (round: Round) => cost(round.cpu[name]!.system, round),
        ]),
        serverAndDatabase,
      ]),
    },
    {
      title: 'acknowledged messages',
      columns: ['lost', 'delivered twice', 'out of order', 'refused'],
      rows: [...results].map(([name, rounds]) => ({
        name,
        cells: (['lost', 'twice', 'disordered', 'failures'] as const).map(key => rounds.reduce((sum, round) => sum + round[key], 0)), // biome-ignore format: one line reads better
      })),
    },
  ];
}

/** What the messages of one subject are of another's, and the CPU of one. */
const ratioGoals: Record<string, { to: string; atLeast: number; of: 'messages' | 'CPU' }[]> = {
  8: [
    { to: 'relay', of: 'messages', atLeast: 0.5 },
    { to: 'per-message', of: 'messages', atLeast: 20 },
    { to: 'per-statement', of: 'messages', atLeast: 6 },
    { to: 'per-message', of: 'CPU', atLeast: 15 },
  ],
  1: [
    { to: 'relay', of: 'messages', atLeast: 0.45 },
    { to: 'per-message', of: 'messages', atLeast: 10 },
  ],
};

export function chatGoals(key: string, title: string, results: Results): Goal[] {
  const ours = results.get('parthub');
  if (!ours) return [];
  const goals: Goal[] = [];
  for (const { to, of, atLeast } of ratioGoals[key] ?? []) {
    const theirs = results.get(to);
    if (!theirs) continue;
    const measured: Spread =
      of === 'messages'
        ? ratioOf(ours.map(rate), theirs.map(rate))
        : ratioOf(theirs.map(serverAndDatabase), ours.map(serverAndDatabase));
    const what = of === 'messages' ? `messages/s, parthub / ${to}` : `server + database CPU, ${to} / parthub`;
    goals.push({ what: `${title}: ${what}`, unit: '×', atLeast, measured });
  }
  const perStatement = results.get('per-statement');
  if (key === 'pair' && perStatement) {
    const p50 = (rounds: readonly Round[]) => rounds.map(at('ackMs', 50));
    const measured = ratioOf(p50(ours), p50(perStatement));
    goals.push({ what: `${title}: p50 ack, parthub / per-statement`, unit: '×', atMost: 1, measured });
  }
  const failed = ours.reduce((sum, round) => sum + wrong(round), 0);
  goals.push({ what: `${title}: lost, twice, out of order or refused`, unit: 'messages', atMost: 0, measured: failed });
  return goals;
}
