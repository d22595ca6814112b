import { normalisePart } from '../../b2b/service/normalise.ts';

const MOST = 20;
/** Words of letters and digits, joined by dashes, dots or strokes, that hold a digit. */
const candidates = /(?<![\p{L}\p{N}+])[0-9A-Za-zА-Яа-я]+(?:[-./][0-9A-Za-zА-Яа-я]+)*(?![\p{L}\p{N}])/gu;

/** The part numbers that a message names, in the form in which all their spellings are one. */
export function partNumbersOf(text: string | undefined): string[] {
  if (text === undefined || !/\d{2}/.test(text)) return [];
  const found = new Set<string>();
  for (const word of text.match(candidates) ?? []) {
    const form = partNumberOf(word);
    if (form !== null && found.size < MOST) found.add(form);
  }
  return [...found];
}

/** Where a text names a part number that is given in this form; -1: nowhere. */
export function placeOfPart(text: string, form: string): number {
  for (const { 0: word, index } of text.matchAll(candidates)) if (normalisePart(word) === form) return index;
  return -1;
}

/** Prices, dates, phone numbers and quantities are numbers too; a part number is at least 5 long and has 3 digits. */
function partNumberOf(word: string): string | null {
  if (!/\d.*\d.*\d/.test(word)) return null;
  const form = normalisePart(word);
  if (form.length < 5 || form.length > 24) return null;
  if (/^\d{1,2}[-./]\d{1,2}[-./]\d{2,4}$|^\d{4}[-./]\d{2}[-./]\d{2}$/.test(word)) return null;
  if (/^\d{1,3}([./]\d{3})+$|^998\d{9}$/.test(word)) return null;
  return /\D/.test(word) || (form.length >= 7 && !form.endsWith('000')) ? form : null;
}
