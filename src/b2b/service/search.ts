import { sql } from 'kysely';
import type { Context } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { type Condition, hasPart } from './filters.ts';
import { readQuery, type TextQuery, wantedQuery, wordsQuery } from './normalise.ts';

type Scope = Pick<Context, 'em'>;

/** How a text is looked for, one after the other until a step finds something. */
export const steps = ['part', 'words', 'typo'] as const;
export type Step = (typeof steps)[number];

/** A text as each step looks for it. */
export interface TextSearch {
  /** null for a step that cannot find anything. */
  conditionOf(step: Step): Promise<Condition | null>;
  /** How near a post is to the text, 0–1. */
  score: Condition;
}

/** The number as it stands, else words by their beginnings, else words that are similar. */
export function searchOf(scope: Scope, q: string): TextSearch {
  const query = readQuery(q);
  const conditions: Record<Step, () => Condition | null | Promise<Condition | null>> = {
    part: () => (query.part === null ? null : hasPart(query.part)),
    words: () => matches(wordsQuery(query)),
    typo: async () => matches(await similarQuery(scope, query)),
  };
  // Titles stand first in the text, so the beginning of it says most.
  const score = sql`round(word_similarity(${firstForms(query).join(' ')}, left(search_norm, 160))::numeric, 4)`;
  return { conditionOf: async step => conditions[step](), score };
}

const matches = (query: string | null): Condition | null =>
  query === null ? null : sql`search_vector @@ to_tsquery('simple', ${query})`;

const firstForms = ({ words }: TextQuery): string[] =>
  words.flatMap(({ pieces }) => pieces.map(forms => forms[0] ?? ''));

const SHORTEST_TYPO = 4;
const MOST_SIMILAR = 8;
/** What `<%` takes for similar: a typo of one letter is far below the 0.6 of PostgreSQL. */
const SIMILARITY = '0.4';

/**
 * The query with each word replaced by those most like it that posts hold. Words are compared with words: comparing them
 * with whole posts takes as long as there are posts. What holds a digit or is short may not differ: another number is
 * another part.
 */
async function similarQuery({ em }: Scope, { words }: TextQuery): Promise<string | null> {
  const mayDiffer = words.map(({ pieces }) => {
    const form = pieces.length === 1 ? pieces[0]![0]! : '';
    return form.length >= SHORTEST_TYPO && !/\d/.test(form) ? form : null;
  });
  if (mayDiffer.every(form => form === null)) return null;
  const found = await em.transactional(async fork => {
    // For this transaction alone: the connection goes back to the pool as it was.
    await fork.execute(`set local pg_trgm.word_similarity_threshold = ${SIMILARITY}`);
    return rows<{ form: string; similar: string[] }>(
      fork as Context['em'],
      sql`select form, array(select word from post_words where form <% word order by similarity(form, word) desc, word limit ${MOST_SIMILAR})
            as similar from unnest(${mayDiffer.filter(form => form !== null)}::text[]) as form`,
    );
  });
  const similarTo = new Map(found.map(({ form, similar }) => [form, similar]));
  const all = words.map((word, index) => {
    const form = mayDiffer[index];
    return form === null || form === undefined ? wantedQuery(word) : (similarTo.get(form) ?? []).join(' | ');
  });
  return all.includes('') ? null : all.map(one => `(${one})`).join(' & ');
}
