import { Redis } from 'ioredis';
import { startRedis } from '../tests/support/redis.ts';

/** Redis, which keeps its port and nothing else. */
export interface OwnRedis {
  url: string;
  /** kill -9. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** SIGSTOP. */
  pause(): void;
  resume(): void;
  command(name: string, ...args: string[]): Promise<unknown>;
  close(): Promise<void>;
}

export async function startOwnRedis(): Promise<OwnRedis> {
  let redis = await startRedis();
  if (redis.pid === undefined) throw new Error('Redis must be one of its own, which may be killed: unset REDIS_URL');
  const { url } = redis;
  return {
    url,
    kill: () => redis.stop(),
    async start() {
      redis = await startRedis({ port: Number(new URL(url).port) });
    },
    pause: () => void process.kill(redis.pid!, 'SIGSTOP'),
    resume: () => void process.kill(redis.pid!, 'SIGCONT'),
    async command(name, ...args) {
      const client = new Redis(url);
      return client.call(name, ...args).finally(() => client.disconnect());
    },
    close: () => redis.stop(),
  };
}
