import { sql } from 'kysely';
import type { SharedContext } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { facts } from '../contract.ts';
import { type NormalFitment, Post } from '../entities.ts';
import type { Condition } from './filters.ts';
import { ofPost } from './present.ts';
import { brandNames } from './reference.ts';
import { anchorsOfPost } from './search-anchors.ts';

/** How many users are told of one post, and how often one user in an hour; `new_count` counts all. */
const MOST_TOLD = 200;
const MOST_PER_HOUR = 20;

interface Match {
  userId: string;
  searchId: string;
  name: string;
}

/**
 * Matches posts that were just published with everybody's saved searches, in the transaction that publishes them. A post is
 * matched once: closing and publishing it again tells nobody anew.
 */
export async function matchSearches(ctx: SharedContext, postIds: readonly string[]): Promise<void> {
  const unmatched = { id: { $in: [...postIds] }, status: 'published' as const, matchedAt: null };
  const posts = await ctx.em.find(Post, unmatched, { orderBy: { id: 'asc' } });
  for (const post of posts) post.matchedAt = ctx.now;
  await ctx.em.flush();
  for (const post of posts) {
    const matches = await countMatches(ctx, post);
    if (matches.length > 0) ctx.emit(facts.searchMatched, { ...ofPost(post), matches });
  }
}

/**
 * Counts the post in every search that it fits, and returns whom to tell. Rows are locked in the order of their ids, so
 * that two posts at once wait for each other instead of locking each other out.
 */
async function countMatches({ em, now, config }: SharedContext, post: Post): Promise<Match[]> {
  const named = await withBrands(em, post);
  const hour = new Date(now.getTime() - (now.getTime() % 3_600_000));
  return rows<Match>(
    em,
    sql`with fitting as materialized (
          select s.id, s.user_id, s.name, s.notify from saved_searches s
            join users u on u.id = s.user_id and u.deleted_at is null
            cross join lateral ${wantedColumns}
          where s.anchors && ${anchorsOfPost(anchored(named))}::text[] and s.user_id <> ${post.author}
            and ${mayRead(config.B2B_FEED_ACCESS)} and ${fits(named)}
          order by s.id for no key update of s
        ), counted as (
          update saved_searches set new_count = new_count + 1 where id in (select id from fitting)
        ), eager as (
          select distinct on (f.user_id) f.user_id, f.id, f.name from fitting f
            left join search_match_hours told on told.user_id = f.user_id and told.hour = ${hour} and told.told >= ${MOST_PER_HOUR}
          where f.notify and told.user_id is null order by f.user_id, f.id
        ), chosen as (
          select * from eager order by id limit ${MOST_TOLD}
        ), told as (
          insert into search_match_hours as kept (user_id, hour, told) select user_id, ${hour}, 1 from chosen order by user_id
          on conflict (user_id) do update
            set hour = excluded.hour, told = case when kept.hour = excluded.hour then kept.told + 1 else 1 end
            where kept.hour <> excluded.hour or kept.told < ${MOST_PER_HOUR}
          returning user_id
        )
        select user_id as "userId", id as "searchId", name from chosen where user_id in (select user_id from told) order by id`,
  );
}

interface NamedPost {
  post: Post;
  brands: string[];
  cars: (NormalFitment & { makes: string[] })[];
}

/** Searches keep the names that a brand had when they were saved; staff may have added to them since. */
async function withBrands(em: SharedContext['em'], post: Post): Promise<NamedPost> {
  const { brandNorm, fitsNorm } = post;
  const names = await brandNames({ em }, [...(brandNorm ? [brandNorm] : []), ...fitsNorm.map(({ make }) => make)]);
  return {
    post,
    brands: brandNorm ? names.get(brandNorm)! : [],
    cars: fitsNorm.map(car => ({ ...car, makes: names.get(car.make)! })),
  };
}

const anchored = ({ post: { author, categoryId, partNorm, searchNorm }, brands }: NamedPost) => ({
  ...{ authorId: author, categoryId: categoryId ?? null, brands, partNorm, searchNorm },
});

/** Who has lost the board is not told of it. */
function mayRead(access: 'enabled' | 'authenticated' | 'public'): Condition {
  if (access !== 'enabled') return sql`true`;
  return sql`(u.role <> 'user' or exists (select from b2b_profiles b where b.user_id = s.user_id and b.is_enabled))`;
}

const wantedColumns: Condition = sql`jsonb_to_record(s.wanted) as w (intent text, categories uuid[], brands text[], part text,
  makes text[], model text, year int, condition text, price_min numeric, price_max numeric, currency text, region text, city text,
  author uuid, has_images boolean, created_after timestamptz, words text)`;

/** What `conditionsOf` asks of many posts for one search, asked of many searches for one post. */
function fits({ post, brands, cars }: NamedPost): Condition {
  const price = post.price ?? null;
  return sql`(w.intent is null or w.intent = ${post.intent})
    and (w.categories is null or ${post.categoryId ?? null}::uuid = any(w.categories))
    and (w.brands is null or w.brands && ${brands}::text[])
    and (w.part is null or w.part = any(${post.partNorm}::text[]))
    and (w.condition is null or w.condition = ${post.condition ?? null}::text)
    and (w.currency is null or w.currency = ${post.currency ?? null}::text)
    and (w.price_min is null or w.price_min <= ${price}::numeric)
    and (w.price_max is null or w.price_max >= ${price}::numeric)
    and (w.region is null or w.region = ${post.region ?? null}::text)
    and (w.city is null or w.city = ${post.cityNorm ?? null}::text)
    and (w.author is null or w.author = ${post.author}::uuid)
    and (w.created_after is null or w.created_after < ${post.createdAt}::timestamptz)
    and (w.has_images is null or w.has_images = ${post.images.length > 0})
    and (num_nonnulls(w.makes, w.model, w.year) = 0 or exists (
      select from jsonb_to_recordset(${JSON.stringify(cars)}::jsonb) as car (makes text[], model text, "from" int, "to" int)
      where (w.makes is null or car.makes && w.makes) and (w.model is null or car.model = w.model)
        and (w.year is null or w.year between coalesce(car."from", 0) and coalesce(car."to", 9999))))
    and (w.words is null or (select to_tsvector('simple', ${post.searchNorm}::text)) @@ to_tsquery('simple', w.words))`;
}
