import { sql } from 'kysely';
import { z } from 'zod';
import type { Context } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { newId } from '../../common/ids.ts';
import type { Input, Output } from '../../common/operations.ts';
import { type CursorScope, cutPage, readCursor, writeCursor } from '../../common/paging.ts';
import type { operations } from '../contract.ts';
import { ensureFeedAccess, reachPost, visibleToAll } from '../policy.ts';
import { type PostRow, presentPosts, viewColumns } from './present.ts';

/** Keeps a post among the caller's favourites; again it changes nothing. Throws b2b_not_enabled, not_found. */
export async function addFavorite(
  ctx: Context,
  { post_id }: Input<typeof operations.addFavorite>,
): Promise<Output<typeof operations.addFavorite>> {
  await ensureFeedAccess(ctx);
  await reachPost(ctx, post_id);
  await rows(
    ctx.em,
    sql`with added as (
          insert into favorites (user_id, post_id, id, created_at) values (${ctx.actor.userId}, ${post_id}, ${newId()}, ${ctx.now})
          on conflict do nothing returning post_id)
        update posts set favorites_count = favorites_count + 1 where id in (select post_id from added)`,
  );
  return {};
}

/** Keeps a post no longer, whether or not it can still be seen. Throws b2b_not_enabled. */
export async function removeFavorite(
  ctx: Context,
  { post_id }: Input<typeof operations.removeFavorite>,
): Promise<Output<typeof operations.removeFavorite>> {
  await ensureFeedAccess(ctx);
  await rows(
    ctx.em,
    sql`with removed as (
          delete from favorites where user_id = ${ctx.actor.userId} and post_id = ${post_id} returning post_id)
        update posts set favorites_count = favorites_count - 1 where id in (select post_id from removed)`,
  );
  return {};
}

/** The posts that the caller keeps and may see, the latest kept first. Throws b2b_not_enabled, invalid_cursor. */
export async function listFavorites(
  ctx: Context,
  { limit, cursor }: Input<typeof operations.listFavorites>,
): Promise<Output<typeof operations.listFavorites>> {
  await ensureFeedAccess(ctx);
  const { userId } = ctx.actor;
  const scope: CursorScope = ['favorites', userId];
  const after = readCursor(ctx, scope, cursor, z.uuid());
  const isVisible = sql`(${visibleToAll(ctx)} or author_id = ${userId} and status <> 'removed')`;
  const found = await rows<PostRow & { position: string }>(
    ctx.em,
    sql`select ${viewColumns}, position
        from (select post_id, id as position from favorites
              where user_id = ${userId} ${after ? sql`and id < ${after}` : sql``}) as kept
        join posts on posts.id = kept.post_id
        where ${isVisible} order by position desc limit ${limit + 1}`,
  );
  const { page, last } = cutPage(found, limit);
  const views = await presentPosts(
    ctx,
    page.map(({ position: _, ...row }) => row),
  );
  return { results: views, next_cursor: last && writeCursor(ctx, scope, last.position) };
}
