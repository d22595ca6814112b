import type { ResolvedFilters, Wanted } from '../entities/saved-searches.ts';
import { readQuery, wordsQuery } from './normalise.ts';

export function wantedOf(q: string | undefined, filters: ResolvedFilters): Wanted {
  if (q === undefined || q.trim() === '') return filters;
  return { ...filters, words: wordsQuery(readQuery(q)) ?? '' };
}

const WORD_START = 3;
const start = (form: string): string => `word:${form.slice(0, WORD_START)}`;

/**
 * What a post must have, at least one of it, to be worth a closer look: the rarest thing that the search asks for. With an
 * index of these a post meets the few searches that may want it, not all that are stored.
 */
export function anchorsOf(q: string | undefined, { part, brands, categories, author }: Wanted): string[] {
  if (part !== undefined) return [`part:${part}`];
  if (author !== undefined) return [`author:${author}`];
  if (q !== undefined && q.trim() !== '') return wordAnchors(q);
  if (brands !== undefined) return brands.map(brand => `brand:${brand}`);
  if (categories !== undefined) return categories.map(category => `category:${category}`);
  return ['any'];
}

/** The longest word in all its forms, and the beginnings of numbers that are found in one piece as well. */
function wordAnchors(q: string): string[] {
  const { part, words } = readQuery(q);
  const pieces = words.flatMap(word => word.pieces);
  const [longest = []] = pieces.toSorted((a, b) => (b[0]?.length ?? 0) - (a[0]?.length ?? 0));
  const numbers = [...(part === null ? [] : [part.toLowerCase()]), ...words.flatMap(word => word.numbers)];
  return [...new Set([...longest, ...numbers].map(start))];
}

export interface Anchored {
  authorId: string;
  categoryId: string | null;
  /** All that people call its brand. */
  brands: readonly string[];
  partNorm: readonly string[];
  searchNorm: string;
}

/** Everything that a search may be anchored to that this post fits. */
export function anchorsOfPost({ authorId, categoryId, brands, partNorm, searchNorm }: Anchored): string[] {
  const words = searchNorm.split(' ').flatMap(word => [1, 2, WORD_START].map(length => start(word.slice(0, length))));
  const parts = partNorm.map(part => `part:${part}`);
  const makers = brands.map(brand => `brand:${brand}`);
  return ['any', `author:${authorId}`, `category:${categoryId}`, ...makers, ...parts, ...new Set(words)];
}
