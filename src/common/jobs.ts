import type { Logger } from 'pino';
import type { Context } from './context.ts';
import type { Executor } from './execute.ts';
import { newId } from './ids.ts';

/** Work that time asks for; run by one instance at a time, in one transaction with listeners and pushes. */
export interface Job {
  name: string;
  /** Five fields, UTC. */
  cron: string;
  work: (ctx: Context<null>) => Promise<unknown>;
}

export interface Jobs {
  /** Runs a job now; for tests and operators. */
  run(name: string, now?: Date): Promise<unknown>;
  /** Begins to run jobs by their times. Loaded and started after the server listens, so that nobody waits for it. */
  start(databaseUrl: string): Promise<void>;
  stop(): Promise<void>;
}

export function createJobs(jobs: readonly Job[], executor: Executor, log: Logger): Jobs {
  let stopBoss = async () => {};

  async function run(name: string, now = new Date()): Promise<unknown> {
    const job = jobs.find(one => one.name === name);
    if (!job) throw new Error(`no job ${name}`);
    const result = await executor.transaction({ now, requestId: newId(), ip: '', userAgent: null }, job.work);
    log.info({ job: name, result }, 'job done');
    return result;
  }

  return {
    run,
    async start(databaseUrl) {
      const { PgBoss } = await import('pg-boss');
      const boss = new PgBoss({ connectionString: databaseUrl, max: 2 });
      boss.on('error', error => log.warn({ err: error }, 'jobs'));
      stopBoss = () => boss.stop({ graceful: false });
      await boss.start();
      for (const { name, cron } of jobs) {
        await boss.createQueue(name);
        await boss.schedule(name, cron);
        await boss.work(name, async () => void (await run(name)));
      }
    },
    stop: () => stopBoss(),
  };
}
