import type { EntityManager } from '@mikro-orm/postgresql';
import type { Logger } from 'pino';
import type { z } from 'zod';
import type { Config } from '../config.ts';
import type { AppError } from './errors.ts';
import type { LimitState } from './limits.ts';
import type { Locale } from './messages.ts';
import type { EventDeclaration, Fact, Input, Output } from './operations.ts';
import type { Slot, StatementPart, StatementSlot } from './slots.ts';

export type Role = 'user' | 'superuser' | 'moderator' | 'billing' | 'support' | 'auditor';

/** Who asks: a user in a live session. */
export interface Actor {
  userId: string;
  sessionId: string;
  role: Role;
  isStaff: boolean;
  locale: Locale;
  /** When and how this session last proved who it is. */
  authAt: Date;
  amr: readonly string[];
  tokenExpiresAt: Date;
}

export interface Emit {
  /**
   * Announces a change. Listeners run in this transaction, before its commit; after it the payload is pushed to every
   * device of the users in `to`. Nothing is heard of a transaction that is rolled back.
   */
  <Schema extends z.ZodType>(
    event: EventDeclaration<Schema>,
    payload: z.output<Schema>,
    to: { to: readonly string[] },
  ): void;
  <Payload>(fact: Fact<Payload>, payload: Payload): void;
}

/** What is the same for all that one request does. */
export interface Request {
  /** The moment of the request; every time that is stored comes from it. */
  now: Date;
  requestId: string;
  ip: string;
  userAgent: string | null;
  /** The language of the answer; over sockets and in jobs it is not asked for. */
  locale?: Locale | undefined;
  /** The socket's connection that the call came by, none over REST; its calls keep their order. */
  connection?: string | undefined;
  /** Tells the door what is left of a budget that the call has spent of. */
  reportLimit?: ((state: LimitState) => void) | undefined;
}

/** All that a use-case may touch. */
export interface Context<Who extends Actor | null = Actor> extends Request {
  /** The transaction's own; a second one would be a second connection, outside of it. */
  em: EntityManager;
  actor: Who;
  config: Config;
  log: Logger;
  emit: Emit;
  /** Reads what a module to the right shows in a view of the left, in bulk. */
  slot<Value>(slot: Slot<Value>, ids: readonly string[]): Promise<ReadonlyMap<string, Value>>;
  /** What modules to the right add to a statement. */
  parts(slot: StatementSlot): readonly StatementPart[];
  /** The same request in a transaction that a use-case has opened itself: all of it, slots too, runs on that connection. */
  within(em: EntityManager): Context<Who>;
}

/** What listeners and batches get: many requests of many people, one transaction. */
export type SharedContext = Pick<Context, 'em' | 'now' | 'config' | 'log' | 'emit' | 'slot' | 'parts'>;

/** For `procedure`s: no transaction is open between the calls of `transaction`. */
export interface ProcedureContext<Who extends Actor | null = Actor> extends Omit<Context<Who>, 'emit' | 'within'> {
  transaction<T>(work: (ctx: Context<Who>) => Promise<T>): Promise<T>;
  /** Keeps what will be answered in the transaction of the work, the last in it, for a repeat with the same Idempotency-Key. */
  keep(ctx: Pick<Context, 'em'>, output: unknown): Promise<void>;
}

/** One caller of a batch; no more of the request, since very many wait at a time. */
export interface Call<I> extends Pick<Request, 'now'> {
  actor: Actor;
  input: I;
}

/** What one caller of a batch gets. */
export type Answer<O> = O | AppError;

type ActorOf<O> = O extends { access: 'public' | 'lenient' | 'optional' } ? Actor | null : Actor;

/** The function behind an operation; its form follows the operation's kind. */
export type UseCase<O> = O extends { kind: 'batch' }
  ? (ctx: SharedContext, calls: Call<Input<O>>[]) => Promise<Answer<Output<O>>[]>
  : O extends { kind: 'procedure' }
    ? (ctx: ProcedureContext<ActorOf<O>>, input: Input<O>) => Promise<Output<O>>
    : (ctx: Context<ActorOf<O>>, input: Input<O>) => Promise<Output<O>>;
