import type { EntityManager } from '@mikro-orm/postgresql';
import type { Actor, Answer, Call, Context, Request, UseCase } from './context.ts';
import { asAppError, isOutage } from './database.ts';
import { AppError } from './errors.ts';
import { type GroupCommit, groupCommit } from './group-commit.ts';
import { fieldsOf } from './input-issues.ts';
import type { Metrics } from './metrics.ts';
import type { Batch, Input, Operation, Output } from './operations.ts';
import { ensureShape } from './shapes.ts';
import { within } from './time.ts';
import { type Place, type Span, type SpanOptions, silent, type Tracing } from './tracing.ts';
import { createTransactions, type TransactionParts, type Transactions } from './transactions.ts';

export interface RawCall extends Request {
  actor: Actor | null;
  /** What the client sent, unparsed. */
  raw: unknown;
  /** By the monotonic clock: its caller waits while it is in the queue of its connection too. */
  arrivedAt?: number;
  /** The session of its caller has ended meanwhile: what has not been begun is done no more. */
  readonly isRevoked?: boolean;
  /** The last of its own work in the transaction: of a command always, of a procedure where it says so. */
  keep?: ((em: EntityManager, output: unknown) => Promise<void>) | undefined;
}

/** An operation with its use-case behind it: what a door calls. Rejects with an `AppError`, whatever happened. */
export type Run<O extends Operation> = (call: RawCall) => Promise<Output<O>>;

export interface Executor {
  /** Both doors of an operation must pass the same use-case; a `batch` is gathered over both. */
  bind<O extends Operation>(operation: O, useCase: UseCase<O>): Run<O>;
  /** For jobs, commands of the CLI, tests: a transaction with listeners and pushes, without a caller. */
  transaction<T>(request: Request, work: (ctx: Context<null>) => Promise<T>): Promise<T>;
}

/** How long a caller waits; a procedure waits for providers too. What runs on may still be stored: outcome unknown. */
const LIMIT_MS = 4_500;
const PROCEDURE_LIMIT_MS = 30_000;

interface Parts extends TransactionParts {
  /** Spends one call of the actor's budget for this operation, or throws `rate_limited`. */
  limit: (operation: Operation, call: RawCall) => void | Promise<void>;
  tracing: Tracing;
}

/** The one road: access → limit → parse → transaction → use-case → listeners → commit → pushes. */
export function createExecutor(parts: Parts): Executor {
  const bound = new Map<Operation, Run<Operation>>();
  const transactions = createTransactions(parts);
  const isChecked = parts.config.NODE_ENV === 'test';

  function roadOf(operation: Operation, useCase: UseCase<Operation>): Run<Operation> {
    const { metrics, tracing } = parts;
    const run = runnerOf({ transactions, metrics, tracing }, operation, useCase);
    const name = nameOf(operation);
    const count = metrics.operation(name);
    const answer = async (call: RawCall, span: Span) => {
      const startedAt = performance.now();
      let result = 'ok';
      try {
        ensureAccess(operation, call);
        const limited = parts.limit(operation, call);
        if (limited) await limited;
        const input = parseInput(operation, call.raw);
        const output = await run(call, input);
        if (isChecked) ensureShape(operation.output, output, operation.summary);
        result = operation.countedAs?.(input, output) ?? 'ok';
        return output;
      } catch (error) {
        const told = asAppError(error);
        result = told.code;
        if (told.code === 'internal' || told.code === 'unavailable') span.fail(told.code);
        throw told;
      } finally {
        span.set({ 'parthub.result': result });
        count(result, (performance.now() - startedAt) / 1000);
      }
    };
    if (!tracing.isOn) return call => answer(call, silent);
    return call => tracing.span(name, spanOf(call), span => answer(call, span));
  }

  return {
    bind<O extends Operation>(operation: O, useCase: UseCase<O>): Run<O> {
      const road = bound.get(operation) ?? roadOf(operation, useCase as UseCase<Operation>);
      bound.set(operation, road);
      return road as Run<O>;
    },
    transaction: (request, work) => transactions.single({ ...request, actor: null }, ctx => work(ctx as Context<null>)),
  };
}

/** Over REST the request's own span stands above. */
function spanOf({ connection, requestId }: RawCall): SpanOptions {
  return { kind: connection ? 'server' : 'internal', attributes: { 'parthub.request_id': requestId } };
}

function ensureAccess({ access = 'user' }: Operation, { actor }: RawCall): void {
  if (!actor && (access === 'user' || access === 'staff')) throw new AppError('auth_required');
  if (access === 'staff' && !actor?.isStaff) throw new AppError('permission_denied');
}

