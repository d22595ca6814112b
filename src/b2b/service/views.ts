import { sql } from 'kysely';
import type { Logger } from 'pino';
import type { Actor, Context } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { AppError } from '../../common/errors.ts';
import type { Executor } from '../../common/execute.ts';
import { groupCommit } from '../../common/group-commit.ts';
import { newId } from '../../common/ids.ts';
import type { Input } from '../../common/operations.ts';
import type { Config } from '../../config.ts';
import type { Post as PostView } from '../contract/shapes.ts';
import type { operations } from '../contract.ts';
import { ensureFeedAccess, isVisibleToAll, reachPost } from '../policy.ts';
import { dayOf } from './days.ts';
import { presentPost } from './present.ts';

interface Look {
  postId: string;
  userId: string;
  now: Date;
}

export interface Views {
  /** Counts a look after the answer; returns at once and never throws. */
  count(look: Look): void;
  /** Resolves once all are counted. */
  settled(): Promise<void>;
}

interface Parts {
  executor: Executor;
  config: Config;
  log: Logger;
}

/** Looks that come while others are being written are written together; a look lost with the database is no harm. */
export function createViews({ executor, config, log }: Parts): Views {
  const pending = new Set<Promise<void>>();

  async function write(looks: readonly Look[]): Promise<void> {
    const request = { now: looks.at(-1)!.now, requestId: newId(), ip: '', userAgent: null };
    await executor.transaction(request, ctx => countViews(ctx, looks, config.BILLING_TZ));
  }

  const batches = groupCommit<Look, void>({
    lanes: [],
    maxInFlight: 1,
    maxWaitMs: 5_000,
    refuse: () => new AppError('unavailable'),
    run: async looks => {
      await write(looks).catch(error => log.warn({ err: error }, 'views not counted'));
      return looks.map(() => ({ status: 'fulfilled', value: undefined }));
    },
  });
  return {
    count(look) {
      const counted = batches
        .submit(look)
        .catch(() => {})
        .finally(() => pending.delete(counted));
      pending.add(counted);
    },
    settled: async () => void (await Promise.all(pending)),
  };
}

/** Once for a post, user and day. Posts are locked in one order, since several instances count at once. */
async function countViews({ em }: Pick<Context, 'em'>, looks: readonly Look[], timeZone: string): Promise<void> {
  await rows(
    em,
    sql`with fresh as (
          insert into post_views (day, post_id, user_id)
          select distinct day, post_id, user_id from unnest(${looks.map(({ now }) => dayOf(now, timeZone).day)}::date[],
            ${looks.map(({ postId }) => postId)}::uuid[], ${looks.map(({ userId }) => userId)}::uuid[]) as given (day, post_id, user_id)
          order by day, post_id, user_id on conflict do nothing returning post_id),
        counted as (select post_id, count(*)::int as looks from fresh group by post_id),
        locked as (select id, looks from posts join counted on post_id = id order by id for no key update of posts)
        update posts set views_count = views_count + looks from locked where posts.id = locked.id`,
  );
}

/** Forgets who has seen what on the days before yesterday; a job's work. */
export async function forgetViews({ em, now, config }: Pick<Context, 'em' | 'now' | 'config'>): Promise<void> {
  await rows(em, sql`delete from post_views where day < ${dayOf(now, config.BILLING_TZ).day}::date - 1`);
}

/** One post, as far as the caller may see it; a look of another user at it counts. Throws b2b_not_enabled, not_found. */
export function getPost(views: Pick<Views, 'count'>) {
  return async (ctx: Context<Actor | null>, { post_id }: Input<typeof operations.getPost>): Promise<PostView> => {
    await ensureFeedAccess(ctx);
    const post = await reachPost(ctx, post_id);
    const view = await presentPost(ctx, post);
    const { actor, now } = ctx;
    if (actor && !actor.isStaff && !view.is_owner && isVisibleToAll(ctx, post))
      views.count({ postId: post.id, userId: actor.userId, now });
    return view;
  };
}
