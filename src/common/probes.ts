import type { RequestHandler } from 'express';
import { sql } from 'kysely';
import { type Orm, rows } from './database.ts';
import type { Cluster } from './redis.ts';

/** The process lives; asks nobody else. */
export const healthz: RequestHandler = (_req, res) => {
  res.json({ status: 'ok' });
};

/**
 * May traffic be sent here? A transaction id is taken because a read-only database would answer `select 1`.
 * Redis away is `degraded`, not 503: sends still commit.
 */
export function readyz(orm: Orm, cluster: Cluster, isDraining: () => boolean): RequestHandler {
  return async (_req, res) => {
    const failing = isDraining() ? ['draining'] : await failingParts(orm);
    if (failing.length > 0) res.status(503).json({ status: 'not_ready', failing });
    else res.json({ status: 'ready', degraded: cluster.degraded() });
  };
}

async function failingParts(orm: Orm): Promise<string[]> {
  try {
    await rows(orm.em.fork(), sql`select txid_current()`);
    return (await orm.migrator.getPending()).length > 0 ? ['migrations'] : [];
  } catch {
    return ['database'];
  }
}
