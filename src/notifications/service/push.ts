import { sql } from 'kysely';
import type { Logger } from 'pino';
import { positionOf } from '../../chat/service/present.ts';
import type { Context } from '../../common/context.ts';
import { type Orm, rows } from '../../common/database.ts';
import type { Jobs } from '../../common/jobs.ts';
import { createCollector } from './collect.ts';
import type { WrittenNote } from './notes.ts';
import { mayAlert, type Wants, wantsColumns } from './preferences.ts';
import type { NotificationRow } from './present.ts';
import { keyOf, SEND_PUSH, type SendPush } from './push-sender.ts';

/** Whoever has a device at hand reads it there meanwhile. */
const FIRST_LOOK_MS = 10_000;
/** By then a device that was only thought to be there has not said that it got it. */
const LATE_LOOK_MS = 60_000;
/** A row that stays unread is pushed again, for further notes of its group, after this time at the earliest. */
const AGAIN_AFTER_MS = 3_600_000;
/** How far back the sweep looks; what is older is found in the list. */
const SWEEP_BACK_MS = 15 * 60_000;
const SWEEP_MOST = 1_000;

const CONSIDER_PUSH = 'consider-push';
interface ConsiderPush {
  id: string;
  isLate: boolean;
}

interface Parts {
  orm: Orm;
  log: Logger;
  jobs: Jobs;
  /** Whether a device of the user is connected to any instance. */
  isLive: (userId: string) => Promise<boolean>;
  /** Divides waiting times in tests. */
  timeScale: number;
}

export interface Pusher {
  /** Web push of these notes is considered later, for users who have subscribed to it. Never waited for. */
  expect(written: readonly WrittenNote[]): void;
  settled(): Promise<void>;
}

/**
 * Web push for notes that reach no device: looked at 10 s after the commit, once more after 60 s where a device seemed to
 * be there, and by a sweep where both were lost with an instance.
 */
export function createPusher({ orm, log, jobs, isLive, timeScale }: Parts): Pusher {
  const expected = createCollector<WrittenNote>(log, async notes => {
    const subscribed = await findSubscribed(orm, [...new Set(notes.map(note => note.user_id))]);
    const ids = notes.filter(note => subscribed.has(note.user_id)).map(note => note.id);
    await consider(ids, FIRST_LOOK_MS, false);
  });

  function consider(ids: readonly string[], afterMs: number, isLate: boolean): Promise<unknown> {
    const pieces = ids.map(id => ({ data: { id, isLate }, key: `${id} ${isLate}`, afterMs: afterMs / timeScale }));
    return jobs.ask<ConsiderPush>(CONSIDER_PUSH, pieces);
  }

  async function look({ id, isLate }: ConsiderPush): Promise<void> {
    const note = await findWaiting(orm, id);
    // What came in quiet hours stays quiet, and what came before them must not wake anybody late.
    const moments = note ? [new Date(note.updated_at), new Date()] : [];
    if (!note || !moments.every(at => mayAlert(note, note.type, at))) return;
    const isReached = isLate && note.is_delivered !== null ? note.is_delivered : await isLive(note.user_id);
    if (!isReached) await push(orm, jobs, note);
    else if (!isLate) await consider([id], LATE_LOOK_MS - FIRST_LOOK_MS, true);
  }

  jobs.take<ConsiderPush>({ name: CONSIDER_PUSH, work: look, parallel: 50, retries: 3 });
  jobs.schedule({
    name: 'sweep-pushes',
    cron: '*/5 * * * *',
    work: async ctx => {
      await forgetEnded(ctx);
      const lost = await findLost(ctx);
      await consider(lost, 0, false);
      return { lost: lost.length };
    },
  });

  return {
    expect(written) {
      for (const note of written) if (note.alert) expected.add(note.id, note);
    },
    settled: expected.settled,
  };
}

async function findSubscribed(orm: Orm, userIds: readonly string[]): Promise<ReadonlySet<string>> {
  const found = await rows<{ user_id: string }>(
    orm.em.fork(),
    sql`select distinct user_id from push_subscriptions where user_id = any(${userIds}::uuid[])`,
  );
  return new Set(found.map(row => row.user_id));
}

interface WaitingNote extends NotificationRow, Wants {
  /** Of messages: whether a device of the user has said that it has them all. null: of others nobody says so. */
  is_delivered: boolean | null;
}

const waits = sql`n.read_at is null and n.seen_at is null
  and (n.pushed_at is null or n.pushed_at < now() - ${AGAIN_AFTER_MS} * interval '1 ms')`;

/** The note, unless it was read or seen meanwhile, is gone, was pushed, is of a muted thread or one that is looked at. */
async function findWaiting(orm: Orm, id: string): Promise<WaitingNote | undefined> {
  const [note] = await rows<WaitingNote>(
    orm.em.fork(),
    sql`select n.*, ${wantsColumns}, ${positionOf('delivered', 'me')} >= t.last_seq as is_delivered
        from notifications n join users u on u.id = n.user_id left join notification_preferences p on p.user_id = n.user_id
        left join participants me on me.thread_id = (n.data->>'thread_id')::uuid and me.user_id = n.user_id
        left join threads t on t.id = me.thread_id
        where n.id = ${id} and ${waits} and (me.muted_until is null or me.muted_until <= n.updated_at)
          and not exists (select from focus_leases f where f.user_id = me.user_id and f.thread_id = me.thread_id and f.expires_at > now())`,
  );
  return note;
}

/** Asked for before the row says so, in one transaction: a crash in between pushes twice rather than never. Throws where it cannot be asked for. */
async function push(orm: Orm, jobs: Jobs, { id, user_id }: WaitingNote): Promise<void> {
  await orm.em.fork().transactional(async em => {
    const claimed = await rows<{ id: string }>(
      em as Context['em'],
      sql`with claimed as (update notifications n set pushed_at = now() where n.id = ${id} and ${waits} returning n.user_id)
          select s.id from claimed join push_subscriptions s on s.user_id = ${user_id}`,
    );
    const pieces = claimed.map(({ id: subscriptionId }) => {
      const data = { id, subscriptionId };
      return { data, key: keyOf(data) };
    });
    if (!(await jobs.ask<SendPush>(SEND_PUSH, pieces))) throw new Error('this instance ends');
  });
}

/** Notes of the last minutes that nobody has looked at: their instance ended, or the command line wrote them. */
async function findLost({ em, now }: Context<null>): Promise<string[]> {
  const found = await rows<{ id: string }>(
    em,
    sql`select n.id from (select distinct user_id from push_subscriptions) s join lateral (
          select n.id from notifications n where n.user_id = s.user_id and ${waits}
            and n.updated_at > ${new Date(now.getTime() - SWEEP_BACK_MS)}
            and n.updated_at < ${new Date(now.getTime() - 2 * LATE_LOOK_MS)}) n on true limit ${SWEEP_MOST}`,
  );
  return found.map(row => row.id);
}

/** Subscriptions of sessions that ended by time. */
async function forgetEnded({ em, now }: Context<null>): Promise<void> {
  await rows(
    em,
    sql`delete from push_subscriptions p where not exists (
          select from sessions s where s.id = p.session_id and s.revoked_at is null and s.expires_at > ${now})`,
  );
}
