import { availableParallelism } from 'node:os';
import type { Round } from '../chat/tables.ts';
import { totalOf } from '../support/cpu.ts';
import type { Outcome } from '../support/outcome.ts';
import { median, percentile, ratioOf, spreadOf } from '../support/stats.ts';

export type InstanceRound = Round;

/** From here on a machine has nothing left to give to another process. */
const USED_UP = 0.85;

export function describeInstances(title: string, results: Map<string, InstanceRound[]>): Omit<Outcome, 'settings'> {
  const processes = ['server', 'second server', 'database', 'redis', 'client'];
  const rate = (round: InstanceRound) => round.messages / round.seconds;
  const cores = (name: string) => (round: InstanceRound) => totalOf(round.cpu[name]!) / round.seconds;
  const all = (round: InstanceRound) => processes.reduce((sum, name) => sum + cores(name)(round), 0);
  const columns = [rate, (round: InstanceRound) => percentile(round.deliveryMs, 99), ...processes.map(cores), all];
  const [one, two] = [results.get('one instance')!, results.get('two instances')!];
  const [used, available] = [median(two.map(all)), availableParallelism()];
  const wrong = [...one, ...two].reduce((sum, { lost, twice, failures }) => sum + lost + twice + failures, 0);
  return {
    measured: [
      {
        title,
        columns: ['messages/s', 'delivery p99 ms', ...processes.map(name => `cores: ${name}`), 'all'],
        rows: [...results].map(([name, rounds]) => ({ name, cells: columns.map(read => spreadOf(rounds.map(read))) })),
      },
    ],
    goals: [
      {
        what: 'messages/s across threads, two instances / one',
        ...{ unit: '×', atLeast: 1.5, measured: ratioOf(two.map(rate), one.map(rate)) },
      },
      { what: 'one and two instances: lost, twice or refused', unit: 'messages', atMost: 0, measured: wrong },
    ],
    notes: [
      used >= USED_UP * available
        ? `With two instances all processes together, client included, used ${used.toFixed(2)} of ${available} cores: the machine is what bounds them.`
        : `With two instances all processes together, client included, used ${used.toFixed(2)} of ${available} cores.`,
    ],
  };
}
