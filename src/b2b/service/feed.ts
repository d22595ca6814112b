import { sql } from 'kysely';
import { z } from 'zod';
import type { Actor, Context } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { AppError } from '../../common/errors.ts';
import type { Input, Output } from '../../common/operations.ts';
import { type CursorScope, cutPage, readCursor, writeCursor } from '../../common/paging.ts';
import type { Ordering } from '../contract/feed.ts';
import type { operations } from '../contract.ts';
import { ensureFeedAccess } from '../policy.ts';
import { countFacets } from './facets.ts';
import { type Condition, conditionsOf, resolveFilters } from './filters.ts';
import { type PostRow, presentPosts, viewColumns } from './present.ts';
import { type Step, searchOf, steps, type TextSearch } from './search.ts';

type Anyone = Context<Actor | null>;
type Listing = Input<typeof operations.listPosts>;

/** Where a page ends: the step that found it, what it is ordered by, the id. */
const Position = z.tuple([z.enum(steps).nullable(), z.string(), z.uuid()]);
type Position = z.output<typeof Position>;
type FoundRow = PostRow & { position: string };

/**
 * The board, or with `mine` the caller's own posts in every status. A text is looked for in three steps, as a part number,
 * by words, by similar words; later pages stay with the step that found the first.
 * Throws b2b_not_enabled, invalid_cursor, validation_failed, rate_limited.
 */
export async function listPosts(ctx: Anyone, input: Listing): Promise<Output<typeof operations.listPosts>> {
  await ensureFeedAccess(ctx);
  const { limit, cursor, facets, ...asked } = input;
  const scope: CursorScope = ['posts', ctx.actor?.userId ?? null, asked];
  const after = readCursor(ctx, scope, cursor, Position);
  const { q, mine, status, ordering, ...filters } = asked;
  const within = [...ownership(ctx, { mine, status }), ...conditionsOf(await resolveFilters(ctx, filters))];
  const { found, step, conditions } = await search(ctx, within, { q, mine, ordering, limit }, after);
  const { page, last } = cutPage(found, limit);
  return {
    results: await presentPosts(
      ctx,
      page.map(({ position: _, ...row }) => row),
    ),
    next_cursor: last && writeCursor(ctx, scope, [step, last.position, last.id]),
    ...(facets && { facets: await countFacets(ctx, conditions, filters.currency) }),
  };
}

/** Published and not past its time, however late the job is that says so. */
export const isOnBoard = (now: Date): Condition => sql`status = 'published' and expires_at > ${now}`;

/** As views show it: by its dates, while the job that writes it down has not run yet. */
const statusAt = (now: Date): Condition =>
  sql`case when status = 'published' and expires_at <= ${now} then 'expired' else status end`;

function ownership({ actor, now }: Anyone, { mine, status }: Pick<Listing, 'mine' | 'status'>): Condition[] {
  if (!mine) return [isOnBoard(now)];
  if (!actor) throw new AppError('auth_required');
  const isWanted = status ? sql`${statusAt(now)} = ${status}` : sql`status <> 'removed'`;
  return [sql`author_id = ${actor.userId}`, isWanted];
}

type Search = Pick<Listing, 'q' | 'mine' | 'ordering' | 'limit'>;
interface Found {
  found: FoundRow[];
  step: Step | null;
  conditions: Condition[];
}

async function search(ctx: Anyone, within: Condition[], asked: Search, after: Position | null): Promise<Found> {
  if (asked.q === undefined || asked.q.trim() === '') {
    const found = await readPage(ctx, within, { ...asked, step: null }, after);
    return { found, step: null, conditions: within };
  }
  const text = searchOf(ctx, asked.q);
  for (const step of after?.[0] ? [after[0]] : steps) {
    const condition = await text.conditionOf(step);
    if (!condition) continue;
    const conditions = [...within, condition];
    const found = await readPage(ctx, conditions, { ...asked, step, text }, after);
    if (found.length > 0) return { found, step, conditions };
  }
  return { found: [], step: null, conditions: [sql`false`] };
}

interface Reading extends Search {
  step: Step | null;
  text?: TextSearch;
}

async function readPage(ctx: Anyone, conditions: Condition[], reading: Reading, after: Position | null) {
  const order = orderOf(reading);
  const { source, isRanked } = sourceOf(conditions, reading, order);
  return rows(
    ctx.em,
    sql<FoundRow>`select ${viewColumns}, ${order.key}::text as position from ${source}
      where ${isRanked ? sql`true` : sql.join(conditions, sql` and `)} ${after ? order.after(after) : sql``}
      order by ${order.by} limit ${reading.limit + 1}`,
    // What filters find decides which index serves best, so the plan of a search is its own.
    { isHot: conditions.length === 1 && !reading.text && !reading.mine },
  );
}

interface Order {
  key: Condition;
  by: Condition;
  after: (position: Position) => Condition;
}

const down = (key: Condition, type: string): Order => ({
  key,
  by: sql`${key} desc, id desc`,
  after: ([, position, id]) => sql`and (${key}, id) < (${position}::${sql.raw(type)}, ${id}::uuid)`,
});
const up = (key: Condition, type: string): Order => ({
  key,
  by: sql`${key}, id`,
  after: ([, position, id]) => sql`and (${key}, id) > (${position}::${sql.raw(type)}, ${id}::uuid)`,
});

/**
 * Each has an index that ends with the id, so a deep page costs what the first does. Moments are named with their table: by
 * themselves they would be the texts of the view, which no index has.
 */
const orders: Record<Ordering | 'mine' | 'mine -published_at', Order> = {
  '-published_at': down(sql.ref('posts.published_at'), 'timestamptz'),
  mine: down(sql.ref('posts.created_at'), 'timestamptz'),
  // What was never published stands where it was begun.
  'mine -published_at': down(sql`coalesce(posts.published_at, posts.created_at)`, 'timestamptz'),
  price: up(sql`coalesce(price, 10000000000000)`, 'numeric'),
  '-price': down(sql`coalesce(price, -1)`, 'numeric'),
  '-relevance': down(sql.ref('score'), 'numeric'),
};

function orderOf({ ordering, mine, step, text }: Reading): Order {
  if (mine && ordering === '-published_at') return orders['mine -published_at'];
  const asked = ordering ?? (step === 'typo' ? '-relevance' : '-published_at');
  if (asked === '-published_at' || (asked === '-relevance' && !text)) return orders[mine ? 'mine' : '-published_at'];
  return orders[asked];
}

const MOST_RANKED = 300;

/** What is ranked is read, best first, from the newest that fit; else the table itself. */
function sourceOf(
  conditions: Condition[],
  { text }: Reading,
  { key }: Order,
): { source: Condition; isRanked: boolean } {
  if (key !== orders['-relevance'].key || !text) return { source: sql`posts`, isRanked: false };
  // Only what is ranked is scored: it takes longer than to find it.
  const newest = sql`select * from posts where ${sql.join(conditions, sql` and `)}
    order by published_at desc, id desc limit ${MOST_RANKED}`;
  const source = sql`(select *, ${text.score} as score from (${newest}) as newest) as posts`;
  return { source, isRanked: true };
}
