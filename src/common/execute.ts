import { isDeepStrictEqual } from 'node:util';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { Announcement, Listeners, Push } from './announcements.ts';
import type {
  Actor, Answer, Call, Context, Emit, ProcedureContext, Request, SharedContext, UseCase,
} from './context.ts'; // biome-ignore format: short
import { asAppError, isRetryable, type Orm } from './database.ts';
import { AppError } from './errors.ts';
import { type GroupCommit, groupCommit } from './group-commit.ts';
import type { Batch, EventDeclaration, Input, Operation, Output } from './operations.ts';
import type { Slots } from './slots.ts';

export interface RawCall extends Request {
  actor: Actor | null;
  /** What the client sent, unparsed. */
  raw: unknown;
}

/** An operation with its use-case behind it: what a door calls. Rejects with an `AppError`, whatever happened. */
export type Run<O extends Operation> = (call: RawCall) => Promise<Output<O>>;

export interface Executor {
  /** Both doors of an operation must pass the same use-case; a `batch` is gathered over both. */
  bind<O extends Operation>(operation: O, useCase: UseCase<O>): Run<O>;
  /** For jobs, commands of the CLI, tests: a transaction with listeners and pushes, without a caller. */
  transaction<T>(request: Request, work: (ctx: Context<null>) => Promise<T>): Promise<T>;
}

interface Parts {
  orm: Orm;
  config: Config;
  log: Logger;
  listeners: Listeners;
  slots: Slots;
  push: Push;
  /** Spends one call of the actor's budget for this operation, or throws `rate_limited`. */
  limit: (operation: Operation, call: RawCall) => void | Promise<void>;
}

const MAX_TRIES = 3;

/** The one road: parse → limit → transaction → use-case → listeners → commit → pushes. */
export function createExecutor(parts: Parts): Executor {
  const bound = new Map<Operation, Run<Operation>>();
  const checkShapes = parts.config.NODE_ENV === 'test';

  /** Runs `work` in one transaction, again after a deadlock; pushes what was announced once it is committed. */
  async function transact<T>(now: Date, work: (em: EntityManager, emit: Emit) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      const announced: Announcement[] = [];
      try {
        const result = await parts.orm.em.fork().transactional(async em => {
          const emit = recordInto(announced, checkShapes);
          const done = await work(em as EntityManager, emit);
          await parts.listeners.settle(announced, sharedContext(em as EntityManager, now, emit));
          return done;
        });
        parts.push(announced.filter(one => !one.isFact));
        parts.listeners.committed(announced);
        return result;
      } catch (error) {
        if (!isRetryable(error) || tries === MAX_TRIES) throw error;
      }
    }
  }

  function sharedContext(em: EntityManager, now: Date, emit: Emit): SharedContext {
    const { config, log, slots } = parts;
    return { em, now, config, log, emit, slot: (slot, ids) => slots.read(slot, { em, now }, ids) };
  }

  function contextOf(call: Request & { actor: Actor | null }, em: EntityManager, emit: Emit): Context<Actor | null> {
    const { now, requestId, ip, userAgent, connection, reportLimit, actor } = call;
    return { ...sharedContext(em, now, emit), requestId, ip, userAgent, connection, reportLimit, actor };
  }

  async function admit(operation: Operation, call: RawCall): Promise<unknown> {
    const access = operation.access ?? 'user';
    if (!call.actor && access !== 'public' && access !== 'optional') throw new AppError('auth_required');
    if (access === 'staff' && !call.actor?.isStaff) throw new AppError('permission_denied');
    await parts.limit(operation, call);
    return parseInput(operation, call.raw);
  }

  function runnerOf(
    operation: Operation,
    useCase: UseCase<Operation>,
  ): (call: RawCall, input: unknown) => Promise<unknown> {
    if (operation.kind === 'batch') {
      const commit = gather(operation, useCase as UseCase<Batch>);
      return (call, input) => commit.submit({ ...call, input } as Job);
    }
    const single = useCase as (ctx: unknown, input: unknown) => Promise<unknown>;
    if (operation.kind === 'query')
      return (call, input) => single(contextOf(call, parts.orm.em.fork() as EntityManager, refuseToEmit), input);
    if (operation.kind === 'procedure') return (call, input) => single(procedureContext(call), input);
    return (call, input) => transact(call.now, (em, emit) => single(contextOf(call, em, emit), input));
  }

  function procedureContext(call: RawCall): ProcedureContext<Actor | null> {
    const { emit: _, ...ctx } = contextOf(call, parts.orm.em.fork() as EntityManager, refuseToEmit);
    return { ...ctx, transaction: work => transact(call.now, (em, emit) => work(contextOf(call, em, emit))) };
  }

  function gather(operation: Batch, useCase: UseCase<Batch>): GroupCommit<Job, unknown> {
    const once = (jobs: Job[]): Promise<Answer<unknown>[]> =>
      transact(jobs[0]!.now, (em, emit) => useCase(sharedContext(em, jobs[0]!.now, emit), jobs));
    return groupCommit<Job, unknown>({
      lanes: job => [operation.lane(job.input), ...(job.connection ? [job.connection] : [])],
      run: async jobs => {
        try {
          return (await once(jobs)).map(settled);
        } catch (error) {
          // One poisonous call must not fail its neighbours: each again, alone and in order.
          if (jobs.length === 1) return [{ status: 'rejected', reason: error }];
          const results: PromiseSettledResult<unknown>[] = [];
          for (const job of jobs)
            results.push(...(await Promise.allSettled([once([job]).then(([answer]) => answer)])).map(unwrap));
          return results;
        }
      },
    });
  }

  return {
    bind<O extends Operation>(operation: O, useCase: UseCase<O>): Run<O> {
      const known = bound.get(operation);
      if (known) return known as Run<O>;
      const run = runnerOf(operation, useCase as UseCase<Operation>);
      const road = async (call: RawCall): Promise<Output<O>> => {
        try {
          const output = await run(call, await admit(operation, call));
          if (checkShapes) ensureShape(operation.output, output, operation.summary);
          return output as Output<O>;
        } catch (error) {
          throw asAppError(error);
        }
      };
      bound.set(operation, road as Run<Operation>);
      return road;
    },
    transaction: (request, work) =>
      transact(request.now, (em, emit) => work(contextOf({ ...request, actor: null }, em, emit) as Context<null>)),
  };
}

