import type { Err } from './errors.ts';
import type { Contract, EventDeclaration, Operation, Output, Payload } from './operations.ts';
import type { renewal, sessionEvents } from './session.ts';

/** What every ack is (realtime.md, section 3). */
export type Ack<Data> = { ok: true; data: Data } | { ok: false; error: Err };

type Socketed<C extends Contract> = {
  [Key in keyof C['operations'] as C['operations'][Key] extends { socket: infer Name extends string }
    ? Name
    : never]: C['operations'][Key];
};

/** The events a client may emit in the namespace of a contract: `ClientToServer<typeof import('./chat/contract.ts')>`. */
export type ClientToServer<C extends Contract> = Emitted<C> & Emitted<{ operations: { renewal: typeof renewal } }>;

type Emitted<C extends Contract> = {
  [Name in keyof Socketed<C>]: Socketed<C>[Name] extends Operation
    ? (payload: Payload<Socketed<C>[Name]>, ack?: (reply: Ack<Output<Socketed<C>[Name]>>) => void) => void
    : never;
};

type Pushed<Events> = {
  [Key in keyof Events as Events[Key] extends EventDeclaration<infer _S, infer Name>
    ? Name
    : never]: Events[Key] extends EventDeclaration<infer Schema> ? (payload: Schema['_zod']['output']) => void : never;
};

/** The events a client hears in the namespace of a contract. */
export type ServerToClient<C extends Contract> = Pushed<NonNullable<C['events']>> & Pushed<typeof sessionEvents>;
