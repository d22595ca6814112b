import type { Logger } from 'pino';

export type Boss = InstanceType<typeof import('pg-boss').PgBoss>;

/** Work that somebody asks for: every piece is done by one instance, and again after growing pauses while it fails. */
export interface Task<Data extends object> {
  name: string;
  /** Outside of any transaction: it may wait for others. */
  work: (data: Data) => Promise<void>;
  /** Pieces that an instance works on at the same time. */
  parallel: number;
  retries: number;
}

/** A piece that was lost with its instance is done again after this time. */
const EXPIRE_SEC = 60;
const FIRST_PAUSE_SEC = 5;
const KEPT_SEC = 3_600;

const scaledSec = (sec: number, least: number, timeScale: number) => Math.max(least, Math.round(sec / timeScale));

export function createTaskQueue(
  boss: Boss,
  { name, retries }: Pick<Task<object>, 'name' | 'retries'>,
  timeScale: number,
): Promise<void> {
  return boss.createQueue(name, {
    policy: 'short', // one that waits per key
    notify: true, // what need not wait begins at once, the rest is looked for once a second
    ...{ retryLimit: retries, retryDelay: scaledSec(FIRST_PAUSE_SEC, 1, timeScale), retryBackoff: true },
    ...{ expireInSeconds: EXPIRE_SEC, deleteAfterSeconds: KEPT_SEC },
  });
}

export async function workOn<Data extends object>(
  boss: Boss,
  task: Task<Data>,
  { log, timeScale }: { log: Logger; timeScale: number },
): Promise<void> {
  const everySec = scaledSec(1, 0.5, timeScale);
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
