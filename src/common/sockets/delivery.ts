import type { Announcement, Push } from '../announcements.ts';
import { newId } from '../ids.ts';
import type { Namespace } from '../operations.ts';
import type { Cluster } from '../redis.ts';
import { within } from '../time.ts';
import type { Audience } from './audience.ts';
import { eventPacket, namespaceOfPacket } from './frames.ts';
import type { ClientSocket } from './handshake.ts';

/** Brings announcements to the sockets of their recipients. */
export interface Delivery {
  push: Push;
  /** To sockets of this instance alone, in this namespace. */
  pushHere(namespace: Namespace, announcements: readonly Announcement[]): void;
  /** Resolves once this user, who is here, hears other instances too; at once while Redis is away. */
  follow(userId: string): Promise<void>;
  unfollow(userId: string): void;
  /** Whether any instance follows this user. Asks Redis, so it is nothing for the path of a request. */
  isFollowed(userId: string): Promise<boolean>;
}

const PREFIX = 'parthub:user:';
const FOLLOW_MS = 1_500;

/**
 * Packets are written once, whoever hears them: Socket.IO's own way to a room was half the work of a push. Other instances
 * hear of all that one commit announced by one call of Redis, on a channel for each user, so that only those listen who
 * have that user.
 */
export function createDelivery(
  audience: Audience,
  namespaceOf: ReadonlyMap<string, Namespace>,
  cluster: Cluster,
): Delivery {
  const me = newId();
  const topics = cluster.topics(PREFIX, (userId, message) => {
    const [from, ...packets] = message.split('\n');
    if (from === me) return;
    for (const text of packets) send(writable(text), audience.of(namespaceOfPacket(text), userId));
  });

  /** `elsewhere` gets the packets of each recipient, one a line: JSON has no line feed of its own. */
  function deliver(
    namespace: Namespace | undefined,
    { name, payload, to }: Announcement,
    elsewhere?: Map<string, string>,
  ): void {
    if (!namespace) return;
    let packet: Packet | undefined;
    for (const userId of distinct(to)) {
      if (!elsewhere && !audience.has(namespace, userId)) continue;
      packet ??= writable(eventPacket(namespace, name, payload));
      send(packet, audience.of(namespace, userId));
      elsewhere?.set(userId, `${elsewhere.get(userId) ?? me}\n${packet.text}`);
    }
  }

  return {
    pushHere(namespace, announcements) {
      for (const one of announcements) deliver(namespace, one);
    },
    push(announcements) {
      const elsewhere = cluster.isShared ? new Map<string, string>() : undefined;
      for (const one of announcements) deliver(namespaceOf.get(one.name), one, elsewhere);
      if (elsewhere?.size) cluster.publishAll([...elsewhere].map(([userId, packets]) => [PREFIX + userId, packets]));
    },
    async follow(userId) {
      const followed = topics.follow([userId]).catch(() => {});
      if (cluster.degraded().length === 0) await within(FOLLOW_MS, followed, () => {});
    },
    unfollow: userId => topics.unfollow([userId]),
    isFollowed: userId => cluster.hasListeners(PREFIX + userId),
  };
}

/** Most pushes have two recipients, or one. */
function distinct(userIds: readonly string[]): Iterable<string> {
  return userIds.length < 2 || (userIds.length === 2 && userIds[0] !== userIds[1]) ? userIds : new Set(userIds);
}

/** For all who hear it: what it is written with is kept in its options. */
interface Packet {
  text: string;
  options: object;
}

const writable = (text: string): Packet => ({ text, options: {} });

function send({ text, options }: Packet, sockets: Iterable<ClientSocket>): void {
  for (const { conn } of sockets) conn.write(text, options);
}
