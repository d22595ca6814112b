import type { EntityManager } from '@mikro-orm/postgresql';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { Announcement, Listeners, Push } from './announcements.ts';
import type { Actor, Context, Emit, ProcedureContext, Request, SharedContext } from './context.ts';
import { isRetryable, isTaken, type Orm, statementPool } from './database.ts';
import type { Metrics } from './metrics.ts';
import type { EventDeclaration } from './operations.ts';
import { ensureShape } from './shapes.ts';
import type { Slots } from './slots.ts';
import { runAlone } from './statements.ts';

export interface TransactionParts {
  orm: Orm;
  config: Config;
  log: Logger;
  listeners: Listeners;
  slots: Slots;
  push: Push;
  metrics: Metrics;
}

interface Caller extends Request {
  actor: Actor | null;
  keep?: ((em: EntityManager, output: unknown) => Promise<void>) | undefined;
}

/** The contexts of the four kinds of operation, and the transaction that three of them run in. */
export interface Transactions {
  /** For queries: no transaction, nothing may be announced. */
  reading(call: Caller): Context<Actor | null>;
  /** For procedures: opens transactions of its own. */
  procedure(call: Caller): ProcedureContext<Actor | null>;
  /** One transaction for one caller. */
  single<T>(call: Caller, work: (ctx: Context<Actor | null>) => Promise<T>): Promise<T>;
  /** One transaction for many callers. */
  shared<T>(now: Date, work: (ctx: SharedContext) => Promise<T>): Promise<T>;
  /** Many callers whose work is one statement: no transaction is opened around it. */
  alone<T>(now: Date, work: (ctx: SharedContext) => Promise<T>): Promise<T>;
}

const MAX_TRIES = 3;

export function createTransactions(parts: TransactionParts): Transactions {
  const { config, log, slots } = parts;

  function sharedContext(em: EntityManager, now: Date, emit: Emit): SharedContext {
    const slot: SharedContext['slot'] = (one, ids) => slots.read(one, { em, now }, ids);
    return { em, now, config, log, emit, slot, parts: slots.parts };
  }

  function contextOf(call: Caller, em: EntityManager, emit: Emit): Context<Actor | null> {
    const { now, requestId, ip, userAgent, locale, connection, reportLimit, actor } = call;
    const within = (other: EntityManager) => contextOf(call, other, emit);
    return {
      ...sharedContext(em, now, emit),
      requestId,
      ip,
      userAgent,
      locale,
      connection,
      reportLimit,
      actor,
      within,
    };
  }

  function tell(announced: readonly Announcement[], now: Date): void {
    const events = announced.filter(one => !one.isFact);
    if (events.length > 0) {
      parts.push(events);
      parts.metrics.pushed(events.length, (Date.now() - now.getTime()) / 1000);
    }
    parts.listeners.committed(announced);
  }

  /** Listeners run before the commit, pushes after it. */
  function transact<T>(now: Date, work: (em: EntityManager, emit: Emit) => Promise<T>): Promise<T> {
    return again(async () => {
      const announced: Announcement[] = [];
      const result = await parts.orm.em.fork().transactional(async fork => {
        const em = fork as EntityManager;
        const emit = recordInto(announced, config.NODE_ENV === 'test');
        const done = await work(em, emit);
        await parts.listeners.settle(announced, sharedContext(em, now, emit));
        return done;
      });
      tell(announced, now);
      return result;
    });
  }

  /** Of all batches that are one statement: plain SQL needs no identity map of its own. */
  const statements = parts.orm.em.fork() as EntityManager;
  runAlone(statements, statementPool(parts.orm));

  /** The one statement of `work` is a transaction by itself. */
  function transactAlone<T>(now: Date, work: (ctx: SharedContext) => Promise<T>): Promise<T> {
    return again(async () => {
      const announced: Announcement[] = [];
      const result = await work(sharedContext(statements, now, recordInto(announced, config.NODE_ENV === 'test')));
      parts.listeners.ensureNoneInside(announced);
      tell(announced, now);
      return result;
    });
  }

  const reading: Transactions['reading'] = call => contextOf(call, parts.orm.em.fork() as EntityManager, refuseToEmit);
  const single: Transactions['single'] = (call, work) =>
    transact(call.now, (em, emit) => work(contextOf(call, em, emit)));
  return {
    reading,
    single,
    procedure(call) {
      const { emit: _, within: __, ...ctx } = reading(call);
      const keep: ProcedureContext['keep'] = async ({ em }, output) => call.keep?.(em, output);
      return { ...ctx, transaction: work => single(call, work), keep };
    },
    shared: (now, work) => transact(now, (em, emit) => work(sharedContext(em, now, emit))),
    alone: transactAlone,
  };
}

/**
 * After what is retryable, of which nothing is stored; once after another was faster to store what has to
 * be unique: that is seen now.
 */
async function again<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      const mayHelp = isRetryable(error) ? tries < MAX_TRIES : tries === 1 && isTaken(error);
      if (!mayHelp) throw error;
    }
  }
}

function recordInto(announced: Announcement[], isChecked: boolean): Emit {
  return (
    event: EventDeclaration | { name: string; fact: true },
    payload: unknown,
    recipients?: { to: readonly string[] },
  ) => {
    const isFact = 'fact' in event;
    if (isChecked && !isFact) ensureShape(event.schema, payload, event.name);
    announced.push({ name: event.name, payload, to: recipients?.to ?? [], isFact });
  };
}

function refuseToEmit(): never {
  throw new Error('emit needs a transaction');
}
