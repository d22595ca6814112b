import { argon2, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { AppError } from '../common/errors.ts';
import { sameBytes } from '../common/keys.ts';

const deriveAsync = promisify(argon2);

/** OWASP's second choice for Argon2id: about 57 ms and 19 MiB each, on a thread of the pool. */
const COST = { memory: 19_456, passes: 2, parallelism: 1, tagLength: 32 } as const;
const MAX_AT_ONCE = 4;
/** Whoever came later would wait for longer than people do. */
const MAX_WAITING = 200;
const MIN_LENGTH = 8;
const MAX_LENGTH = 128;

let running = 0;
const waiting: (() => void)[] = [];

/** At most 4 at once: logins wait for each other, everything else goes on. Throws server_busy when too many wait. */
async function derive(password: string, nonce: Buffer): Promise<Buffer> {
  if (waiting.length >= MAX_WAITING) throw new AppError('server_busy', { retry_after_ms: 5_000 });
  if (running >= MAX_AT_ONCE) await new Promise<void>(resolve => waiting.push(resolve));
  else running += 1;
  try {
    return await deriveAsync('argon2id', { ...COST, message: Buffer.from(password.normalize('NFC')), nonce });
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }
}

/** In the PHC string form, so that the cost can be raised later. */
export async function hashPassword(password: string): Promise<string> {
  const nonce = randomBytes(16);
  const tag = await derive(password, nonce);
  const { memory, passes, parallelism } = COST;
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${base64(nonce)}$${base64(tag)}`;
}

const dummyNonce = randomBytes(16);

/** Takes the same time without a hash, so that nobody learns which numbers have a password. */
export async function isPassword(password: string, hash: string | null): Promise<boolean> {
  const [, , , , nonce, tag] = hash?.split('$') ?? [];
  const derived = await derive(password.slice(0, MAX_LENGTH * 2), nonce ? Buffer.from(nonce, 'base64') : dummyNonce);
  const isWhole = password.length <= MAX_LENGTH * 2; // of a longer one the rest was not looked at
  return tag !== undefined && isWhole && sameBytes(derived, Buffer.from(tag, 'base64'));
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}

const commonPasswords = new Set(
  readFileSync(new URL('./common-passwords.txt', import.meta.url), 'utf8')
    .split('\n')
    .filter(line => !line.startsWith('#')),
);

/** Length, the common list, the own phone: no rules of composition. Throws weak_password with every reason. */
export function ensureStrong(password: string, phone: string): void {
  const length = [...password].length;
  const lower = password.toLowerCase();
  const reasons = [
    length < MIN_LENGTH && 'too_short',
    length > MAX_LENGTH && 'too_long',
    (commonPasswords.has(lower) || lower.includes('parthub') || /^(.)\1+$/u.test(password)) && 'common',
    password.replace(/\D/g, '').includes(phone.slice(-9)) && 'contains_phone',
  ].filter(reason => reason !== false);
  if (reasons.length > 0) throw new AppError('weak_password', { reasons });
}
