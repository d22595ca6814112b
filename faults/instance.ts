import { freePort } from '../src/common/embedded-postgres/postmaster.ts';
import { startProxy, type TestProxy } from '../tests/support/proxy.ts';
import { startServerProcess } from '../tests/support/server-process.ts';
import type { Clock } from './clock.ts';

/** One of the servers, with networks of its own to PostgreSQL and Redis; it keeps its address. */
export interface Instance {
  url: string;
  database: TestProxy;
  redis: TestProxy;
  clock: Clock | null;
  /** kill -9. */
  kill(): Promise<void>;
  /** SIGTERM; the exit code. */
  stop(): Promise<number>;
  start(): Promise<void>;
  /** SIGSTOP. */
  pause(): void;
  resume(): void;
  /** Killed, stopped or paused by us: it need not answer. */
  isAway(): boolean;
  /** It has ended by itself. */
  hasEnded(): boolean;
  close(): Promise<void>;
}

export interface InstanceOptions {
  env: Record<string, string>;
  databaseUrl: string;
  redisUrl: string;
  clock: Clock | null;
  onLine(line: string): void;
}

export async function startInstance({ env, clock, onLine, ...urls }: InstanceOptions): Promise<Instance> {
  const [database, redis] = await Promise.all([startProxy(urls.databaseUrl), startProxy(urls.redisUrl)]);
  const port = await freePort();
  const all = { ...env, PORT: `${port}`, DATABASE_URL: database.url, REDIS_URL: redis.url, ...clock?.env };
  const start = () => startServerProcess(all, onLine);
  let server = await start();
  let isAway = false;
  return {
    ...{ url: server.url, database, redis, clock },
    kill() {
      isAway = true;
      return server.kill();
    },
    stop() {
      isAway = true;
      return server.stop();
    },
    async start() {
      server = await start();
      isAway = false;
    },
    pause() {
      isAway = true;
      process.kill(server.pid, 'SIGSTOP');
    },
    resume() {
      process.kill(server.pid, 'SIGCONT');
      isAway = false;
    },
    isAway: () => isAway,
    hasEnded: () => !isAway && server.hasExited(),
    async close() {
      isAway = true;
      await server.kill();
      await Promise.all([database.close(), redis.close()]);
    },
  };
}
