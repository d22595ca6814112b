import type { Fitment, NormalFitment } from '../entities.ts';

/**
 * The forms in which posts are found (rest.md, section 5). Raw text is never indexed: Uzbek is written in two scripts with
 * half a dozen apostrophes, and part numbers with or without dashes and with Cyrillic letters that look Latin.
 */
const homoglyphs: Record<string, string> = {
  А: 'A', В: 'B', Е: 'E', К: 'K', М: 'M', Н: 'H', О: 'O', Р: 'P', С: 'C', Т: 'T', У: 'Y', Х: 'X',
}; // biome-ignore format: a table

/** `90919-02252` = `90919 02252` = `9091902252`, Cyrillic `АВ-12` = `AB12`; empty for what holds no letter or digit. */
export function normalisePart(number: string): string {
  const isAscii = /^[\x20-\x7e]*$/.test(number);
  const latin = isAscii
    ? number.toUpperCase()
    : number
        .normalize('NFKC')
        .toUpperCase()
        .replace(/[АВЕКМНОРСТУХ]/g, letter => homoglyphs[letter]!);
  return latin.replace(/[^0-9A-Z]/g, '');
}

function normaliseParts(numbers: readonly (string | null | undefined)[]): string[] {
  return [...new Set(numbers.map(number => normalisePart(number ?? '')).filter(Boolean))];
}

const cyrillic: Record<string, string> = {
  ў: 'o', ғ: 'g', қ: 'q', ҳ: 'h', ж: 'j', х: 'x', й: 'y', ц: 'ts', ч: 'ch', ш: 'sh', щ: 'sh', ё: 'yo', ю: 'yu', я: 'ya',
  э: 'e', е: 'e', ы: 'i', ъ: '', ь: '', а: 'a', б: 'b', в: 'v', г: 'g', д: 'd', з: 'z', и: 'i', к: 'k', л: 'l', м: 'm',
  н: 'n', о: 'o', п: 'p', р: 'r', с: 's', т: 't', у: 'u', ф: 'f', і: 'i', ә: 'a', ө: 'o', ү: 'u', ң: 'n',
}; // biome-ignore format: a table

/** `Oʻrindiq`, `O'rindiq` and `Ўриндиқ` → `orindiq`: ASCII, so that trigrams and words work in every locale. */
export function normaliseText(text: string): string {
  return piecesOf(plain(text)).map(transliterate).filter(Boolean).join(' ');
}

