import { normalisePart } from '../../b2b/service/normalise.ts';

const MOST = 20;
/** Words of letters and digits, joined by dashes, dots or strokes, that hold a digit. */
const candidates = /(?<![\p{L}\p{N}+])[0-9A-Za-zА-Яа-я]+(?:[-./][0-9A-Za-zА-Яа-я]+)*(?![\p{L}\p{N}])/gu;

/** The part numbers that a message names, in the form in which all their spellings are one. */
export function partNumbersOf(text: string | undefined): string[] {
  if (text === undefined || !/\d{2}/.test(text)) return [];
  const words = text.match(candidates) ?? [];
  return [...new Set(words.filter(isPartNumber).map(normalisePart))].slice(0, MOST);
}

/** Prices, dates, phone numbers and quantities are numbers too; a part number is at least 5 long and has 3 digits. */
function isPartNumber(word: string): boolean {
  const form = normalisePart(word);
  if (form.length < 5 || form.length > 24 || form.replace(/\D/g, '').length < 3) return false;
  if (/^\d{1,2}[-./]\d{1,2}[-./]\d{2,4}$|^\d{4}[-./]\d{2}[-./]\d{2}$/.test(word)) return false;
  if (/^\d{1,3}([./]\d{3})+$|^998\d{9}$/.test(word)) return false;
  return /\D/.test(word) || (form.length >= 7 && !form.endsWith('000'));
}
