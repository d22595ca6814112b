import { sql } from 'kysely';
import type { Context } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { loadId } from '../../common/load-ids.ts';
import { searchForms } from './normalise.ts';

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

const parts = [
  'Tormoz kolodkasi',
  'Moy filtri',
  'Воздушный фильтр',
  'Амортизатор передний',
  'Ўриндиқ ғилофи',
  'Radiator',
  'Свеча зажигания',
  'Oʻq',
  'Подшипник ступицы',
  'Generator kamari',
];
const cars = ['Cobalt', 'Gentra', 'Nexia 3', 'Spark', 'Damas', 'Malibu', 'Captiva', 'Lacetti', 'Tracker', 'Onix'];
const brands = ['Bosch', 'Denso', 'NGK', 'Mann', 'Mahle', 'Sachs', 'KYB', 'SKF', 'Febi', 'Gates'];

/** A made-up part: word, car, brand and number change at different paces, so that searches find few and many. */
function loadPost(n: number) {
  const [part, car, brand] = [parts[n % 10]!, cars[Math.floor(n / 10) % 10]!, brands[Math.floor(n / 100) % 10]!];
  const partNumber = `${String(10_000 + (n % 90_000))}-${String(n).padStart(6, '0')}`;
  const post = { title: `${part} ${car} ${n}`, brand, partNumber, oemNumbers: [], body: null };
  return { ...post, price: String(50_000 + (n % 1_000) * 1_000), ...searchForms(post) };
}

/** Published posts for a load test: post n is of `authorOf(n)`; the same numbers are the same posts. Returns their ids. */
export async function seedLoadPosts(
  { em, now }: Scope,
  numbers: readonly number[],
  authorOf: (n: number) => string,
): Promise<string[]> {
  const posts = numbers.map(n => ({ id: loadId('post', n), author: authorOf(n), n, ...loadPost(n) }));
  const column = <T>(read: (post: (typeof posts)[number]) => T) => posts.map(read);
  await rows(
    em,
    sql`insert into posts (id, author_id, status, intent, title, part_number, brand, condition, fitments, price, currency, region,
          part_norm, search_norm, published_at, bumped_at, expires_at, created_at, updated_at)
        select id, author, 'published', 'sell', title, part_number, brand, 'new', '[]', price, 'UZS', 'UZ-TK', array[part_norm],
          search_norm, at, at, at + interval '90 days', at, at
        from unnest(${column(post => post.id)}::uuid[], ${column(post => post.author)}::uuid[], ${column(post => post.title)}::text[],
          ${column(post => post.partNumber)}::text[], ${column(post => post.brand)}::text[], ${column(post => post.price)}::numeric[],
          ${column(post => post.partNorm[0])}::text[], ${column(post => post.searchNorm)}::text[],
          ${column(post => new Date(now.getTime() - (post.n % 1_000_000) * 1_000))}::timestamptz[])
          as given (id, author, title, part_number, brand, price, part_norm, search_norm, at)
        on conflict (id) do nothing`,
  );
  return posts.map(post => post.id);
}
