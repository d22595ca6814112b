import pg from 'pg';
import { categoryId } from '../../src/b2b/service/reference.ts';
import { anchorsOf, wantedOf } from '../../src/b2b/service/search-anchors.ts';

export interface Samples {
  parts: string[];
  words: string[];
  typos: string[];
}

/** What people look for: numbers of posts all over the board, words that posts hold, and the same with a slip in each. */
export async function takeSamples(client: pg.Client, count: number): Promise<Samples> {
  const parts = await client.query(
    `select part_number from (select part_number, row_number() over (order by id) as n, count(*) over () as total from posts) as numbered
     where part_number is not null and n % greatest(1, total / $1) = 0 limit $1`,
    [count],
  );
  const words = await client.query(
    `select word from post_words where length(word) >= 6 and word ~ '^[a-z]+$' order by md5(word) limit $1`,
    [count],
  );
  const known = words.rows.map(({ word }) => word as string);
  return {
    parts: parts.rows.map(({ part_number }) => (part_number as string).replaceAll('-', ' ')),
    words: known,
    typos: known.map(slip),
  };
}

/** One letter in the middle becomes another: `kolodka` → `kolozka`. */
function slip(word: string): string {
  const at = Math.floor(word.length / 2);
  return `${word.slice(0, at)}${word[at] === 'z' ? 'w' : 'z'}${word.slice(at + 1)}`;
}

const cars = ['cobalt', 'gentra', 'nexia', 'spark', 'damas', 'vesta', 'camry', 'tracker'];
const categories = ['brake-pads', 'oil-filters', 'radiators', 'spark-plugs', 'shock-absorbers', 'timing-belts'];

/** Stored searches as users make them: a number, words, a brand or a category, some with a price. */
export async function storeSearches(
  client: pg.Client,
  users: readonly string[],
  samples: Samples,
  count: number,
): Promise<void> {
  const searches = Array.from({ length: count }, (_, n) => {
    const [word, car] = [samples.words[n % samples.words.length]!, cars[n % cars.length]!];
    const part = samples.parts[n % samples.parts.length]!.replace(/\W/g, '');
    const [q, filters] = [
      [undefined, { part }],
      [`${word} ${car}`, {}],
      [word, { price_max: 500_000, currency: 'UZS' }],
      [undefined, { categories: [categoryId(categories[n % categories.length]!)], condition: 'used' }],
      [undefined, { brands: [word], intent: 'sell' }],
    ][n % 5] as [string | undefined, object];
    const wanted = wantedOf(q, filters);
    return { user_id: users[n % users.length], wanted, anchors: anchorsOf(q, wanted) };
  });
  await client.query(
    `insert into saved_searches (id, user_id, name, filters, wanted, anchors, created_at)
     select gen_random_uuid(), user_id, 'bench', '{}', wanted, anchors, now()
     from jsonb_to_recordset($1::jsonb) as given (user_id uuid, wanted jsonb, anchors text[])`,
    [JSON.stringify(searches)],
  );
}

/** What the statements of one piece of work are: the same that the server would run. */
export async function recordStatements(work: () => Promise<unknown>): Promise<{ text: string; values: unknown[] }[]> {
  const recorded: { text: string; values: unknown[] }[] = [];
  const query = pg.Client.prototype.query;
  // biome-ignore lint/suspicious/noExplicitAny: every form of `query`
  pg.Client.prototype.query = function (this: pg.Client, ...given: any[]) {
    const [first, values] = given;
    if (typeof first === 'string') recorded.push({ text: first, values: Array.isArray(values) ? values : [] });
    else recorded.push({ text: first.text, values: first.values ?? [] });
    return Reflect.apply(query, this, given);
  } as typeof query;
  try {
    await work();
  } finally {
    pg.Client.prototype.query = query;
  }
  return recorded;
}
