import { type Leases, type OnChange, type Sighting, statusOf } from './leases.ts';
import type { Times } from './times.ts';

interface Held {
  /** When each connection's lease ends. */
  ends: Map<string, number>;
  activeUntil: number;
}

/** For a single process. */
export function memoryLeases(times: Times, onChange: OnChange): Leases {
  const users = new Map<string, Held>();
  const followed = new Set<string>();
  let sweptAt = Date.now();

  const sightingOf = ({ ends, activeUntil }: Held): Sighting => ({
    endsAt: Math.max(0, ...ends.values()),
    activeUntil,
  });
  const tell = (userId: string) => followed.has(userId) && onChange(userId);

  function sweep(now: number): void {
    if (now - sweptAt < times.keep) return;
    sweptAt = now;
    for (const [userId, held] of users) if (sightingOf(held).endsAt < now - times.keep) users.delete(userId);
  }

  return {
    async hold(leases) {
      const now = Date.now();
      sweep(now);
      for (const { userId, connection, activeForMs } of leases) {
        const held = users.get(userId) ?? { ends: new Map(), activeUntil: 0 };
        const before = statusOf(sightingOf(held), now, times);
        for (const [other, endsAt] of held.ends) if (endsAt < now - times.grace) held.ends.delete(other);
        held.ends.set(connection, now + times.lease);
        held.activeUntil = Math.max(held.activeUntil, now + activeForMs);
        users.set(userId, held);
        if (statusOf(sightingOf(held), now, times) !== before) tell(userId);
      }
    },
    async end({ userId, connection }) {
      const now = Date.now();
      const held = users.get(userId);
      const endsAt = held?.ends.get(connection);
      if (!held || endsAt === undefined || endsAt < now) return;
      held.ends.set(connection, now);
      if (sightingOf(held).endsAt <= now) tell(userId);
    },
    async look(userIds) {
      const held = userIds.flatMap(id => (users.has(id) ? [[id, sightingOf(users.get(id)!)] as const] : []));
      return { now: Date.now(), sightings: new Map(held) };
    },
    async follow(userIds) {
      for (const id of userIds) followed.add(id);
    },
    unfollow(userIds) {
      for (const id of userIds) followed.delete(id);
    },
    epoch: async () => '',
  };
}
