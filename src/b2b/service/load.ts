import { sql } from 'kysely';
import type { Context } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { loadPost } from './load-posts.ts';
import { learnWords } from './search-forms.ts';

type Scope = Pick<Context, 'em' | 'now'>;

/** Enables the businesses of a load test's users. */
export async function seedLoadProfiles(
  { em, now }: Scope,
  users: readonly { n: number; user_id: string }[],
): Promise<void> {
  await rows(
    em,
    sql`insert into b2b_profiles (user_id, company_name, is_enabled, status, region, created_at, updated_at)
        select user_id, 'Load company ' || n, true, 'enabled', 'UZ-TK', ${now}, ${now}
        from unnest(${users.map(user => user.user_id)}::uuid[], ${users.map(user => user.n)}::int[]) as given (user_id, n)
        on conflict (user_id) do update set is_enabled = true, status = 'enabled'`,
  );
}

/** Published posts for a load test, whose it is by `ownerOf`; an id that exists keeps its post. */
export async function seedLoadPosts(
  scope: Scope,
  slices: Iterable<readonly number[]>,
  ownerOf: (n: number) => { id: string; author_id: string },
): Promise<void> {
  let inserting = Promise.resolve();
  for (const numbers of slices) {
    const posts = numbers.map(n => ({ ...ownerOf(n), ...loadPost(n, scope.now) }));
    // The database stores a slice while the next is being made up.
    await inserting;
    inserting = insertPosts(scope, posts);
  }
  await inserting;
  // Until then plans are made for an empty table.
  await rows(scope.em, sql`analyze posts`);
}

type LoadPost = ReturnType<typeof loadPost> & { id: string; author_id: string };

async function insertPosts({ em }: Pick<Scope, 'em'>, posts: readonly LoadPost[]): Promise<void> {
  await rows(
    em,
    sql`insert into posts (id, author_id, status, intent, category_id, title, body, part_number, oem_numbers, brand, condition, fitments,
          price, currency, unit, quantity, region, city, part_norm, search_norm, brand_norm, city_norm, fits_norm, fits_keys,
          published_at, bumped_at, expires_at, matched_at, created_at, updated_at)
        select id, author_id, 'published', intent, category_id, title, body, part_number, oem_numbers, brand, condition, fitments,
          price, currency, 'pcs', quantity, region, city, part_norm, search_norm, brand_norm, city_norm, fits_norm, fits_keys,
          at, at, at + interval '90 days', at, at, at
        from jsonb_to_recordset(${JSON.stringify(posts)}::jsonb) as given (id uuid, author_id uuid, intent text, category_id uuid,
          title text, body text, part_number text, oem_numbers text[], brand text, condition text, fitments jsonb, price numeric,
          currency text, quantity int, region text, city text, part_norm text[], search_norm text, brand_norm text, city_norm text,
          fits_norm jsonb, fits_keys text[], at timestamptz)
        on conflict (id) do nothing`,
  );
  await learnWords(
    { em },
    posts.map(post => post.search_norm),
  );
}

/** Indexes of whole texts are built at once in a fraction of the time that they take row by row. In one transaction. */
export async function withoutTextIndexes({ em }: Scope, work: () => Promise<void>): Promise<void> {
  const indexes = await rows<{ name: string; definition: string }>(
    em,
    sql`select indexname as name, indexdef as definition from pg_indexes
        where schemaname = current_schema() and tablename = 'posts' and indexdef like '% USING gin %'`,
  );
  for (const { name } of indexes) await rows(em, sql`drop index ${sql.ref(name)}`);
  await work();
  await rows(em, sql`set local maintenance_work_mem = '256MB'`);
  for (const { definition } of indexes) await rows(em, sql.raw(definition));
}
