import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

let known: number | undefined;

/** Asked for when it is needed: only Linux has /proc, and Windows no such program. */
function ticksPerSecond(): number {
  known ??= Number(execFileSync('getconf', ['CLK_TCK']).toString());
  return known;
}

/** Seconds of CPU. */
export interface Cpu {
  user: number;
  system: number;
}

interface Stat extends Cpu {
  parent: number;
}

/** Own time, and that of children that have ended. */
function statOf(pid: number, ticks: number): Stat | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const seconds = (own: number, ofChildren: number) => (fields[own]! + fields[ofChildren]!) / ticks;
    return { parent: fields[1]!, user: seconds(11, 13), system: seconds(12, 14) };
  } catch {
    return null; // it has just ended
  }
}

/** What a process and all below it have used so far, from /proc; those that have ended included. Throws once it has ended itself. */
export function cpuOf(root: number): Cpu {
  const [all, ticks] = [new Map<number, Stat>(), ticksPerSecond()];
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    const stat = Number.isInteger(pid) ? statOf(pid, ticks) : null;
    if (stat) all.set(pid, stat);
  }
  if (!all.has(root)) throw new Error(`process ${root} has ended while it was measured`);
  const belongs = (pid: number): boolean => pid === root || (all.has(pid) && pid > 1 && belongs(all.get(pid)!.parent));
  const used = { user: 0, system: 0 };
  for (const [pid, { user, system }] of all)
    if (belongs(pid)) {
      used.user += user;
      used.system += system;
    }
  return used;
}

export const totalOf = ({ user, system }: Cpu): number => user + system;

export const cpuSeconds = (root: number): number => totalOf(cpuOf(root));

/** Resident memory of one process; none once it has ended. */
export function residentKb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
}
