import { createHash, randomBytes, randomFillSync, randomUUIDv7 } from 'node:crypto';

const idBytes = Buffer.alloc(36);

/**
 * A UUIDv7 (RFC 9562): made here, because `uuidv7()` needs PostgreSQL 18 and production may run 15. In one piece: Node
 * joins it from many, and V8 takes twice as long for the JSON of whatever holds such a string.
 */
export function newId(): string {
  idBytes.write(randomUUIDv7(), 'latin1');
  return idBytes.toString('latin1');
}

/** The same id for the same name, in the form of a UUIDv7. */
export function namedId(name: string): string {
  const hex = createHash('sha256').update(`parthub/${name}`).digest('hex');
  const variant = '89ab'[Number.parseInt(hex[16]!, 16) % 4];
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export function isUuid(value: unknown): value is string {
  return typeof value === 'string' && uuidPattern.test(value);
}

/** One call of the system serves many words. */
const pool = Buffer.alloc(4_096);
let taken = pool.length;

/** A short random word for request ids and file names: 96 bits, URL-safe. */
export function randomToken(bytes = 12): string {
  if (bytes > pool.length) return randomBytes(bytes).toString('base64url');
  if (taken + bytes > pool.length) {
    randomFillSync(pool);
    taken = 0;
  }
  taken += bytes;
  return pool.toString('base64url', taken - bytes, taken);
}
