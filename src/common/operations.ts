import { z } from 'zod';
import type { ErrorCode } from './errors.ts';

/**
 * What a contract is made of. Both doors, the published documents and the client's types come from these
 * declarations alone.
 */

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
/** `POST /api/chat/threads/{id}/read/`; names in braces are fields of the input. */
export type HttpPath = `${Method} /${string}`;
/**
 * `public`: no token is read. `lenient`: a token counts while it is valid, any other is passed over. `optional`: a token
 * counts when sent. `user`: a live session. `staff`: a staff role.
 */
export type Access = 'public' | 'lenient' | 'optional' | 'user' | 'staff';
export type Namespace = '/chat' | '/presence' | '/notifications';

/** So many calls in a window of seconds; one name is one budget. */
export interface Limit {
  name: string;
  /** `caller`: the user, without one the IP address. `connection`: the socket door's own. */
  by: 'user' | 'ip' | 'caller' | 'connection';
  points: number;
  windowSec: number;
  /**
   * Asked so often that no call may wait for Redis: counted on this instance at once, and told to the others a quarter of
   * a second later.
   */
  isHot?: true;
  /** So many at once, refilled evenly; without it a window begins with its first call. Hot limits only. */
  burst?: number;
  /** Only calls that give this field count. */
  field?: string;
}

export interface Declaration<Input extends z.ZodType, Output extends z.ZodType> {
  summary: string;
  input: Input;
  output: Output;
  /** Default `user`. */
  access?: Access;
  /** The REST path; further ones are aliases that answer alike. */
  http?: HttpPath | readonly HttpPath[];
  /** Fields that REST takes from the query string although the method has a body (`logout/?scope=`). */
  query?: readonly string[];
  /** Fields that REST takes from headers alone: `{ if_match: 'If-Match' }`. */
  headers?: Readonly<Record<string, string>>;
  /** REST takes multipart/form-data. */
  isForm?: true;
  /** REST refuses a call without an Idempotency-Key. */
  needsKey?: true;
  /** Ids that the HTTP door makes where the client sends none; over REST they are optional. */
  generated?: readonly string[];
  /** The event's name in the namespace of its contract. */
  socket?: string;
  /** Never queued behind others and never acknowledged: typing, focus, pings. */
  volatile?: true;
  /** Success status over REST, 200 if not given. */
  status?: 200 | 201 | 202 | 204;
  /** The ETag is made of the answer; who has it already gets 304. For lists that seldom change. */
  isTagged?: true;
  /** True for an answer that created nothing (`duplicate`, an existing thread): REST then says 200 instead of 201. */
  isRepeat?: (output: z.output<Output>) => boolean;
  limits?: readonly Limit[];
  /** By what metrics tell its calls apart (`ok` if not given): few and fixed words. */
  countedAs?: (input: z.output<Input>, output: z.output<Output>) => string;
  /** Passwords go in or tokens come out: neither is ever stored, so an Idempotency-Key is passed over. */
  isSecret?: true;
  /** The answer is an `AsyncIterable<string>` that REST sends as this media type, piece by piece, never whole in memory. */
  stream?: 'text/csv';
  /** REST adds `next` (a relative URL made from `next_cursor`) and `previous: null`. */
  paged?: true;
  /** Codes it answers beside those that every operation may (`validation_failed`, `auth_required` …). */
  errors?: readonly ErrorCode[];
}

export interface Query<Input extends z.ZodType = z.ZodType, Output extends z.ZodType = z.ZodType>
  extends Declaration<Input, Output> {
  kind: 'query';
}
export interface Command<Input extends z.ZodType = z.ZodType, Output extends z.ZodType = z.ZodType>
  extends Declaration<Input, Output> {
  kind: 'command';
}
export interface Procedure<Input extends z.ZodType = z.ZodType, Output extends z.ZodType = z.ZodType>
  extends Declaration<Input, Output> {
  kind: 'procedure';
}
export interface Batch<Input extends z.ZodType = z.ZodType, Output extends z.ZodType = z.ZodType>
  extends Declaration<Input, Output> {
  kind: 'batch';
  /**
   * Calls that share a lane are stored in the order in which they came, and never in two transactions at the same
   * moment; a good lane is the row that the use-case locks.
   */
  lane: (input: z.output<Input>) => string;
  /**
   * For such calls the use-case writes with exactly one statement (`runStatement`): a batch of them is its own transaction,
   * which saves the round trips of BEGIN and COMMIT. What others do about it is a part of that statement, or happens after it.
   */
  oneStatement?: (input: z.output<Input>) => boolean;
}
// biome-ignore lint/suspicious/noExplicitAny: any schema of any operation
export type Operation = Query<any, any> | Command<any, any> | Procedure<any, any> | Batch<any, any>;

