import { sql } from 'kysely';
import type { Logger } from 'pino';
import { type Orm, rows } from '../../common/database.ts';
import { newId } from '../../common/ids.ts';
import type { Cluster } from '../../common/redis.ts';
import { type Repeated, repeat } from '../../common/repeat.ts';
import type { Gateway } from '../../common/sockets.ts';
import { events } from '../contract.ts';
import { findChanged, findChangedMe, findRemoved } from './recent-changes.ts';

const OUTAGE_EVERY_MS = 2_000;
const HEALTH_EVERY_MS = 30_000;
/** Looked at twice: clocks of instances differ, and a transaction commits after its `now`. */
const OVERLAP_MS = 15_000;
/** Longer than others take to look twice, and than it takes to hear them again. */
const CUT_OFF_MS = 6_000;
const THREADS_PER_EVENT = 200;

interface Parts {
  orm: Orm;
  log: Logger;
  cluster: Pick<Cluster, 'isShared' | 'degraded' | 'misses'>;
  sockets: Pick<Gateway, 'users' | 'pushHere'>;
  /** Divides waiting times in tests. */
  timeScale: number;
}

export interface Heads {
  start(): void;
  stop(): Promise<void>;
}

/**
 * A push that another instance published may be lost: this one tells its own users the revisions of threads that changed
 * lately, what is their own of them, and out of which they were taken, every 2 s while Redis is away from it or from any
 * other instance and for 6 s after that, however short it was, and every 30 s in health (G6). Alone it needs none.
 */
export function createHeads({ orm, log, cluster, sockets, timeScale }: Parts): Heads {
  let lookedAt = Date.now();
  let missesSeen = 0;
  const instanceId = newId();
  let repeated: Repeated | undefined;

  async function tellHeads(): Promise<void> {
    // Redis may have been away and back since the last look.
    const misses = cluster.misses();
    const isCutOff = misses !== missesSeen || cluster.degraded().includes('cross_node');
    if (isCutOff) await tellCutOff(orm, instanceId, CUT_OFF_MS / timeScale);
    const isLate = Date.now() - lookedAt >= HEALTH_EVERY_MS / timeScale;
    if (!isCutOff && !isLate && !(await isAnyCutOff(orm))) return;
    const since = new Date(lookedAt - OVERLAP_MS);
    const startedAt = Date.now();
    await tellChanged(since);
    // Only now: what could not be told because the database was away too is looked for again.
    lookedAt = startedAt;
    missesSeen = misses;
  }

  async function tellChanged(since: Date): Promise<void> {
    const users = [...sockets.users()];
    if (users.length === 0) return;
    for (const [userId, threads] of await findChanged(orm, users, since))
      for (let at = 0; at < threads.length; at += THREADS_PER_EVENT)
        tell(events.syncHead.name, { threads: threads.slice(at, at + THREADS_PER_EVENT) }, userId);
    for (const { userId, ...payload } of await findChangedMe(orm, users, since))
      tell(events.meUpdated.name, payload, userId);
    for (const { userId, ...payload } of await findRemoved(orm, users, since))
      tell(events.accessRevoked.name, payload, userId);
  }

  function tell(name: string, payload: object, userId: string): void {
    sockets.pushHere([{ name, payload, to: [userId], isFact: false }]);
  }

  return {
    start() {
      if (cluster.isShared) repeated = repeat(OUTAGE_EVERY_MS / timeScale, log, tellHeads);
    },
    async stop() {
      await repeated?.stop();
    },
  };
}

/** Over the database: the way over Redis is the one that is cut. By its clock, which all instances share. */
async function tellCutOff(orm: Orm, id: string, forMs: number): Promise<void> {
  await rows(
    orm.em.fork(),
    sql`with old as (delete from cut_off_instances where until < now() - interval '1 day')
        insert into cut_off_instances (id, until) values (${id}, now() + make_interval(secs => ${forMs / 1_000}))
        on conflict (id) do update set until = excluded.until`,
  );
}

async function isAnyCutOff(orm: Orm): Promise<boolean> {
  const [found] = await rows<{ is_any: boolean }>(
    orm.em.fork(),
    sql`select exists (select from cut_off_instances where until > now()) as is_any`,
  );
  return found!.is_any;
}
