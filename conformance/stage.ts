import type { Account, Room } from '../load/rooms.ts';
import type { Device, Reader } from './devices.ts';
import type { OwnServers } from './own-servers.ts';

/** A promise of the product, and how it is proven from outside. */
export interface Invariant {
  name: string;
  /** A sentence that is true of the product. */
  sentence: string;
  /** Its faults can only be made where the servers are ours. */
  needsOwnServers?: true;
  /** It mostly waits, so it runs beside the others. */
  isPatient?: true;
  /** Resolves with the figure, rejects with what is not as promised. */
  prove(stage: Stage): Promise<string>;
}

/** All that one proof may touch; what it opens is closed after it. */
export interface Stage {
  urls: readonly string[];
  /** 0 … 1, by the seed. */
  random(): number;
  /** A thread whose two users nobody else uses. */
  takeRoom(): Room;
  device(url: string, who: Account, namespace: string): Promise<Device>;
  reader(url: string, who: Account): Reader;
  own: OwnServers;
  onEnd(close: () => unknown): void;
}

/** It cannot be tried here: neither kept nor broken. */
export class NotTried extends Error {}

export function ensure(isTrue: boolean, otherwise: string): asserts isTrue {
  if (!isTrue) throw new Error(otherwise);
}

/** The n-th address, in turns. */
export const turn = (urls: readonly string[], n: number): string => urls[n % urls.length]!;

/** null of nothing. */
export function p99(values: readonly number[]): number | null {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length * 0.99) - 1] ?? null;
}

export const pause = (ms: number): Promise<unknown> => new Promise(resolve => setTimeout(resolve, ms));

export const wholeMs = (ms: number): string => `${Math.round(ms)} ms`;
