import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Context } from './context.ts';
import type { Executor } from './execute.ts';
import { newId } from './ids.ts';
import { type Boss, createTaskQueue, type Task, workOn } from './jobs/tasks.ts';
import { within } from './time.ts';

/** One transaction with listeners and pushes. */
export type Transact = <T>(work: (ctx: Context<null>) => Promise<T>) => Promise<T>;

interface Timed {
  name: string;
  /** Five fields, UTC. */
  cron: string;
}

interface Work {
  /** In one transaction. */
  work: (ctx: Context<null>) => Promise<unknown>;
}

interface Procedure {
  /** In transactions of its own, because it waits for others in between. */
  procedure: (transact: Transact) => Promise<unknown>;
}

/** Work that time asks for; run by one instance at a time. */
export type Job = Timed & (Work | Procedure);

export interface Piece<Data extends object> {
  data: Data;
  /** While a piece of the same key waits, no second one is taken. */
  key: string;
  afterMs?: number;
}

export interface Jobs {
  /** Runs a job now; for tests and operators. */
  run(name: string, now?: Date): Promise<unknown>;
  /** Before `start`: further jobs, and who does the pieces of a task. */
  schedule(job: Job): void;
  take<Data extends object>(task: Task<Data>): void;
  /**
   * Asks for pieces of a task. False where jobs do not run (the command line, an instance that begins or ends): nothing was
   * asked for, so what must not be lost is looked for by a job as well.
   */
  ask<Data extends object>(task: string, pieces: readonly Piece<Data>[]): Promise<boolean>;
  /**
   * Begins to run jobs by their times, as soon as the database lets it. Loaded and started after the server listens, so that
   * nobody waits for it.
   */
  start(databaseUrl: string): Promise<void>;
  /** Begins nothing more, and lets end what runs. Whoever stops waits for 3 s at most, whatever the database does. */
  stop(): Promise<void>;
}

const TRY_AGAIN_MS = 2_000;
const STOP_MS = 3_000;
/** What runs longer is given up, and done again by another instance. */
const FINISH_MS = 2_000;
/** `pg` by itself waits for ever. */
const timeouts = { connectionTimeoutMillis: 2_000, query_timeout: 30_000, keepAlive: true };

interface Parts {
  executor: Executor;
  log: Logger;
  /** Divides waiting times in tests. */
  timeScale: number;
}

export function createJobs(first: readonly Job[], { executor, log, timeScale }: Parts): Jobs {
  const jobs = [...first];
  // biome-ignore lint/suspicious/noExplicitAny: each task knows its own data
  const tasks: Task<any>[] = [];
  let boss: Boss | null = null;
  let isOpen = false;
  const stopping = new AbortController();
  const { signal } = stopping;
  const working = new Set<string>();

  async function run(name: string, now = new Date()): Promise<unknown> {
    const job = jobs.find(one => one.name === name);
    if (!job) throw new Error(`no job ${name}`);
    const request = { now, requestId: newId(), ip: '', userAgent: null };
    const transact: Transact = work => executor.transaction(request, work);
    const result = await ('work' in job ? transact(job.work) : job.procedure(transact));
    log.info({ job: name, result }, 'job done');
    return result;
  }

  /** May be repeated: only workers would be there twice. */
  async function begin(beginning: Boss): Promise<void> {
    const workOnce = async (name: string, work: () => Promise<unknown>) => {
      if (!working.has(name)) await work();
      working.add(name);
    };
    await beginning.start();
    for (const { name, cron } of jobs) {
      await beginning.createQueue(name);
      await beginning.schedule(name, cron);
      await workOnce(name, () => beginning.work(name, async () => void (await run(name))));
    }
    for (const task of tasks) {
      await createTaskQueue(beginning, task, timeScale);
      await workOnce(task.name, () => workOn(beginning, task, { log, timeScale }));
    }
  }

  return {
    run,
    schedule: job => void jobs.push(job),
    take: task => void tasks.push(task),
    async ask(task, pieces) {
      if (!boss || !isOpen) return false;
      const now = Date.now();
      const asked = pieces.map(({ data, key, afterMs = 0 }) => ({
        ...{ data, singletonKey: key },
        startAfter: new Date(now + afterMs),
      }));
      if (asked.length > 0) await boss.insert(task, asked);
      return true;
    },
    async start(databaseUrl) {
      const { PgBoss } = await import('pg-boss');
      boss = new PgBoss({ connectionString: databaseUrl, max: 2, useListenNotify: true, ...timeouts });
      boss.on('error', error => log.warn({ err: error }, 'jobs'));
      while (!isOpen && !signal.aborted)
        try {
          await begin(boss);
          isOpen = !signal.aborted;
        } catch (error) {
          log.warn({ err: error }, 'jobs not started yet');
          await pause(TRY_AGAIN_MS / timeScale, null, { signal, ref: false }).catch(() => {});
        }
    },
    async stop() {
      stopping.abort();
      const stopped = boss?.stop({ timeout: FINISH_MS }).catch(error => log.warn({ err: error }, 'jobs not stopped'));
      await within(STOP_MS, Promise.resolve(stopped), () => {});
      isOpen = false;
    },
  };
}
