import { sql } from 'kysely';
import type { Logger } from 'pino';
import { type Orm, rows } from '../../common/database.ts';
import { newId } from '../../common/ids.ts';
import type { Cluster } from '../../common/redis.ts';
import type { Gateway } from '../../common/sockets.ts';
import { events } from '../contract.ts';

const OUTAGE_EVERY_MS = 2_000;
const HEALTH_EVERY_MS = 30_000;
/** Looked at twice: clocks of instances differ, and a transaction commits after its `now`. */
const OVERLAP_MS = 15_000;
/** Longer than others take to look twice. */
const CUT_OFF_MS = 6_000;
const USERS_PER_QUERY = 1_000;
const THREADS_PER_EVENT = 200;

interface Parts {
  orm: Orm;
  log: Logger;
  cluster: Pick<Cluster, 'isShared' | 'degraded'>;
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
 * lately, every 2 s while Redis is away from it or from any other instance, once more when it is back, and every 30 s in
 * health (G6). Alone it needs none.
 */
export function createHeads({ orm, log, cluster, sockets, timeScale }: Parts): Heads {
  let lookedAt = Date.now();
  let wasAway = false;
  const instanceId = newId();
  let running: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;

  async function look(): Promise<void> {
    const isAway = cluster.degraded().includes('cross_node');
    if (isAway) await tellCutOff(orm, instanceId, CUT_OFF_MS / timeScale);
    const isLate = Date.now() - lookedAt >= HEALTH_EVERY_MS / timeScale;
    if (!isAway && !wasAway && !isLate && !(await isAnyCutOff(orm))) return;
    const since = new Date(lookedAt - OVERLAP_MS);
    const startedAt = Date.now();
    await tellChanged(since);
    // Only now: what could not be told because the database was away too is looked for again.
    lookedAt = startedAt;
    wasAway = isAway;
  }

  async function tellChanged(since: Date): Promise<void> {
    const users = [...sockets.users()];
    for (let from = 0; from < users.length; from += USERS_PER_QUERY)
      for (const [userId, threads] of await findChanged(orm, users.slice(from, from + USERS_PER_QUERY), since))
        for (let at = 0; at < threads.length; at += THREADS_PER_EVENT) {
          const payload = { threads: threads.slice(at, at + THREADS_PER_EVENT) };
          sockets.pushHere([{ name: events.syncHead.name, payload, to: [userId], isFact: false }]);
        }
  }

  function next(): void {
    timer = setTimeout(() => {
      running = look()
        .catch(error => log.warn({ err: error }, 'heads'))
        .finally(() => timer && next());
    }, OUTAGE_EVERY_MS / timeScale);
  }

  return {
    start() {
      if (cluster.isShared) next();
    },
    async stop() {
      clearTimeout(timer);
      timer = undefined;
      await running;
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

/** [thread_id, rev] of each user's threads that changed since. */
async function findChanged(orm: Orm, userIds: string[], since: Date): Promise<Map<string, [string, number][]>> {
  const found = await rows<{ user_id: string; heads: [string, number][] }>(
    orm.em.fork(),
    sql`select p.user_id, json_agg(json_build_array(t.id, t.rev)) as heads
        from participants p join threads t on t.id = p.thread_id
        where p.user_id = any(${userIds}::uuid[]) and p.removed_at is null and t.updated_at > ${since}
        group by p.user_id`,
  );
  return new Map(found.map(one => [one.user_id, one.heads]));
}