export type Input<O> = O extends { input: infer I extends z.ZodType } ? z.output<I> : never;
export type Output<O> = O extends { output: infer R extends z.ZodType } ? z.output<R> : never;
/** What a client sends: defaults may be missing. */
export type Payload<O> = O extends { input: infer I extends z.ZodType } ? z.input<I> : never;

/** Reads; runs without a transaction. */
export function query<I extends z.ZodType, O extends z.ZodType, const D extends object>(
  declaration: D & Declaration<I, O>,
): D & Declaration<I, O> & { kind: 'query' } {
  return { ...declaration, kind: 'query' };
}

/** Changes; runs alone in one transaction. */
export function command<I extends z.ZodType, O extends z.ZodType, const D extends object>(
  declaration: D & Declaration<I, O>,
): D & Declaration<I, O> & { kind: 'command' } {
  return { ...declaration, kind: 'command' };
}

/**
 * Changes in several transactions of its own (`ctx.transaction`), because it waits in between for something slow
 * that must not hold a connection or a lock: an SMS provider, a password hash.
 */
export function procedure<I extends z.ZodType, O extends z.ZodType, const D extends object>(
  declaration: D & Declaration<I, O>,
): D & Declaration<I, O> & { kind: 'procedure' } {
  return { ...declaration, kind: 'procedure' };
}

/** Changes that very many callers ask for at the same moment: gathered, run once for all in one transaction. */
export function batch<I extends z.ZodType, O extends z.ZodType, const D extends object>(
  declaration: D & Declaration<I, O> & Pick<Batch<I, O>, 'lane' | 'oneStatement'>,
): D & Declaration<I, O> & { lane: (input: z.output<I>) => string; kind: 'batch' } {
  return { ...declaration, kind: 'batch' };
}

export interface EventDeclaration<Schema extends z.ZodType = z.ZodType, Name extends string = string> {
  name: Name;
  schema: Schema;
  summary: string;
}

/** What the server pushes: its name in the namespace of its contract, and its payload. */
export function event<const Name extends string, Schema extends z.ZodType>(
  name: Name,
  schema: Schema,
  summary: string,
): EventDeclaration<Schema, Name> {
  return { name, schema, summary };
}

/** Something that only other modules hear, inside the transaction; it never leaves the server. */
export interface Fact<Payload> {
  name: string;
  fact: true;
  /** Only a type: facts are not parsed. */
  payload?: Payload;
}

export function fact<Payload>(name: string): Fact<Payload> {
  return { name, fact: true };
}

/** A durable change of a thread: every such push carries the revision it made (realtime.md, G4). */
export function durable<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.object({ thread_id: z.uuid(), rev: z.int(), at: moment, ...shape });
}

export interface Contract {
  namespace?: Namespace;
  operations: Record<string, Operation>;
  events?: Record<string, EventDeclaration>;
}

/** RFC 3339, UTC, milliseconds. */
export const moment = z.iso.datetime({ precision: 3 }).meta({ example: '2025-11-30T19:00:00.000Z' });
export const cursor = z
  .string()
  .max(1024)
  .nullish()
  .describe('From `next_cursor` of the page before; bound to the user and the filters.');
export const nextCursor = z.string().nullable();

/** `limit` of a list: 1..`most`. */
export function pageLimit(most = 100, preset = 20) {
  return z.int().min(1).max(most).default(preset);
}

/** `headers: { if_match: 'If-Match' }`: a change of what the client has not seen is refused (RFC 9110, 13.1.1). */
export const ifMatch = z
  .string()
  .max(1024)
  .optional()
  .describe(
    'The `ETag` the change is based on; a stale one is 412 `conflict`, `details.current` being the present state.',
  );

/** Text that PostgreSQL can store: without U+0000, and without half a character (a lone surrogate). */
export const plainText = z
  .string()
  .refine(text => text.isWellFormed() && !text.includes('\u0000'), { error: 'control_characters' });

/** Any UUID, in lower case as the database gives it back: what a client sent in capitals is still found again. */
export const anyId = z.guid().toLowerCase();

const LAST_MOMENT = Date.parse('9999-12-31T23:59:59.999Z');
const isStorable = (text: string): boolean => Date.parse(text) >= 0 && Date.parse(text) <= LAST_MOMENT;

/** RFC 3339 with any offset, in UTC from then on: PostgreSQL knows neither the year 0 nor an offset of a whole day. */
export const anyMoment = z.iso
  .datetime({ offset: true, abort: true })
  .refine(isStorable, { error: 'out_of_range' })
  .overwrite(text => (isStorable(text) ? new Date(text).toISOString() : text))
  .describe('From 1970 to 9999.');
