import type { EntityManager } from '@mikro-orm/postgresql';

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

export interface Slots {
  fill<Value>(slot: Slot<Value>, filler: Filler<Value>): void;
  read<Value>(slot: Slot<Value>, scope: SlotScope, ids: readonly string[]): Promise<ReadonlyMap<string, Value>>;
}

export function createSlots(): Slots {
  const fillers = new Map<string, Filler<unknown>>();
  return {
    fill: (slot, filler) => void fillers.set(slot.name, filler as Filler<unknown>),
    async read<Value>(slot: Slot<Value>, scope: SlotScope, ids: readonly string[]) {
      const filler = fillers.get(slot.name) as Filler<Value> | undefined;
      const found = ids.length > 0 && filler ? await filler(scope, ids) : new Map<string, Value>();
      return new Map(ids.map(id => [id, found.get(id) ?? slot.empty]));
    },
  };
}