/** `´` goes first: NFKC makes of it a blank and a loose accent. Other loose accents (`за́мок`, the small `İ`) would cut their word. */
function plain(text: string): string {
  return text
    .replaceAll('´', '')
    .replaceAll('×', 'x')
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[ʻʼ‘’'`\p{M}]/gu, '');
}

/** `1.6` and `1,6` stay one piece, and are not 16. */
function piecesOf(text: string): string[] {
  return text.replace(/(?<=\d)[.,](?=\d)/g, 'p').match(/[\p{L}\p{N}]+/gu) ?? [];
}

function transliterate(word: string): string {
  if (/^[0-9a-z]*$/.test(word)) return word;
  return word
    .replace(/[Ѐ-ӿ]/g, letter => cyrillic[letter] ?? '')
    .normalize('NFD')
    .replace(/[^0-9a-z]/g, '');
}

/** What one Cyrillic letter becomes besides: Russian writes е for ё, Uzbek in Latin s for ц and ye for a first е. */
const habits: readonly ((word: string) => string)[] = [
  word => word.replaceAll('ё', 'е'),
  word => word.replaceAll('ц', 'с'),
  word => word.replace(/^е/, 'йе'),
];

/** Every ASCII form in which somebody may look for a word: `цилиндр` → `tsilindr`, `silindr`; `н7` → `n7`, `h7`. */
function formsOf(piece: string): string[] {
  const code = codeOf(piece);
  if (!/^е|[ёц]/.test(piece)) return [transliterate(piece), code].filter(Boolean);
  const spellings = new Set([piece]);
  for (const habit of habits) for (const spelling of [...spellings]) spellings.add(habit(spelling));
  return [...new Set([...[...spellings].map(transliterate), code])].filter(Boolean);
}

/** A code that is too short for a part number, in Cyrillic letters that look Latin; else nothing. */
function codeOf(piece: string): string {
  if (!/\d/.test(piece) || !/[Ѐ-ӿ]/.test(piece)) return '';
  const latin = normalisePart(piece);
  return latin.length === piece.length ? latin.toLowerCase() : '';
}

/** A word of a text, and every form of it. */
export interface Spelled {
  word: string;
  forms: string[];
}

export function spell(text: string): Spelled[] {
  return piecesOf(plain(text))
    .map(word => ({ word, forms: formsOf(word) }))
    .filter(({ forms }) => forms.length > 0);
}

const SHORTEST_NUMBER = 4;
const MOST_OF_A_NUMBER = 40;

/** A number in one piece, `90919-02252` → `9091902252`: null for what holds no digit or is too short or long. */
function numberOf(text: string): string | null {
  if (!/\d/.test(text)) return null;
  const form = normalisePart(text);
  return form.length >= SHORTEST_NUMBER && form.length <= MOST_OF_A_NUMBER ? form : null;
}

const MOST_BLANKS = 4;
/** It holds a digit, or is a letter or two before or behind of those that do. */
const isOfNumber = (chunk: string): boolean => /\d|^\p{L}{1,2}[^\p{L}\p{N}]*$/u.test(chunk);

/** What `90919-02252`, `1k0 407 621`, `205/55 r16` and `60 ah` are in one piece; nothing for what is no number. */
function numbersOf(chunks: readonly string[]): string[] {
  if (chunks.length === 1) return [numberOf(chunks[0]!)?.toLowerCase() ?? []].flat();
  const number = chunks.flatMap(piecesOf).join('');
  const isLong = number.length >= SHORTEST_NUMBER || /\p{L}/u.test(number);
  return isLong && /\d/.test(number) && number.length <= MOST_OF_A_NUMBER ? formsOf(number) : [];
}

/** The last chunk that may belong to one number with this one. */
function endOfNumber(chunks: readonly string[], at: number): number {
  let end = at;
  while (end < Math.min(at + MOST_BLANKS, chunks.length - 1)) {
    const goesOn = /[\p{L}\p{N}]$/u.test(chunks[end]!) && (end === at || /\d/.test(chunks[end]!));
    if (!goesOn || !isOfNumber(chunks[end]!) || !isOfNumber(chunks[end + 1]!)) break;
    end += 1;
  }
  return end;
}

/** The words of a query; a number with blanks is one of them. */
function withBlanks(chunks: readonly string[]): string[][] {
  const words: string[][] = [];
  for (let at = 0; at < chunks.length; at += words.at(-1)!.length) {
    const number = chunks.slice(at, endOfNumber(chunks, at) + 1);
    words.push(number.some(chunk => /\d/.test(chunk)) ? number : [chunks[at]!]);
  }
  return words;
}

/** One word of a query: it is found by the beginning of any of its forms. */
export interface Wanted {
  /** Words of a joined number (`90919-02252`): all of them, or the number in one piece. */
  pieces: string[][];
  numbers: string[];
}

export interface TextQuery {
  /** The whole query as a part number, if it looks like one: at least 4 characters and a digit. */
  part: string | null;
  words: Wanted[];
}

export function readQuery(q: string): TextQuery {
  const words = withBlanks(plain(q).split(/\s+/))
    .map(chunks => ({ pieces: chunks.flatMap(piecesOf).map(formsOf), numbers: numbersOf(chunks) }))
    .map(({ pieces, numbers }) => ({ pieces: pieces.filter(forms => forms.length > 0), numbers }))
    .filter(({ pieces, numbers }) => pieces.length + numbers.length > 0);
  return { part: numberOf(q), words };
}

/** For `to_tsquery('simple', …)`: every word as a beginning; null for a query without letters and digits. */
export function wordsQuery({ part, words }: TextQuery): string | null {
  if (words.length === 0) return null;
  const all = words.map(wantedQuery).join(' & ');
  return part === null ? all : `(${all}) | ${part.toLowerCase()}:*`;
}

export function wantedQuery({ pieces, numbers }: Wanted): string {
  const all = pieces.map(forms => `(${forms.map(form => `${form}:*`).join(' | ')})`).join(' & ');
  return `(${[...(all === '' ? [] : [all]), ...numbers.map(number => `${number}:*`)].join(' | ')})`;
}

export interface Findable {
  title: string;
  body?: string | null | undefined;
  brand?: string | null | undefined;
  city?: string | null | undefined;
  partNumber?: string | null | undefined;
  oemNumbers: readonly string[];
  fitments: readonly Fitment[];
}

export interface SearchForms {
  partNorm: string[];
  searchNorm: string;
  brandNorm: string | null;
  cityNorm: string | null;
  fitsNorm: NormalFitment[];
  fitsKeys: string[];
}

/** A make, a model or both, as fitments are indexed: `chevrolet/`, `/cobalt`, `chevrolet/cobalt`. */
export const fitKey = (make: string, model = ''): string => `${make}/${model}`;

/** All forms in which a post is found; `otherWords` are the normalised names of its category and brands. */
export function formsOfPost(post: Findable, otherWords: string): SearchForms {
  const numbers = [post.partNumber, ...post.oemNumbers].filter(number => number != null);
  const cars = post.fitments.flatMap(({ make, model }) => [make, model ?? '']);
  const texts = [post.title, post.brand ?? '', ...numbers, ...cars, post.body ?? ''];
  const partNorm = normaliseParts(numbers);
  const fitsNorm = post.fitments.map(normalFitment);
  // The numbers in one piece too, whatever separates theirs, so that their beginnings are found.
  const inOnePiece = partNorm.map(part => part.toLowerCase());
  const words = new Set([...texts.flatMap(indexedWords), ...inOnePiece, ...otherWords.split(' ')]);
  return {
    partNorm,
    searchNorm: [...words].filter(Boolean).join(' '),
    brandNorm: normaliseText(post.brand ?? '') || null,
    cityNorm: normaliseText(post.city ?? '') || null,
    fitsNorm,
    fitsKeys: [...new Set(fitsNorm.flatMap(keysOfFitment))],
  };
}

const normalFitment = ({ make, model, year_from, year_to }: Fitment): NormalFitment => ({
  ...{ make: normaliseText(make), model: normaliseText(model ?? '') || null },
  ...{ from: year_from ?? null, to: year_to ?? null },
});

const keysOfFitment = ({ make, model }: NormalFitment): string[] =>
  model === null ? [fitKey(make)] : [fitKey(make), fitKey('', model), fitKey(make, model)];

/** A joined number is found in pieces and in one, and so is one that is written with blanks. */
export function indexedWords(text: string): string[] {
  const chunks = plain(text).split(/\s+/);
  const words = chunks.flatMap(chunk => [...piecesOf(chunk).flatMap(formsOf), ...numbersOf([chunk])]);
  return [...words, ...spacedNumbers(chunks)];
}

/** A price list is found by its numbers as they stand. */
const MOST_SPACED = 200;

function spacedNumbers(chunks: readonly string[]): string[] {
  const found: string[] = [];
  for (let at = 0; at < chunks.length && found.length < MOST_SPACED; at += 1)
    for (let end = endOfNumber(chunks, at); end > at; end -= 1) found.push(...numbersOf(chunks.slice(at, end + 1)));
  return found;
}
