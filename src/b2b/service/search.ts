import { sql } from 'kysely';
import type { Context } from '../../common/context.ts';
import type { Condition } from './filters.ts';
import { readQuery, type TextQuery, wantedQuery, wordsQuery } from './normalise.ts';

/** How a text is looked for, one after the other until a step finds something. */
export const steps = ['part', 'words', 'typo'] as const;
export type Step = (typeof steps)[number];

/** A text as each step looks for it; a step that cannot find anything is missing. */
export interface TextSearch {
  steps: { step: Step; condition: Condition }[];
  /** How near a post is to the text, 0–1. */
  score: Condition;
}

/** The number as it stands, else words by their beginnings, else words that are similar. */
export function searchOf(q: string): TextSearch {
  const query = readQuery(q);
  const words = wordsQuery(query);
  const typo = similarTo(query);
  return {
    steps: [
      ...(query.part === null ? [] : [{ step: 'part' as const, condition: sql`part_norm @> array[${query.part}]` }]),
      ...(words === null ? [] : [{ step: 'words' as const, condition: matches(words) }]),
      ...(typo === null ? [] : [{ step: 'typo' as const, condition: typo }]),
    ],
    // Titles stand first in the text, so the beginning of it says most.
    score: sql`round(word_similarity(${lettersOf(query)}, left(search_norm, 160))::numeric, 4)`,
  };
}

const matches = (query: string): Condition => sql`to_tsvector('simple', search_norm) @@ to_tsquery('simple', ${query})`;

const SHORTEST_TYPO = 4;
const MOST_SIMILAR = 5_000;
const isSimilarable = (form: string | undefined): form is string =>
  form !== undefined && form.length >= SHORTEST_TYPO && !/\d/.test(form);

/** Each word alone must be similar. What holds a digit or is short may not differ: another number is another part. */
function similarTo({ words }: TextQuery): Condition | null {
  const firstForms = words.map(({ pieces }) => (pieces.length === 1 ? pieces[0]![0] : undefined));
  if (!firstForms.some(isSimilarable)) return null;
  const conditions = words.map((wanted, index) => {
    const form = firstForms[index];
    return isSimilarable(form) ? sql`${form} <% search_norm` : matches(wantedQuery(wanted));
  });
  // Looked up apart, by the index of trigrams alone: no other order of the board is worth comparing every post for.
  return sql`id = any(array(select id from posts where ${sql.join(conditions, sql` and `)} limit ${MOST_SIMILAR}))`;
}

/** What `<%` takes for similar; a typo in one word of a whole post is far below the 0.6 of PostgreSQL. */
const SIMILARITY = '0.4';

/** For this query alone: the connection goes back to the pool as it was. */
export function withSimilarity<T>({ em }: Pick<Context, 'em'>, work: (em: Context['em']) => Promise<T>): Promise<T> {
  return em.transactional(async fork => {
    await fork.execute(`set local pg_trgm.word_similarity_threshold = ${SIMILARITY}`);
    return work(fork as Context['em']);
  });
}

const lettersOf = ({ words }: TextQuery): string =>
  words.flatMap(({ pieces }) => pieces.map(forms => forms[0] ?? '')).join(' ');