type Runner = (call: RawCall, input: unknown) => Promise<unknown>;

interface Means {
  transactions: Transactions;
  metrics: Metrics;
  tracing: Tracing;
}

function runnerOf(means: Means, operation: Operation, useCase: UseCase<Operation>): Runner {
  const { transactions } = means;
  if (operation.kind === 'batch') {
    const commit = gather(means, operation, useCase as UseCase<Batch>);
    return (call, input) => commit.submit(jobOf(call, input, means.tracing.here()), call.arrivedAt);
  }
  const run = useCase as (ctx: unknown, input: unknown) => Promise<unknown>;
  if (operation.kind === 'query') return inTime(LIMIT_MS, (call, input) => run(transactions.reading(call), input));
  if (operation.kind === 'procedure')
    return inTime(PROCEDURE_LIMIT_MS, (call, input) => run(transactions.procedure(call), input));
  return inTime(LIMIT_MS, (call, input) =>
    transactions.single(call, async ctx => {
      const output = await run(ctx, input);
      await call.keep?.(ctx.em, output);
      return output;
    }),
  );
}

/** After the limit the outcome is unknown, and the caller may repeat. */
function inTime(limitMs: number, run: Runner): Runner {
  return (call, input) => {
    const waitedMs = call.arrivedAt === undefined ? 0 : performance.now() - call.arrivedAt;
    return within(Math.max(0, limitMs - waitedMs), run(call, input), refuseLate);
  };
}

type Job = Call<Input<Batch>> & { connection: string | undefined; cause: Place | undefined; call: RawCall };

function jobOf(call: RawCall, input: unknown, cause: Place | undefined): Job {
  const { actor, now, connection } = call;
  return { actor: actor!, input, now, connection, cause, call } as Job;
}

function gather(
  { transactions, metrics, tracing }: Means,
  operation: Batch,
  useCase: UseCase<Batch>,
): GroupCommit<Job, unknown> {
  const name = nameOf(operation);
  const count = metrics.batch(name);
  const isOneStatement = ({ input }: Job) => operation.oneStatement?.(input) ?? false;
  const runOf = (jobs: Job[]) => (jobs.every(isOneStatement) ? transactions.alone : transactions.shared);
  const once = (jobs: Job[]): Promise<Answer<unknown>[]> => {
    const causes = jobs.flatMap(({ cause }) => cause ?? []);
    const options = { causes, attributes: { 'parthub.batch.size': jobs.length } };
    return tracing.span(`${name} batch`, options, () => runOf(jobs)(jobs[0]!.now, ctx => useCase(ctx, jobs)));
  };
  const alone = async (job: Job): Promise<PromiseSettledResult<unknown>> =>
    once([job]).then(([answer]) => settled(answer), refused);
  return groupCommit<Job, unknown>({
    maxWaitMs: LIMIT_MS,
    refuse: () => new AppError('unavailable'),
    refusalOf: ({ call }) => (call.isRevoked ? new AppError('session_revoked') : null),
    lanes: [job => operation.lane(job.input), job => job.connection],
    run: async jobs => {
      try {
        const startedAt = performance.now();
        const answers = await once(jobs);
        count(jobs.length, (performance.now() - startedAt) / 1000);
        return answers.map(settled);
      } catch (error) {
        // While the database is away nobody fares better alone.
        if (jobs.length === 1 || isOutage(error)) return jobs.map(() => refused(error));
        // One poisonous call must not fail its neighbours: each again, alone and in order.
        const results: PromiseSettledResult<unknown>[] = [];
        for (const job of jobs) results.push(await alone(job));
        return results;
      }
    },
  });
}

const refused = (reason: unknown): PromiseRejectedResult => ({ status: 'rejected', reason });

function settled(answer: Answer<unknown>): PromiseSettledResult<unknown> {
  return answer instanceof AppError ? refused(answer) : { status: 'fulfilled', value: answer };
}

function nameOf({ socket, http, summary }: Operation): string {
  return socket ?? [http ?? summary].flat()[0]!;
}

function refuseLate(): never {
  throw new AppError('unavailable');
}

function parseInput(operation: Operation, raw: unknown): unknown {
  const parsed = operation.input.safeParse(raw ?? {});
  if (parsed.success) return parsed.data;
  throw new AppError('validation_failed', { fields: fieldsOf(parsed.error.issues, raw ?? {}) });
}
