import type { Push } from '../announcements.ts';
import { newId } from '../ids.ts';
import type { Namespace } from '../operations.ts';
import type { Cluster } from '../redis.ts';
import { within } from '../time.ts';
import type { Audience } from './audience.ts';
import { eventPacket, frameOf, namespaceOfPacket } from './frames.ts';
import type { ClientSocket } from './handshake.ts';

/** Brings announcements to the sockets of their recipients. */
export interface Delivery {
  push: Push;
  /** Like `push`, to sockets of this instance alone. */
  pushHere: Push;
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
    for (const packet of packets) send(packet, audience.of(namespaceOfPacket(packet), userId));
  });

  /** The packets of each recipient, one a line: JSON has no line feed of its own. */
  function deliver(announcements: Parameters<Push>[0], elsewhere?: Map<string, string>): void {
    for (const { name, payload, to } of announcements) {
      const namespace = namespaceOf.get(name);
      if (!namespace || to.length === 0) continue;
      const recipients = [...new Set(to)];
      const sockets = recipients.flatMap(userId => [...audience.of(namespace, userId)]);
      if (sockets.length === 0 && !elsewhere) continue;
      const packet = eventPacket(namespace, name, payload);
      send(packet, sockets);
      for (const userId of elsewhere ? recipients : [])
        elsewhere!.set(userId, `${elsewhere!.get(userId) ?? me}\n${packet}`);
    }
  }

  return {
    pushHere: announcements => deliver(announcements),
    push(announcements) {
      if (!cluster.isShared) return deliver(announcements);
      const elsewhere = new Map<string, string>();
      deliver(announcements, elsewhere);
      if (elsewhere.size > 0) cluster.publishAll([...elsewhere].map(([userId, packets]) => [PREFIX + userId, packets]));
    },
    async follow(userId) {
      const followed = topics.follow([userId]).catch(() => {});
      if (cluster.degraded().length === 0) await within(FOLLOW_MS, followed, () => {});
    },
    unfollow: userId => topics.unfollow([userId]),
    isFollowed: userId => cluster.hasListeners(PREFIX + userId),
  };
}

function send(packet: string, sockets: Iterable<ClientSocket>): void {
  let options: object | undefined;
  for (const { conn } of sockets) {
    options ??= { wsPreEncodedFrame: [frameOf(packet)] };
    conn.write(packet, options);
  }
}
