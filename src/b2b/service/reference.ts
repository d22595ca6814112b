import { sql } from 'kysely';
import type { Context } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { AppError } from '../../common/errors.ts';

/** Throws validation_failed. */
export async function ensureCategory({ em }: Pick<Context, 'em'>, categoryId: string): Promise<void> {
  const found = await rows(em, sql`select 1 from categories where id = ${categoryId}`);
  if (found.length === 0)
    throw new AppError('validation_failed', { fields: [{ path: 'category_id', code: 'unknown' }] });
}
