import type { Device } from './device.ts';
import type { Instance } from './instance.ts';
import type { Site } from './site.ts';

/** Something that fails, and what is promised while it does. */
export interface Fault {
  name: string;
  /** What users notice: a sentence that is true of the product. */
  sentence: string;
  reach: Reach;
  /** Where it matters how long it lasts; else as long as the run says. */
  lastsSec?: number;
  /** What only some machines can give. */
  needs?: Need;
  /** Clients that are meant to feel it; the others are measured apart. */
  hits?(scene: Omit<Scene, 'hit'>): Device[];
  /** Does it, and returns what ends it. Rejects when it did not take place. */
  inflict(scene: Scene): Promise<Heal> | Heal;
}

export type Need = 'small-disk' | 'clocks';
/** Resolves with a text of what has happened, if there is one. Rejects when nothing has: then the run proves nothing. */
export type Heal = () => unknown;

/** What a fault may touch. */
export interface Scene {
  site: Site;
  devices: readonly Device[];
  hit: ReadonlySet<Device>;
  /** Chosen by the seed, for faults of one instance. */
  victim: Instance;
  /** 0 … 1, by the seed. */
  random(): number;
  lastsMs: number;
}

/** Limits of what is measured; what is not named is told only. */
export interface Reach {
  /** In no thread those who are not hit wait longer for the next ack. */
  gapMs?: number;
  /** p99 of those who lost their connection. */
  reconnectMs?: number;
  /** The slowest answer, a refusal included, over connections that stand. */
  answerMs?: number;
  /** On every instance, after the end of the fault. */
  ackAgainMs?: number;
  /** p99 of acks above the one before the fault. */
  slowerMs?: number;
  /** A message is shown by every device of both users so long after its ack. */
  behindMs?: number;
  /** Readiness says no, on every instance. */
  notReadyMs?: number;
  /** What attempts may be refused with. */
  refusals: readonly string[];
}
