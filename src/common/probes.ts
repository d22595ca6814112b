import type { RequestHandler } from 'express';
import { sql } from 'kysely';
import { isUnknownTable, type Orm, rows } from './database.ts';
import type { Cluster } from './redis.ts';
import { within } from './time.ts';

/** The process lives; asks nobody else. */
export const healthz: RequestHandler = (_req, res) => {
  res.json({ status: 'ok' });
};

/** A probe that is answered later is as good as none: balancers wait two seconds or less. */
const LIMIT_MS = 1_500;

/**
 * May traffic be sent here? Redis away is `degraded`, not 503: sends still commit. Parallel probes share one look at the
 * database.
 */
export function readyz(orm: Orm, cluster: Cluster, isDraining: () => boolean): RequestHandler {
  const look = createDatabaseProbe(orm);
  return async (_req, res) => {
    const failing = isDraining() ? ['draining'] : await look();
    if (failing.length > 0) res.status(503).json({ status: 'not_ready', failing });
    else res.json({ status: 'ready', degraded: cluster.degraded() });
  };
}

/**
 * Names a table to be written and takes a transaction id: a read-only database or a standby refuses both, though it would
 * answer `select 1`. And makes more rows than the memory it allows itself holds, so that they go to a file for a moment:
 * a full disk refuses that.
 */
const write = sql`with written as (delete from idempotency_keys where false),
    sparing as materialized (select set_config('work_mem', '64', true))
  select pg_current_xact_id(), count(n) from sparing, lateral generate_series(1, 8000) as n`;

function createDatabaseProbe(orm: Orm): () => Promise<string[]> {
  let looking: Promise<string[]> | undefined;
  let isMigrated = false;

  async function failingParts(): Promise<string[]> {
    try {
      await rows(orm.em.fork(), write);
      isMigrated ||= (await orm.migrator.getPending()).length === 0;
      return isMigrated ? [] : ['migrations'];
    } catch (error) {
      return [isUnknownTable(error) ? 'migrations' : 'database'];
    }
  }

  return () => {
    looking ??= failingParts().finally(() => {
      looking = undefined;
    });
    return within(LIMIT_MS, looking, () => ['database']);
  };
}
