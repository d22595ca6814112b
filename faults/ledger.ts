import type { Device } from './device.ts';
import type { Instance } from './instance.ts';

/** One try to send a message. */
export interface Attempt {
  clientId: string;
  threadId: string;
  at: number;
  answeredAt: number;
  /** `ok`, what it was refused with, `late` after 10 s, or `cut` with its connection. */
  result: string;
  seq: number;
  isDuplicate: boolean;
  /** Where its device was connected. */
  instance: Instance | null;
  device: Device | null;
}

/** A message that its author wants to be stored. */
export interface Wanted {
  threadId: string;
  at: number;
  device: Device;
  /** Rising per device. */
  number: number;
  /** It is for a thread of others: it must never be stored. */
  isForbidden: boolean;
}

/** Everything that clients have asked and were told, from which the figures and the verdict come. */
export interface Ledger {
  wanted: Map<string, Wanted>;
  attempts: Attempt[];
  /** Refused for good, as clients were told. */
  refused: Map<string, string>;
  /** From a lost connection to the next greeting. */
  absences: { device: Device; from: number; ms: number }[];
}

export const createLedger = (): Ledger => ({ wanted: new Map(), attempts: [], refused: new Map(), absences: [] });
