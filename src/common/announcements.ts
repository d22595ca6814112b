import type { SharedContext } from './context.ts';
import type { EventDeclaration, Fact } from './operations.ts';

/** One change that was emitted: who hears it (`to`; a fact is heard by listeners alone). */
export interface Announcement<Payload = unknown> {
  name: string;
  payload: Payload;
  to: readonly string[];
  isFact: boolean;
}

export type Listener<Payload> = (announced: Announcement<Payload>[], ctx: SharedContext) => Promise<void>;
type PayloadOf<E> = E extends EventDeclaration<infer S> ? S['_zod']['output'] : E extends Fact<infer P> ? P : never;

/** Sends what a transaction announced to the sockets of its recipients; called after the commit, in commit order. */
export type Push = (announcements: readonly Announcement[]) => void;

export interface Listeners {
  /** Runs inside the announcing transaction, once for all announcements of that name in it. */
  // biome-ignore lint/suspicious/noExplicitAny: a fact of any payload
  on<E extends EventDeclaration | Fact<any>>(event: E, listener: Listener<PayloadOf<E>>): void;
  /** Runs once the announcing transaction is committed, for what is no row: sockets, caches. Must not throw. */
  // biome-ignore lint/suspicious/noExplicitAny: a fact of any payload
  afterCommit<E extends EventDeclaration | Fact<any>>(event: E, listener: (payload: PayloadOf<E>) => void): void;
  committed(announced: readonly Announcement[]): void;
  /** Throws when one of these has listeners that need the announcing transaction. */
  ensureNoneInside(announced: readonly Announcement[]): void;
  /** Runs listeners until nothing new is announced, and returns everything that was. */
  settle(announced: Announcement[], ctx: SharedContext): Promise<readonly Announcement[]>;
}

export function createListeners(): Listeners {
  const byName = new Map<string, Listener<never>[]>();
  const later = new Map<string, ((payload: never) => void)[]>();
  return {
    afterCommit: ({ name }, listener) => void later.set(name, [...(later.get(name) ?? []), listener]),
    committed(announced) {
      for (const { name, payload } of announced)
        for (const listener of later.get(name) ?? []) listener(payload as never);
    },
    ensureNoneInside(announced) {
      const heard = announced.find(({ name }) => byName.has(name));
      if (heard) throw new Error(`${heard.name} is announced without a transaction: listen after the commit`);
    },
    on(event, listener) {
      byName.set(event.name, [...(byName.get(event.name) ?? []), listener as Listener<never>]);
    },
    async settle(announced, ctx) {
      // Listeners may announce in turn: `announced` grows while it is worked through.
      for (let done = 0; done < announced.length; ) {
        const fresh = announced.slice(done);
        done = announced.length;
        for (const [name, group] of Map.groupBy(fresh, one => one.name))
          for (const listener of byName.get(name) ?? []) await listener(group as Announcement<never>[], ctx);
      }
      return announced;
    },
  };
}
