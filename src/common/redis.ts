import { createShardedAdapter } from '@socket.io/redis-adapter';
import { Redis, type RedisOptions } from 'ioredis';
import type { Logger } from 'pino';
import type { ServerOptions } from 'socket.io';

export type Degraded = 'cross_node' | 'presence';

/** What ties several instances together: nothing for one instance alone, Redis as soon as REDIS_URL is set. */
export interface Cluster {
  adapter: ServerOptions['adapter'] | undefined;
  /** For what instances count together; fails at once while Redis is away. */
  redis: Redis | undefined;
  /** Other instances hear our pushes. */
  isShared: boolean;
  /** Resolves once the rooms joined so far hear other nodes too; at once while Redis is away. */
  subscribed(): Promise<void>;
  /** Tells all other instances; lost while Redis is away. */
  publish(channel: string, message: string): void;
  subscribe(channel: string, listener: (message: string) => void): void;
  /** What does not work at this moment, as clients are told. */
  degraded(): Degraded[];
  close(): Promise<void>;
}

const alone: Cluster = {
  adapter: undefined,
  redis: undefined,
  isShared: false,
  subscribed: async () => {},
  publish: () => {},
  subscribe: () => {},
  degraded: () => [],
  close: async () => {},
};

/**
 * The publisher fails at once while Redis is away, so that no send ever waits for it; the subscriber tries for ever.
 * (With an offline queue local delivery stalls for the whole outage; without `error` listeners the process ends.)
 */
export async function joinCluster(url: string | undefined, log: Logger): Promise<Cluster> {
  if (url === undefined) return alone;
  const shared: RedisOptions = { retryStrategy: times => Math.min(times * 100, 1_000), connectTimeout: 2_000 };
  const publisher = new Redis(url, { ...shared, enableOfflineQueue: false, maxRetriesPerRequest: 1 });
  const subscriber = new Redis(url, { ...shared, maxRetriesPerRequest: null });
  for (const [role, client] of [
    ['publisher', publisher],
    ['subscriber', subscriber],
  ] as const)
    client.on('error', error => log.warn({ role, err: error }, 'redis'));
  await Promise.race([firstReady(publisher, subscriber), new Promise(resolve => setTimeout(resolve, 2_000))]);
  const isAway = () => publisher.status !== 'ready' || subscriber.status !== 'ready';
  return {
    adapter: createShardedAdapter(publisher, subscriber, { subscriptionMode: 'dynamic' }),
    redis: publisher,
    isShared: true,
    async subscribed() {
      // Commands of one connection are answered in order: this answer says that the subscriptions before it hold.
      if (!isAway()) await subscriber.ping().catch(() => {});
    },
    publish: (channel, message) => void publisher.publish(channel, message).catch(() => {}),
    subscribe(channel, listener) {
      subscriber.on('message', (from, message) => from === channel && listener(message));
      void subscriber.subscribe(channel).catch(() => {});
    },
    degraded: () => (isAway() ? ['cross_node', 'presence'] : []),
    async close() {
      publisher.disconnect();
      subscriber.disconnect();
    },
  };
}

async function firstReady(...clients: Redis[]): Promise<void> {
  await Promise.all(
    clients.map(client => client.status === 'ready' || new Promise(resolve => client.once('ready', resolve))),
  );
}
