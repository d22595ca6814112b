import type { Room } from '../load/rooms.ts';
import { within } from '../src/common/time.ts';
import { seeded } from '../tests/support/faulty-socket.ts';
import { connectDevice, startReader } from './devices.ts';
import type { OwnServers } from './own-servers.ts';
import { type Invariant, NotTried, type Stage } from './stage.ts';

export interface Verdict {
  name: string;
  sentence: string;
  result: 'kept' | 'broken' | 'not tried';
  /** Of a promise that is kept; else what is not as promised, or why it was not tried. */
  figure: string;
  ms: number;
}

export interface Setting {
  urls: readonly string[];
  rooms: Room[];
  own: OwnServers | null;
  seed: number;
  onVerdict(verdict: Verdict): void;
}

const LIMIT_MS = 100_000;

/** Proves them one after another, those that mostly wait beside the others; each by its own part of the seed. */
export async function prove(invariants: readonly Invariant[], setting: Setting): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  const judge = async (one: Invariant, index: number) => {
    const verdict = await proveOne(one, setting, seeded(setting.seed + index));
    verdicts.push(verdict);
    setting.onVerdict(verdict);
  };
  const numbered = invariants.map((one, index) => [one, index] as const);
  const patient = numbered.filter(([one]) => one.isPatient).map(([one, index]) => judge(one, index));
  for (const [one, index] of numbered) if (!one.isPatient) await judge(one, index);
  await Promise.all(patient);
  return verdicts;
}

function refuseLate(): never {
  throw new Error(`no result within ${LIMIT_MS / 1_000} s`);
}

async function proveOne(one: Invariant, setting: Setting, random: () => number): Promise<Verdict> {
  const { name, sentence } = one;
  const startedAt = performance.now();
  const closers: (() => unknown)[] = [];
  const told = (result: Verdict['result'], figure: string): Verdict => ({
    ...{ name, sentence, result, figure, ms: Math.round(performance.now() - startedAt) },
  });
  if (one.needsOwnServers && !setting.own) return told('not tried', 'its faults are only made in servers of the kit');
  try {
    return told('kept', await within(LIMIT_MS, one.prove(stageOf(setting, random, closers)), refuseLate));
  } catch (error) {
    return told(error instanceof NotTried ? 'not tried' : 'broken', (error as Error).message);
  } finally {
    while (closers.length > 0) await closers.pop()!();
  }
}

function stageOf({ urls, rooms, own }: Setting, random: () => number, closers: (() => unknown)[]): Stage {
  const onEnd: Stage['onEnd'] = close => void closers.push(close);
  return {
    ...{ urls, random, onEnd, own: own! },
    takeRoom() {
      const room = rooms.shift();
      if (!room) throw new Error('no thread is left: more are needed');
      return room;
    },
    async device(url, who, namespace) {
      const device = await connectDevice(url, who, namespace);
      onEnd(() => device.socket.close());
      return device;
    },
    reader(url, who) {
      const reader = startReader(url, who, random);
      onEnd(() => reader.socket.close());
      return reader;
    },
  };
}
