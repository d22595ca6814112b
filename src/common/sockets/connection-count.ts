import type { Config } from '../../config.ts';
import type { Budgets } from '../budgets.ts';
import { AppError } from '../errors.ts';
import { relaxed } from '../limits.ts';
import { handshakeLimit, sessionLimits } from '../session.ts';
import type { Connection } from './connections.ts';
import type { Delivery } from './delivery.ts';
import type { Elsewhere } from './elsewhere.ts';

export interface ConnectionCount {
  /**
   * Counts a connection once, however many namespaces it joins, until it closes; its user hears other instances then.
   * Throws too_many_connections, or rate_limited when one user makes new ones too often.
   */
  take(userId: string, connection: Connection): Promise<void>;
  /** Whether the user has one here. */
  has(userId: string): boolean;
}

/** So many connections of a user over all instances; while these do not hear each other, on each of them. */
export function createConnectionCount(
  config: Config,
  budgets: Budgets,
  elsewhere: Elsewhere,
  delivery: Pick<Delivery, 'follow' | 'unfollow'>,
): ConnectionCount {
  const max = relaxed(config, sessionLimits.connections);
  const byUser = new Map<string, Set<Connection>>();
  /** Its namespaces are joined at the same moment: all of them wait for the one answer. */
  const taken = new WeakMap<Connection, Map<string, Promise<void>>>();

  const tooMany = () => new AppError('too_many_connections', { max, retry_after_ms: 5_000 });

  function forget(userId: string, connection: Connection): void {
    const open = byUser.get(userId);
    if (!open?.delete(connection)) return;
    if (open.size === 0) {
      byUser.delete(userId);
      delivery.unfollow(userId);
    }
    elsewhere.tell(userId, open.size);
  }

  async function count(userId: string, connection: Connection): Promise<void> {
    const { isRefused, retryAfterMs } = budgets.spend(handshakeLimit, userId);
    if (isRefused) throw new AppError('rate_limited', { retry_after_ms: retryAfterMs });
    // Nobody would tell of its end any more: it would be counted for ever.
    if (connection.readyState !== 'open') throw new AppError('server_busy', { retry_after_ms: 1_000 });
    const open = byUser.get(userId) ?? new Set();
    if (open.size >= max) throw tooMany();
    byUser.set(userId, open.add(connection));
    connection.once('close', () => forget(userId, connection));
    const [isAdmitted] = await Promise.all([elsewhere.admit(userId, open.size, max), delivery.follow(userId)]);
    if (isAdmitted) return;
    forget(userId, connection);
    throw tooMany();
  }

  elsewhere.start(() => [...byUser].map(([userId, open]) => [userId, open.size]));
  return {
    has: userId => byUser.has(userId),
    take(userId, connection) {
      const users = taken.get(connection) ?? new Map<string, Promise<void>>();
      const known = users.get(userId);
      if (known) return known;
      const counted = count(userId, connection).catch(error => {
        users.delete(userId);
        throw error;
      });
      taken.set(connection, users.set(userId, counted));
      return counted;
    },
  };
}
