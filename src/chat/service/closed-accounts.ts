import { type RawBuilder, sql } from 'kysely';

/** Whether the account `alias` of `users` takes no messages: banned, deleted, or given up with its number. */
export function isClosed(alias: string, now: Date): RawBuilder<boolean> {
  const column = (name: string) => sql.ref(`${alias}.${name}`);
  return sql`(${column('deleted_at')} is not null or ${column('set_aside_at')} is not null or (${column('blocked_at')} is not null
    and (${column('blocked_until')} is null or ${column('blocked_until')} > ${now})))`;
}
