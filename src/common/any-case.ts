/**
 * A regular expression of a text in any case, for PostgreSQL and JavaScript alike. `ilike` would not do: in a database of
 * the locale C it knows the two cases of ASCII alone.
 */
export function inAnyCase(text: string): string {
  return Array.from(text, inBothCases).join('');
}

/** Capitals that `toUpperCase` makes of no letter. */
const rareCapitals: Readonly<Record<string, string>> = { i: 'İ', ß: 'ẞ' };

function inBothCases(letter: string): string {
  // What is longer in the other case is compared by its first part, or stands for itself: İ is i with a dot, ß would be SS.
  const [small = letter] = letter.toLowerCase();
  const capital = letter.toUpperCase();
  const forms = new Set([letter, small, [...capital].length === 1 ? capital : letter, rareCapitals[small] ?? letter]);
  return forms.size > 1 ? `[${[...forms].join('')}]` : letter.replace(/[$()*+./?[\\\]^{|}]/, '\\$&');
}
