import type { z } from 'zod';
import type { Config } from '../config.ts';
import { AppError } from './errors.ts';
import { currentKey, hmac, keysFor, sameBytes } from './keys.ts';

/** What a cursor is bound to: the list's name, the user, the filters. A cursor of another list or user is refused. */
export type CursorScope = readonly [list: string, userId: string | null, filters?: object];

const MAC_BYTES = 12;

/** `base64url(JSON).base64url(HMAC)`: opaque to clients, and of no use elsewhere. */
export function writeCursor({ config }: { config: Config }, scope: CursorScope, position: unknown): string {
  const body = Buffer.from(JSON.stringify(position)).toString('base64url');
  return `${body}.${mac(currentKey(config, 'cursor'), scope, body).toString('base64url')}`;
}

/** The position behind a cursor, null for the first page; a damaged or foreign one is `invalid_cursor`. */
export function readCursor<T>(
  { config }: { config: Config },
  scope: CursorScope,
  cursor: string | null | undefined,
  schema: z.ZodType<T>,
): T | null {
  if (cursor === null || cursor === undefined) return null;
  const [, body, given] = /^([\w-]+)\.([\w-]{16})$/.exec(cursor) ?? [];
  if (!body || !given) throw new AppError('invalid_cursor');
  const bytes = Buffer.from(given, 'base64url');
  if (!keysFor(config, 'cursor').some(key => sameBytes(mac(key, scope, body), bytes)))
    throw new AppError('invalid_cursor');
  const position = schema.safeParse(JSON.parse(Buffer.from(body, 'base64url').toString()));
  if (!position.success) throw new AppError('invalid_cursor');
  return position.data;
}

/** One row more than the page was read: whether there is more, and where it goes on. */
export function cutPage<Row>(found: readonly Row[], limit: number): { page: Row[]; last: Row | null } {
  const page = found.slice(0, limit);
  return { page, last: found.length > limit ? page.at(-1)! : null };
}

function mac(key: Buffer, scope: CursorScope, body: string): Buffer {
  return hmac(key, JSON.stringify(scope), body).subarray(0, MAC_BYTES);
}
