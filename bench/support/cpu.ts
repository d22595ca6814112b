import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK']).toString());

/** Seconds of CPU. */
export interface Cpu {
  user: number;
  system: number;
}

interface Stat extends Cpu {
  parent: number;
}

/** Own time, and that of children that have ended. */
function statOf(pid: number): Stat | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const seconds = (own: number, ofChildren: number) => (fields[own]! + fields[ofChildren]!) / TICKS_PER_SECOND;
    return { parent: fields[1]!, user: seconds(11, 13), system: seconds(12, 14) };
  } catch {
    return null; // it has just ended
  }
}

/** What a process and all below it have used so far, from /proc. */
export function cpuOf(root: number): Cpu {
  const all = new Map<number, Stat>();
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    const stat = Number.isInteger(pid) ? statOf(pid) : null;
    if (stat) all.set(pid, stat);
  }
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
