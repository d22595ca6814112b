import { type RawBuilder, sql } from 'kysely';
import { z } from 'zod';
import type { Actor, Context } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { AppError } from '../../common/errors.ts';
import type { Input, Output } from '../../common/operations.ts';
import { type CursorScope, cutPage, readCursor, writeCursor } from '../../common/paging.ts';
import type { Post as PostView } from '../contract/shapes.ts';
import type { operations } from '../contract.ts';
import { ensureFeedAccess, reachPost } from '../policy.ts';
import { normalisePart, normaliseText } from './normalise.ts';
import { type PostRow, presentPost, presentPosts, viewColumns } from './present.ts';

type Anyone = Context<Actor | null>;
type Listing = Input<typeof operations.listPosts>;
type Filters = Omit<Listing, 'limit' | 'cursor'>;

const Position = z.tuple([z.string(), z.uuid()]);

/** The board, newest first; or with `mine` the caller's own posts in every status. Throws b2b_not_enabled, invalid_cursor. */
export async function listPosts(ctx: Anyone, input: Listing): Promise<Output<typeof operations.listPosts>> {
  await ensureFeedAccess(ctx);
  const { limit, cursor, ...filters } = input;
  const scope: CursorScope = ['posts', ctx.actor?.userId ?? null, filters];
  const after = readCursor(ctx, scope, cursor, Position);
  const moment = filters.mine ? sql.ref('created_at') : sql.ref('published_at');
  const found = await rows<PostRow & { position: string }>(
    ctx.em,
    sql`select ${viewColumns}, ${moment}::text as position from posts
        where ${sql.join(conditions(ctx, filters), sql` and `)}
        ${after ? sql`and (${moment}, id) < (${after[0]}::timestamptz, ${after[1]}::uuid)` : sql``}
        order by ${moment} desc, id desc limit ${limit + 1}`,
  );
  const { page, last } = cutPage(found, limit);
  return {
    results: await presentPosts(
      ctx,
      page.map(({ position: _, ...row }) => row),
    ),
    next_cursor: last && writeCursor(ctx, scope, [last.position, last.id]),
  };
}

function conditions({ actor }: Anyone, filters: Filters): RawBuilder<unknown>[] {
  if ((filters.price_min !== undefined || filters.price_max !== undefined) && !filters.currency)
    throw new AppError('validation_failed', { fields: [{ path: 'currency', code: 'required_with_price' }] });
  const part = filters.part_number === undefined ? undefined : normalisePart(filters.part_number);
  return [
    ownership(actor, filters),
    part !== undefined && (part === '' ? sql`false` : sql`part_norm @> array[${part}]::text[]`),
    filters.q !== undefined && matches(filters.q),
    filters.intent && sql`intent = ${filters.intent}`,
    filters.brand && sql`lower(brand) = lower(${filters.brand})`,
    filters.condition && sql`condition = ${filters.condition}`,
    filters.region && sql`region = ${filters.region}`,
    filters.author && sql`author_id = ${filters.author}`,
    filters.currency && sql`currency = ${filters.currency}`,
    filters.price_min !== undefined && sql`price >= ${filters.price_min}`,
    filters.price_max !== undefined && sql`price <= ${filters.price_max}`,
  ].filter(condition => typeof condition === 'object');
}

function ownership(actor: Actor | null, { mine, status }: Filters): RawBuilder<unknown> {
  if (!mine) return sql`status = 'published'`;
  if (!actor) throw new AppError('auth_required');
  return sql`author_id = ${actor.userId} and status <> 'removed' ${status ? sql`and status = ${status}` : sql``}`;
}

/** A part number where it looks like one, else every word as a beginning. */
function matches(q: string): RawBuilder<unknown> {
  const words = normaliseText(q).match(/[\p{L}\p{N}]+/gu) ?? [];
  if (words.length === 0) return sql`false`;
  const byWords = sql`to_tsvector('simple', search_norm) @@ to_tsquery('simple', ${words.map(word => `${word}:*`).join(' & ')})`;
  const part = normalisePart(q);
  return part.length >= 4 && /\d/.test(part) ? sql`(part_norm @> array[${part}]::text[] or ${byWords})` : byWords;
}

/** One post, as far as the caller may see it. Throws b2b_not_enabled, not_found. */
export async function getPost(ctx: Anyone, { post_id }: Input<typeof operations.getPost>): Promise<PostView> {
  await ensureFeedAccess(ctx);
  return presentPost(ctx, await reachPost(ctx, post_id));
}
