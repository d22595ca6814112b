import { type RawBuilder, sql } from 'kysely';

/** SQL: whether the account `alias` of `users` takes no messages: banned, deleted, or given up with its number. */
export function closedAccount(alias: string, now: string): string {
  return `(${alias}.deleted_at is not null or ${alias}.set_aside_at is not null or (${alias}.blocked_at is not null
    and (${alias}.blocked_until is null or ${alias}.blocked_until > ${now})))`;
}

export function isClosed(alias: string, now: Date): RawBuilder<boolean> {
  return sql.raw(closedAccount(alias, `'${now.toISOString()}'::timestamptz`));
}
