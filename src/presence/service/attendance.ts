import type { UseCase } from '../../common/context.ts';
import type { operations } from '../contract.ts';
import type { Lease, Leases } from './leases.ts';
import type { Times } from './times.ts';

/** A connection of this node; moments of its own clock, ms. */
interface Present extends Lease {
  activeUntil: number;
  /** What the store knows of that. */
  storedActiveUntil: number;
  renewAt: number;
}

export interface Attendance {
  arrive(lease: Lease): Promise<void>;
  ping: UseCase<typeof operations.ping>;
  leave(lease: Lease): Promise<void>;
  /** Renews the leases that are due, and those that could not be stored so far. */
  renew(): Promise<void>;
  /** The store may have lost them: all are due. */
  expire(): void;
  users(): Set<string>;
  has(connection: string): boolean;
}

interface Parts {
  leases: Leases;
  times: Times;
  isReachable: () => boolean;
  /** The store failed. */
  onFailure: (error: unknown) => void;
}

/**
 * Who is connected to this node, and active: a lease each, kept alive. What cannot be stored is stored by a renewal, and
 * what cannot be ended ends by itself.
 */
export function createAttendance({ leases, times, isReachable, onFailure }: Parts): Attendance {
  const present = new Map<string, Present>();

  async function hold(some: readonly Present[]): Promise<void> {
    const now = performance.now();
    const held = some.map(one => ({ one, activeUntil: one.activeUntil }));
    await leases.hold(
      held.map(({ one, activeUntil }) => ({ ...leaseOf(one), activeForMs: Math.max(0, activeUntil - now) })),
    );
    for (const { one, activeUntil } of held) {
      one.storedActiveUntil = activeUntil;
      // Leases that began together, after an outage, are renewed apart.
      one.renewAt = now + times.renew * (0.8 + 0.2 * Math.random());
    }
  }

  async function reach(work: () => Promise<void>): Promise<void> {
    if (isReachable()) await work().catch(onFailure);
  }

  return {
    async arrive(lease) {
      const activeUntil = performance.now() + times.active;
      const arrived: Present = { ...leaseOf(lease), activeUntil, storedActiveUntil: 0, renewAt: 0 };
      present.set(lease.connection, arrived);
      await reach(() => hold([arrived]));
    },
    async ping({ connection }, { active }) {
      const pinging = active && connection !== undefined ? present.get(connection) : undefined;
      if (!pinging) return {};
      const now = performance.now();
      pinging.activeUntil = now + times.active;
      // Activity is stored with the next renewal, unless what is stored ends before that.
      if (pinging.storedActiveUntil - now <= times.renew) await reach(() => hold([pinging]));
      return {};
    },
    async leave(lease) {
      present.delete(lease.connection);
      await reach(() => leases.end(lease));
    },
    async renew() {
      const now = performance.now();
      const due = [...present.values()].filter(one => one.renewAt <= now);
      if (due.length > 0) await reach(() => hold(due));
    },
    expire() {
      for (const one of present.values()) one.renewAt = 0;
    },
    users: () => new Set([...present.values()].map(one => one.userId)),
    has: connection => present.has(connection),
  };
}

const leaseOf = ({ userId, connection }: Lease): Lease => ({ userId, connection });
