import type { Logger } from 'pino';
import type { Context } from './context.ts';
import type { Executor } from './execute.ts';
import { newId } from './ids.ts';

/** One transaction with listeners and pushes. */
export type Transact = <T>(work: (ctx: Context<null>) => Promise<T>) => Promise<T>;

/** Work that time asks for; run by one instance at a time. */
export type Job = {
  name: string;
  /** Five fields, UTC. */
  cron: string;
} & (
  | { /** In one transaction. */ work: (ctx: Context<null>) => Promise<unknown> }
  | {
      /** In transactions of its own, because it waits for others in between. */ procedure: (
        transact: Transact,
      ) => Promise<unknown>;
    }
);

/** Work that somebody asks for: every piece is done by one instance, and again after growing pauses while it fails. */
export interface Task<Data extends object> {
  name: string;
  /** Outside of any transaction: it may wait for others. */
  work: (data: Data) => Promise<void>;
  /** Pieces that an instance works on at the same time. */
  parallel: number;
  retries: number;
}

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
   * Asks for pieces of a task. Where jobs do not run (the command line) nothing is asked for, so what must not be lost is
   * looked for by a job as well.
   */
  ask<Data extends object>(task: string, pieces: readonly Piece<Data>[]): Promise<void>;
  /** Begins to run jobs by their times. Loaded and started after the server listens, so that nobody waits for it. */
  start(databaseUrl: string): Promise<void>;
  stop(): Promise<void>;
}

type Boss = InstanceType<typeof import('pg-boss').PgBoss>;

/** A piece that was lost with its instance is done again after this time. */
const EXPIRE_SEC = 60;
const FIRST_PAUSE_SEC = 5;
const KEPT_SEC = 3_600;

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

  async function run(name: string, now = new Date()): Promise<unknown> {
    const job = jobs.find(one => one.name === name);
    if (!job) throw new Error(`no job ${name}`);
    const request = { now, requestId: newId(), ip: '', userAgent: null };
    const transact: Transact = work => executor.transaction(request, work);
    const result = await ('work' in job ? transact(job.work) : job.procedure(transact));
    log.info({ job: name, result }, 'job done');
    return result;
  }

  return {
    run,
    schedule: job => void jobs.push(job),
    take: task => void tasks.push(task),
    async ask(task, pieces) {
      if (!boss || !isOpen || pieces.length === 0) return;
      const now = Date.now();
      await boss.insert(
        task,
        pieces.map(({ data, key, afterMs = 0 }) => ({
          ...{ data, singletonKey: key },
          startAfter: new Date(now + afterMs),
        })),
      );
    },
    async start(databaseUrl) {
      const { PgBoss } = await import('pg-boss');
      const starting = new PgBoss({ connectionString: databaseUrl, max: 2, useListenNotify: true });
      boss = starting;
      starting.on('error', error => log.warn({ err: error }, 'jobs'));
      await starting.start();
      for (const { name, cron } of jobs) {
        await starting.createQueue(name);
        await starting.schedule(name, cron);
        await starting.work(name, async () => void (await run(name)));
      }
      for (const task of tasks) await workOn(starting, task, { log, timeScale });
      isOpen = true;
    },
    async stop() {
      isOpen = false;
      await boss?.stop({ graceful: false });
    },
  };
}

async function workOn<Data extends object>(
  boss: Boss,
  task: Task<Data>,
  { log, timeScale }: Pick<Parts, 'log' | 'timeScale'>,
): Promise<void> {
  const scaledSec = (sec: number, least: number) => Math.max(least, Math.round(sec / timeScale));
  const everySec = scaledSec(1, 0.5);
  await boss.createQueue(task.name, {
    policy: 'short', // one that waits per key
    notify: true, // what need not wait begins at once, the rest is looked for once a second
    ...{ retryLimit: task.retries, retryDelay: scaledSec(FIRST_PAUSE_SEC, 1), retryBackoff: true },
    ...{ expireInSeconds: EXPIRE_SEC, deleteAfterSeconds: KEPT_SEC },
  });
  const settings = {
    ...{ batchSize: task.parallel, burstWhenBatchFull: true, perJobResults: true as const },
    ...{ pollingIntervalSeconds: everySec, notifyPollingIntervalSeconds: everySec },
  };
  await boss.work<Data>(task.name, settings, pieces =>
    Promise.all(
      pieces.map(async ({ id, data }) => {
        try {
          await task.work(data);
          return { id, status: 'completed' as const };
        } catch (error) {
          log.warn({ task: task.name, err: error }, 'task failed');
          return { id, status: 'failed' as const, output: { message: String(error) } };
        }
      }),
    ),
  );
}
