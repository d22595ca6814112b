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
  /** Channels that come and go in great numbers, with one listener for all whose names begin with `prefix`. */
  topics(prefix: string, listener: (topic: string) => void): Topics;
  /** Rises each time that what others told may have been missed. */
  interruptions(): number;
  /** What does not work at this moment, as clients are told. */
  degraded(): Degraded[];
  close(): Promise<void>;
}

export interface Topics {
  /** Resolves once nothing that is told of these topics is missed. */
  follow(topics: readonly string[]): Promise<void>;
  unfollow(topics: readonly string[]): void;
}

const alone: Cluster = {
  adapter: undefined,
  redis: undefined,
  isShared: false,
  subscribed: async () => {},
  publish: () => {},
  subscribe: () => {},
  topics: () => ({ follow: async () => {}, unfollow: () => {} }),
  interruptions: () => 0,
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
  // One that hangs is as good as away: without a limit each call that counts something would hang with it.
  const failing = { enableOfflineQueue: false, maxRetriesPerRequest: 1, commandTimeout: 2_000 };
  const publisher = new Redis(url, { ...shared, ...failing });
  const subscriber = new Redis(url, { ...shared, maxRetriesPerRequest: null });
  for (const [role, client] of [
    ['publisher', publisher],
    ['subscriber', subscriber],
  ] as const)
    client.on('error', error => log.warn({ role, err: error }, 'redis'));
  await Promise.race([firstReady(publisher, subscriber), new Promise(resolve => setTimeout(resolve, 2_000))]);
  let interruptions = 0;
  subscriber.on('close', () => {
    interruptions += 1;
  });
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
    topics: (prefix, listener) => followTopics(subscriber, prefix, listener),
    interruptions: () => interruptions,
    degraded: () => (isAway() ? ['cross_node', 'presence'] : []),
    async close() {
      publisher.disconnect();
      subscriber.disconnect();
    },
  };
}

function followTopics(subscriber: Redis, prefix: string, listener: (topic: string) => void): Topics {
  subscriber.on('message', from => from.startsWith(prefix) && listener(from.slice(prefix.length)));
  const channels = (topics: readonly string[]) => topics.map(topic => prefix + topic);
  return {
    follow: async topics => void (await subscriber.subscribe(...channels(topics))),
    unfollow: topics => void subscriber.unsubscribe(...channels(topics)).catch(() => {}),
  };
}

async function firstReady(...clients: Redis[]): Promise<void> {
  await Promise.all(
    clients.map(client => client.status === 'ready' || new Promise(resolve => client.once('ready', resolve))),
  );
}
