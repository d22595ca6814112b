import { sql } from 'kysely';
import type { Context } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { type Findable, formsOfPost, normaliseText, type SearchForms } from './normalise.ts';

type Scope = Pick<Context, 'em'>;

/**
 * All forms in which a post is found: by its category and brands in every language, not only by what it says. Its words
 * become known, so that misspelt ones lead to them.
 */
export async function searchForms(
  scope: Scope,
  post: Findable & { categoryId?: string | null | undefined },
): Promise<SearchForms> {
  const brands = [post.brand, ...post.fitments.map(({ make }) => make)].filter(brand => brand != null);
  const found = await rows<{ words: string }>(
    scope.em,
    sql`select search_norm as words from categories where id = ${post.categoryId ?? null}::uuid union all
        select array_to_string(keys, ' ') from brands where keys && ${brands.map(normaliseText)}::text[]`,
  );
  const forms = formsOfPost(post, found.map(({ words }) => words).join(' '));
  await learnWords(scope, [forms.searchNorm]);
  return forms;
}

const isWord = (word: string): boolean => word.length >= 4 && word.length <= 40 && !/\d/.test(word);

/** In the order of the alphabet: two posts with the same new words wait for each other, and do not lock each other out. */
export async function learnWords({ em }: Scope, searchNorms: readonly string[]): Promise<void> {
  const words = [...new Set(searchNorms.flatMap(text => text.split(' ')))].filter(isWord).sort();
  await rows(
    em,
    sql`insert into post_words (word) select word from unnest(${words}::text[]) as given (word)
        where not exists (select from post_words known where known.word = given.word) order by word on conflict do nothing`,
  );
}
