import { facts as accounts } from './accounts/contract.ts';
import { facts as billing } from './billing/contract.ts';
import type { Listeners } from './common/announcements.ts';
import type { Metrics } from './common/metrics.ts';
import type { Cluster } from './common/redis.ts';
import type { SocketDoor } from './common/sockets.ts';

/** What modules announce is counted once it is committed. */
export function countFacts(metrics: Metrics, listeners: Listeners): void {
  const requested = metrics.count('codes_requested_total', 'Codes asked for: sent, or why not.', ['purpose', 'result']);
  listeners.afterCommit(accounts.codeRequested, ({ purpose, outcome }) => requested({ purpose, result: outcome }));
  const taken = metrics.count('codes_taken_total', 'Codes that a driver took to bring them.', ['driver']);
  listeners.afterCommit(accounts.codeTaken, taken);
  const tried = metrics.count('codes_tried_total', 'Codes given back: verified or wrong.', ['purpose', 'result']);
  listeners.afterCommit(accounts.codeTried, ({ purpose, outcome }) => tried({ purpose, result: outcome }));
  const moved = metrics.count('subscriptions_moved_total', 'Subscriptions by their change of state.', ['from', 'to']);
  listeners.afterCommit(billing.subscriptionMoved, moved);
}

interface Watched {
  cluster: Cluster;
  sockets: SocketDoor;
  pools: () => Record<string, number>;
}

/** What is asked for when the metrics are read. */
export function watchState(metrics: Metrics, { cluster, sockets, pools }: Watched): void {
  metrics.watch('connections', 'Open connections, and sockets of each namespace.', 'of', sockets.counts);
  metrics.watch('database_connections', 'Database connections by what they do.', 'state', pools);
  metrics.watch('degraded', '1 while something does not work across instances.', 'what', () => ({
    redis: cluster.degraded().length > 0 ? 1 : 0,
  }));
}
