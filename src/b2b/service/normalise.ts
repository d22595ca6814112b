/**
 * The forms in which posts are found (rest.md, section 5). Raw text is never indexed: Uzbek is written in two scripts with
 * half a dozen apostrophes, and part numbers with or without dashes and with Cyrillic letters that look Latin.
 */
const homoglyphs: Record<string, string> = {
  А: 'A', В: 'B', Е: 'E', К: 'K', М: 'M', Н: 'H', О: 'O', Р: 'P', С: 'C', Т: 'T', У: 'Y', Х: 'X',
}; // biome-ignore format: a table

/** `90919-02252` = `90919 02252` = `9091902252`, Cyrillic `АВ-12` = `AB12`; empty for what holds no letter or digit. */
export function normalisePart(number: string): string {
  return number
    .normalize('NFKC')
    .toUpperCase()
    .replace(/[АВЕКМНОРСТУХ]/g, letter => homoglyphs[letter]!)
    .replace(/[^0-9A-Z]/g, '');
}

export function normaliseParts(numbers: readonly (string | null | undefined)[]): string[] {
  return [...new Set(numbers.map(number => normalisePart(number ?? '')).filter(Boolean))];
}

const cyrillic: Record<string, string> = {
  ў: 'o', ғ: 'g', қ: 'q', ҳ: 'h', ж: 'j', х: 'x', й: 'y', ц: 'ts', ч: 'ch', ш: 'sh', щ: 'sh', ё: 'yo', ю: 'yu', я: 'ya',
  э: 'e', е: 'e', ы: 'i', ъ: '', ь: '', а: 'a', б: 'b', в: 'v', г: 'g', д: 'd', з: 'z', и: 'i', к: 'k', л: 'l', м: 'm',
  н: 'n', о: 'o', п: 'p', р: 'r', с: 's', т: 't', у: 'u', ф: 'f',
}; // biome-ignore format: a table

/** `Oʻrindiq`, `O'rindiq` and `Ўриндиқ` → `orindiq`: ASCII, so that trigrams and words work in every locale. */
export function normaliseText(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[ʻʼ‘’'´`]/g, '')
    .replace(/[Ѐ-ӿ]/g, letter => cyrillic[letter] ?? letter)
    .replace(/\s+/g, ' ')
    .trim();
}

export interface Findable {
  title: string;
  body?: string | null | undefined;
  brand?: string | null | undefined;
  partNumber?: string | null | undefined;
  oemNumbers: readonly string[];
}

export function searchForms(post: Findable): { partNorm: string[]; searchNorm: string } {
  const numbers = [post.partNumber, ...post.oemNumbers];
  const texts = [post.title, post.brand, ...numbers, post.body].filter(text => text != null);
  return { partNorm: normaliseParts(numbers), searchNorm: normaliseText(texts.join(' ')) };
}