type Job = Call<Input<Batch>>;

function settled(answer: Answer<unknown>): PromiseSettledResult<unknown> {
  return answer instanceof AppError ? { status: 'rejected', reason: answer } : { status: 'fulfilled', value: answer };
}

function unwrap(result: PromiseSettledResult<unknown>): PromiseSettledResult<unknown> {
  return result.status === 'fulfilled' ? settled(result.value) : result;
}

function parseInput(operation: Operation, raw: unknown): unknown {
  const parsed = operation.input.safeParse(raw ?? {});
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues as { path: PropertyKey[]; code: string; message: string }[];
  throw new AppError('validation_failed', {
    fields: issues.map(({ path, code, message }) => ({
      path: path.map(String).join('.'),
      code: code === 'custom' ? message : code,
    })),
  });
}

function recordInto(announced: Announcement[], checkShapes: boolean): Emit {
  return (
    event: EventDeclaration | { name: string; fact: true },
    payload: unknown,
    recipients?: { to: readonly string[] },
  ) => {
    const isFact = 'fact' in event;
    if (checkShapes && !isFact) ensureShape(event.schema, payload, event.name);
    announced.push({ name: event.name, payload, to: recipients?.to ?? [], isFact });
  };
}

function refuseToEmit(): never {
  throw new Error('emit needs a transaction');
}

/** In tests every answer and push must be exactly what its contract says: no field more, none less. */
function ensureShape(schema: Operation['output'], value: unknown, where: string): void {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new Error(`${where} breaks its contract: ${parsed.error.message}`);
  if (!isDeepStrictEqual(JSON.parse(JSON.stringify(parsed.data)), JSON.parse(JSON.stringify(value))))
    throw new Error(`${where} says more than its contract: ${JSON.stringify(value)}`);
}
