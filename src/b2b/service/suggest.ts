import { sql } from 'kysely';
import type { Actor, Context } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import type { Input, Output } from '../../common/operations.ts';
import type { Suggestion } from '../contract/feed.ts';
import type { operations } from '../contract.ts';
import type { Names } from '../entities/reference.ts';
import { ensureFeedAccess } from '../policy.ts';
import { isOnBoard } from './feed.ts';
import { normalisePart, normaliseText } from './normalise.ts';
import { nameIn } from './reference.ts';

type Anyone = Context<Actor | null>;

const MOST_OF_A_TYPE = 5;
/** Posts whose numbers are looked at: the newest, or a short beginning would read them all. */
const MOST_POSTS = 200;

/** Part numbers, brands and categories that begin with the text and have posts on the board. Throws b2b_not_enabled. */
export async function suggest(
  ctx: Anyone,
  { q }: Input<typeof operations.suggest>,
): Promise<Output<typeof operations.suggest>> {
  await ensureFeedAccess(ctx);
  const [parts, brands, categories] = [
    await suggestParts(ctx, q),
    await suggestBrands(ctx, q),
    await suggestCategories(ctx, q),
  ];
  return { results: [...parts, ...brands, ...categories] };
}

async function suggestParts({ em, now }: Anyone, q: string): Promise<Suggestion[]> {
  const part = normalisePart(q);
  if (part.length < 2 || !/\d/.test(part)) return [];
  return rows<Suggestion>(
    em,
    sql`with newest as materialized (
          select part_norm from posts
          where ${isOnBoard(now)} and search_vector @@ to_tsquery('simple', ${`${part.toLowerCase()}:*`})
          order by published_at desc, id desc limit ${MOST_POSTS}
        )
        select 'part' as type, number as text, count(*)::int as count from newest, unnest(part_norm) as number
        where number like ${`${part}%`} group by number order by count desc, number limit ${MOST_OF_A_TYPE}`,
  );
}

async function suggestBrands({ em, now }: Anyone, q: string): Promise<Suggestion[]> {
  const begins = normaliseText(q);
  if (begins === '') return [];
  return rows<Suggestion>(
    em,
    sql`select 'brand' as type, name as text, count from brands, lateral (
          select count(*)::int as count from posts where ${isOnBoard(now)} and brand_norm = any(keys)) as counted
        where exists (select from unnest(keys) as key where key like ${`${begins}%`}) and count > 0
        order by count desc, sort_order limit ${MOST_OF_A_TYPE}`,
  );
}

/** By the beginning of any word of its name, in any language. */
async function suggestCategories({ em, now, locale }: Anyone, q: string): Promise<Suggestion[]> {
  const words = normaliseText(q).split(' ').filter(Boolean);
  if (words.length === 0) return [];
  const found = await rows<{ name: Names; count: number }>(
    em,
    sql`select name, count from categories, lateral (
          select count(*)::int as count from posts where ${isOnBoard(now)}
            and (category_id = categories.id or category_id in (select id from categories below where below.parent_id = categories.id))
        ) as counted
        where ${sql.join(
          words.map(word => sql`' ' || search_norm like ${`% ${word}%`}`),
          sql` and `,
        )} and count > 0
        order by count desc, sort_order limit ${MOST_OF_A_TYPE}`,
  );
  return found.map(({ name, count }) => ({ type: 'category', text: nameIn(name, locale), count }));
}
