import type { Redis, RedisOptions } from 'ioredis';
import type { Logger } from 'pino';
import { within } from './time.ts';

export type Degraded = 'cross_node' | 'presence';

/** What ties several instances together: nothing for one instance alone, Redis as soon as REDIS_URL is set. */
export interface Cluster {
  /** For what instances count together; fails at once while Redis is away. */
  redis: Redis | undefined;
  /** Other instances hear our pushes. */
  isShared: boolean;
  /** Resolves once all that was followed so far is heard; at once while Redis is away. */
  subscribed(): Promise<void>;
  /** Tells all other instances; lost while Redis is away. */
  publish(channel: string, message: string): void;
  /** The same for many channels in one call. */
  publishAll(messages: readonly (readonly [channel: string, message: string])[]): void;
  /** Whether any instance listens; false while Redis is away. */
  hasListeners(channel: string): Promise<boolean>;
  subscribe(channel: string, listener: (message: string) => void): void;
  /** Channels that come and go in great numbers, with one listener for all whose names begin with `prefix`. */
  topics(prefix: string, listener: (topic: string, message: string) => void): Topics;
  /** Rises each time that what others told may have been missed. */
  interruptions(): number;
  /** Rises each time that what was told to or by others may have been missed. */
  misses(): number;
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
  redis: undefined,
  isShared: false,
  subscribed: async () => {},
  publish: () => {},
  publishAll: () => {},
  hasListeners: async () => false,
  subscribe: () => {},
  topics: () => ({ follow: async () => {}, unfollow: () => {} }),
  interruptions: () => 0,
  misses: () => 0,
  degraded: () => [],
  close: async () => {},
};

const PROBE_EVERY_MS = 1_000;
/** Who has not answered for so long is away, though its connection stands (paused, half-open). */
const SILENCE_MS = 1_500;
/** Then the connection is given up: what waits on it fails, and a new one is tried. */
const GIVE_UP_MS = 4_000;

/** ARGV: channel, message, channel, message … */
const publishAllScript = `for i = 1, #ARGV, 2 do redis.call('PUBLISH', ARGV[i], ARGV[i + 1]) end`;

interface Scripts {
  publishToAll(keys: 0, ...messages: string[]): Promise<unknown>;
}

/**
 * The publisher fails at once while Redis is away, so that no send ever waits for it; the subscriber tries for ever.
 * (Without `error` listeners the process ends.)
 */
export async function joinCluster(url: string | undefined, log: Logger): Promise<Cluster> {
  if (url === undefined) return alone;
  const { Redis } = await import('ioredis');
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
  await within(2_000, firstReady(publisher, subscriber), goOn);
  let interruptions = 0;
  let losses = 0;
  const countLoss = () => {
    losses += 1;
  };
  subscriber.on('close', () => {
    interruptions += 1;
  });
  const watches = [publisher, subscriber].map(watchSilence);
  const isAway = () => watches.some(watch => watch.isSilent());
  publisher.defineCommand('publishToAll', { lua: publishAllScript });
  const scripts = publisher as unknown as Scripts;
  return {
    redis: publisher,
    isShared: true,
    async subscribed() {
      // Commands of one connection are answered in order: this answer says that the subscriptions before it hold.
      if (!isAway()) await within(SILENCE_MS, subscriber.ping().then(goOn, goOn), goOn);
    },
    publish: (channel, message) => void publisher.publish(channel, message).catch(() => {}),
    publishAll(messages) {
      // What is lost on its way to other instances is found by G6.
      if (isAway()) countLoss();
      else scripts.publishToAll(0, ...messages.flat()).catch(countLoss);
    },
    async hasListeners(channel) {
      if (isAway()) return false;
      const [, count] = (await publisher.pubsub('NUMSUB', channel).catch(() => [])) as [string?, number?];
      return (count ?? 0) > 0;
    },
    subscribe(channel, listener) {
      subscriber.on('message', (from, message) => from === channel && listener(message));
      void subscriber.subscribe(channel).catch(() => {});
    },
    topics: (prefix, listener) => followTopics(subscriber, prefix, listener),
    interruptions: () => interruptions,
    misses: () => interruptions + losses,
    degraded: () => (isAway() ? ['cross_node', 'presence'] : []),
    async close() {
      for (const watch of watches) watch.close();
      publisher.disconnect();
      subscriber.disconnect();
    },
  };
}

/** Without what was waited for. */
function goOn(): void {}

function followTopics(subscriber: Redis, prefix: string, listener: (topic: string, message: string) => void): Topics {
  subscriber.on('message', (from, message) => from.startsWith(prefix) && listener(from.slice(prefix.length), message));
  const channels = (topics: readonly string[]) => topics.map(topic => prefix + topic);
  return {
    follow: async topics => void (await subscriber.subscribe(...channels(topics))),
    unfollow: topics => void subscriber.unsubscribe(...channels(topics)).catch(() => {}),
  };
}

/** A paused or half-open Redis keeps its connections: only one that answers is there. */
function watchSilence(client: Redis): { isSilent(): boolean; close(): void } {
  let answeredAt = performance.now();
  const silenceMs = () => performance.now() - answeredAt;
  const heard = () => {
    answeredAt = performance.now();
  };
  client.on('ready', heard);
  const timer = setInterval(() => {
    if (client.status !== 'ready') return;
    if (silenceMs() > GIVE_UP_MS) client.disconnect(true);
    else client.ping().then(heard, () => {});
  }, PROBE_EVERY_MS).unref();
  return {
    isSilent: () => client.status !== 'ready' || silenceMs() > PROBE_EVERY_MS + SILENCE_MS,
    close: () => clearInterval(timer),
  };
}

function firstReady(...clients: Redis[]): Promise<unknown> {
  return Promise.all(
    clients.map(client => client.status === 'ready' || new Promise(resolve => client.once('ready', resolve))),
  );
}
