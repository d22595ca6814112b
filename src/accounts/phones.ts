import parsePhone, { type CountryCode } from 'libphonenumber-js/max';
import { AppError } from '../common/errors.ts';
import type { Config } from '../config.ts';

/** Mobile prefixes of Uzbekistan; libphonenumber calls some of them fixed lines. */
const uzbekMobile = /^\+998(20|33|50|70|77|80|87|88|9[0-57-9])\d{7}$/;
const allowedTypes = new Set(['MOBILE', 'FIXED_LINE_OR_MOBILE']);

/** What people type → E.164. Throws invalid_phone, or phone_not_supported for what no code is sent to. */
export function readPhone(config: Config, typed: string): string {
  const digits = plainDigits(typed);
  const phone = /^\d{9}$/.test(digits)
    ? `+998${digits}`
    : digits.startsWith('+')
      ? digits
      : `+${digits.replace(/^00/, '')}`;
  if (!/^\+[1-9]\d{7,14}$/.test(phone)) throw new AppError('invalid_phone');
  if (!isSupported(config, phone)) throw new AppError('phone_not_supported');
  return phone;
}

/** `(90) 123-45-67`, full-width and Arabic digits alike; a letter or an extension makes it no number. */
function plainDigits(typed: string): string {
  return typed
    .trim()
    .normalize('NFKC')
    .replace(/\p{Nd}/gu, digit => String(digitValue(digit)))
    .replace(/[\s().-]/g, '');
}

/** Decimal digits of every script come in runs of ten from zero (Unicode, Nd). */
function digitValue(digit: string): number {
  const point = digit.codePointAt(0)!;
  for (let zero = point; ; zero -= 1)
    if (!/\p{Nd}/u.test(String.fromCodePoint(zero - 1)) || point - zero === 9) return point - zero;
}

function isSupported(config: Config, phone: string): boolean {
  const parsed = parsePhone(phone);
  if (!parsed?.isPossible() || !config.ALLOWED_PHONE_COUNTRIES.includes(countryOf(phone, parsed.country))) return false;
  return uzbekMobile.test(phone) || (parsed.isValid() && allowedTypes.has(parsed.getType() ?? ''));
}

function countryOf(phone: string, parsed: CountryCode | undefined): string {
  return parsed ?? (phone.startsWith('+998') ? 'UZ' : '');
}
