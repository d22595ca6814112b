import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Cluster } from './embedded-postgres/cluster.ts';
import { findRunning, hasExited, stopPostmaster } from './embedded-postgres/postmaster.ts';
import { type Attached, attachOrStart, urlOf } from './embedded-postgres/start.ts';

const WATCH_MS = 200;
const RETRY_MS = 1000;

export type EmbeddedPostgresOptions = {
  /** The folder of the cluster; made when missing. Files beside it with its name and a suffix are the launcher's too. */
  dataDir: string;
  /** Server settings (postgresql.conf names), on top of the launcher's own. They do not change a server that already runs. */
  settings?: Record<string, string>;
  /** Gets what the server writes to its log, line by line. */
  log?: (line: string) => void;
};

export type EmbeddedPostgres = {
  /** postgres:// of the database `parthub`, with the password. */
  url: string;
  /** False while a server that another process started on the folder is used. */
  readonly owned: boolean;
  /** Ends the server if this process owns it, and waits until it has ended. */
  stop(): Promise<void>;
};

/**
 * Starts the real PostgreSQL of the npm package on a folder, or uses the server that already runs there.
 * The server ends when the process that owns it ends, however that happens; whoever still uses it then starts it again, on
 * the same port, as after a crash of the server. Only the main thread may call this.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { dataDir, settings = {}, log = () => {} } = options;
  const cluster = { dataDir: resolve(dataDir), settings, log };
  const use: Use = { attached: await attachOrStart(cluster), isStopping: false };
  const endWithProcess = () => use.attached.child?.kill('SIGINT');
  process.once('exit', endWithProcess);
  keepRunning(cluster, use);
  return {
    url: await urlOf(cluster, use.attached.port),
    get owned() {
      return use.attached.child !== undefined;
    },
    async stop() {
      use.isStopping = true;
      await use.starting;
      process.off('exit', endWithProcess);
      if (use.attached.child) await stopPostmaster(use.attached.child);
    },
  };
}

type Use = { attached: Attached; isStopping: boolean; starting?: Promise<void> };

/** Without it a command that happened to start the server would take it away from the one that came second. */
async function keepRunning(cluster: Cluster, use: Use): Promise<void> {
  while (!use.isStopping) {
    await pause(WATCH_MS, undefined, { ref: false });
    if (use.isStopping || !(await hasEnded(cluster, use.attached))) continue;
    cluster.log('The server has ended; it is started again.');
    use.starting = restart(cluster, use);
    await use.starting;
  }
}

async function hasEnded({ dataDir }: Cluster, { pid, child }: Attached): Promise<boolean> {
  return child ? hasExited(child) : (await findRunning(dataDir))?.pid !== pid;
}

async function restart(cluster: Cluster, use: Use): Promise<void> {
  try {
    use.attached = await attachOrStart(cluster);
  } catch (error) {
    cluster.log((error as Error).message);
    await pause(RETRY_MS); // a full disk may have room again
  }
}
