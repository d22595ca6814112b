import type { Cluster } from '../../common/redis.ts';
import type { Status } from '../contract.ts';
import { memoryLeases } from './memory-leases.ts';
import { redisLeases } from './redis-leases.ts';
import type { Times } from './times.ts';

/** A connection of a user is there. */
export interface Lease {
  userId: string;
  connection: string;
}

/** Until when a user is connected and active, on whatever device; in the store's own time, ms since 1970. */
export interface Sighting {
  /** When the last lease ends, or has ended. */
  endsAt: number;
  activeUntil: number;
}

export interface Look {
  now: number;
  /** Who is missing was not there for at least 10 min. */
  sightings: ReadonlyMap<string, Sighting>;
}

/**
 * Who is connected, on all nodes. Nobody has to announce what time brings about: whoever watches a user looks again when
 * what was last seen of them ends. So a node that dies leaves no ghosts, and renewals are told to nobody.
 */
export interface Leases {
  /** Begins or prolongs leases; `activeForMs`: so much longer the user counts as active. */
  hold(leases: readonly (Lease & { activeForMs: number })[]): Promise<void>;
  /** Ends a lease now. */
  end(lease: Lease): Promise<void>;
  look(userIds: readonly string[]): Promise<Look>;
  /** From when this resolves on, what nobody could foresee of these users is told to `onChange`. */
  follow(userIds: readonly string[]): Promise<void>;
  unfollow(userIds: readonly string[]): void;
  /** Another one than before: leases may be lost and changes unheard. null: the store is away. */
  epoch(): Promise<string | null>;
}

export type OnChange = (userId: string) => void;

export function createLeases(cluster: Cluster, times: Times, onChange: OnChange): Leases {
  return cluster.redis
    ? redisLeases({ cluster, redis: cluster.redis, times, onChange })
    : memoryLeases(times, onChange);
}

export function statusOf({ endsAt, activeUntil }: Sighting, now: number, { grace }: Pick<Times, 'grace'>): Status {
  if (now >= endsAt + grace) return 'offline';
  return now < activeUntil ? 'online' : 'away';
}

/** How long the status stays as it is if nothing happens, ms. */
export function lastsFor(sighting: Sighting, now: number, times: Pick<Times, 'grace'>): number {
  const status = statusOf(sighting, now, times);
  if (status === 'offline') return Number.POSITIVE_INFINITY;
  const offlineAt = sighting.endsAt + times.grace;
  return (status === 'online' ? Math.min(sighting.activeUntil, offlineAt) : offlineAt) - now;
}
