import { sql } from 'kysely';
import type { UseCase } from '../../common/context.ts';
import { type Orm, rows } from '../../common/database.ts';
import type { operations } from '../contract.ts';

const LEASE_MS = 60_000;

export interface Focus {
  /** This connection shows a thread of the caller for the next 60 s, or none; of a foreign one nothing is kept. */
  focus: UseCase<typeof operations.focusThread>;
  /** A connection that is gone shows nothing any more; where that cannot be written, the lease ends by itself. */
  leave(connection: string): Promise<void>;
}

/** Which connections of this node show what. Each word is one statement, so that the last word of a connection is awaited. */
export function createFocus(orm: Orm): Focus {
  const told = new Map<string, Promise<unknown>>();
  return {
    async focus({ em, actor, connection, now }, { thread_id }) {
      if (connection === undefined) return {};
      const written = rows(
        em,
        sql`with shown as (
              select thread_id from participants
              where thread_id = ${thread_id} and user_id = ${actor.userId} and removed_at is null
            ), ended as (
              delete from focus_leases where connection = ${connection} and not exists (select from shown)
                or user_id = ${actor.userId} and expires_at < ${now} and connection <> ${connection}
            )
            insert into focus_leases (connection, user_id, thread_id, expires_at)
            select ${connection}, ${actor.userId}, thread_id, ${new Date(now.getTime() + LEASE_MS)} from shown
            on conflict (connection) do update set thread_id = excluded.thread_id, expires_at = excluded.expires_at`,
      );
      told.set(connection, written);
      await written;
      return {};
    },
    async leave(connection) {
      const last = told.get(connection);
      if (!last) return;
      told.delete(connection);
      await last.catch(() => {});
      await rows(orm.em.fork(), sql`delete from focus_leases where connection = ${connection}`);
    },
  };
}
