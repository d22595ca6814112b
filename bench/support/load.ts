import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { endWithUs } from '../../tests/support/children.ts';
import { type Cpu, cpuOf, residentKb } from './cpu.ts';

export interface Ran<Result> {
  result: Result;
  /** What each watched process and the load itself (`client`) have used between `begin` and `end`, by phase. */
  cpu: Map<string, Record<string, Cpu>>;
  /** When that was, in µs of the clock that profiles of V8 have. */
  window: Map<string, [began: number, ended: number]>;
  /** Their memory at each `end`. */
  residentKb: Map<string, Record<string, number>>;
}

/**
 * Runs a load in a process of its own: it reads `input` from stdin, prints `begin [phase]` and `end [phase]` around what is
 * measured, and at the end its result; both are JSON.
 */
export async function runLoad<Result>(
  file: string,
  args: string[],
  input: object,
  watched: Record<string, number | null>,
): Promise<Ran<Result>> {
  const child = spawn(process.execPath, [file, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  endWithUs(child);
  child.stdin.end(JSON.stringify(input));
  const pids = Object.entries({ ...watched, client: child.pid! });
  const usage = () => pids.map(([name, pid]) => [name, pid === null ? { user: 0, system: 0 } : cpuOf(pid)] as const);
  const began = new Map<string, ReturnType<typeof usage>>();
  const cpu: Ran<Result>['cpu'] = new Map();
  const resident: Ran<Result>['residentKb'] = new Map();
  const memory = () => Object.fromEntries(pids.map(([name, pid]) => [name, pid === null ? 0 : residentKb(pid)]));
  const window: Ran<Result>['window'] = new Map();
  const now = () => Number(process.hrtime.bigint() / 1_000n);
  let result: Result | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    const [word, phase = ''] = line.split(' ');
    if (word === 'begin') {
      began.set(phase, usage());
      window.set(phase, [now(), Infinity]);
    }
    if (word === 'end') {
      cpu.set(phase, difference(began.get(phase)!, usage()));
      resident.set(phase, memory());
      window.get(phase)![1] = now();
    }
    if (/^[{[]/.test(line)) result = JSON.parse(line);
  }
  if (result === undefined) throw new Error(`${file} ended without a result`);
  return { result, cpu, window, residentKb: resident };
}

function difference(before: (readonly [string, Cpu])[], after: (readonly [string, Cpu])[]): Record<string, Cpu> {
  return Object.fromEntries(
    after.map(([name, { user, system }], at) => {
      const [, from] = before[at]!;
      return [name, { user: user - from.user, system: system - from.system }];
    }),
  );
}
