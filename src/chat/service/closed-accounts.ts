import { type RawBuilder, sql } from 'kysely';
import type { SharedContext } from '../../common/context.ts';
import { rows } from '../../common/database.ts';

/** SQL: whether the account `alias` of `users` takes no messages: banned, deleted, or given up with its number. */
export function closedAccount(alias: string, now: string): string {
  return `(${alias}.deleted_at is not null or ${alias}.set_aside_at is not null or (${alias}.blocked_at is not null
    and (${alias}.blocked_until is null or ${alias}.blocked_until > ${now})))`;
}

export function isClosed(alias: string, now: Date): RawBuilder<boolean> {
  return sql.raw(closedAccount(alias, `'${now.toISOString()}'::timestamptz`));
}

/** One that does not exist takes no messages either. */
export async function isUserClosed({ em, now }: Pick<SharedContext, 'em' | 'now'>, userId: string): Promise<boolean> {
  const [user] = await rows<{ is_closed: boolean }>(
    em,
    sql`select ${isClosed('u', now)} as is_closed from users u where u.id = ${userId}`,
  );
  return user?.is_closed ?? true;
}
