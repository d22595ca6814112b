import type { EntityManager } from '@mikro-orm/postgresql';
import type { Fact } from './operations.ts';

/**
 * A place in a view of one module that a module to its right fills (`badge` in `me/` comes from notifications). It is
 * declared beside the left one's contract, filled in `app.ts`, and read in bulk.
 */
export interface Slot<Value> {
  name: string;
  /** What an id gets that nobody filled. */
  empty: Value;
}

export interface SlotScope {
  em: EntityManager;
  now: Date;
}

/** Values by id; an id that is missing from the answer gets the slot's `empty`. */
export type Filler<Value> = (scope: SlotScope, ids: readonly string[]) => Promise<ReadonlyMap<string, Value>>;

export function slot<Value>(name: string, empty: Value): Slot<Value> {
  return { name, empty };
}

/**
 * What modules to the right do in the same SQL statement as the left one, so that it costs no round trip of its own. The
 * slot says which relations they may read.
 */
export interface StatementSlot {
  name: string;
}

export interface StatementPart {
  /** Common table expressions: `name as (…), …`. */
  with: string;
  /** The same, shorter, for the statement of the slot that does its work for one thing alone. */
  withOne: string;
  /** A select of one JSON value: what they did. */
  value: string;
  /** Announced with that value; heard after the commit. */
  // biome-ignore lint/suspicious/noExplicitAny: a value of any form
  fact: Fact<any>;
}

export function statementSlot(name: string): StatementSlot {
  return { name };
}

export interface Slots {
  extend(slot: StatementSlot, part: StatementPart): void;
  parts(slot: StatementSlot): readonly StatementPart[];
  fill<Value>(slot: Slot<Value>, filler: Filler<Value>): void;
  read<Value>(slot: Slot<Value>, scope: SlotScope, ids: readonly string[]): Promise<ReadonlyMap<string, Value>>;
}

export function createSlots(): Slots {
  const fillers = new Map<string, Filler<unknown>>();
  const extensions = new Map<string, readonly StatementPart[]>();
  const none: readonly StatementPart[] = [];
  return {
    extend: (slot, part) => void extensions.set(slot.name, [...(extensions.get(slot.name) ?? none), part]),
    parts: slot => extensions.get(slot.name) ?? none,
    fill: (slot, filler) => void fillers.set(slot.name, filler as Filler<unknown>),
    async read<Value>(slot: Slot<Value>, scope: SlotScope, ids: readonly string[]) {
      const filler = fillers.get(slot.name) as Filler<Value> | undefined;
      const found = ids.length > 0 && filler ? await filler(scope, ids) : new Map<string, Value>();
      return new Map(ids.map(id => [id, found.get(id) ?? slot.empty]));
    },
  };
}
