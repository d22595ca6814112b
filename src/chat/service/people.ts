import { sql } from 'kysely';
import type { SharedContext } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import type { SharedThread } from '../contract/shapes.ts';

export type Person = SharedThread['participants'][number]['user'];

/** What others may see of these users, in one query. */
export async function loadPeople(ctx: SharedContext, ids: Iterable<string>): Promise<ReadonlyMap<string, Person>> {
  const wanted = [...new Set(ids)];
  const found = await rows<{ id: string; full_name: string | null; company_name: string | null; is_verified: boolean }>(
    ctx.em,
    sql`select u.id, u.full_name, p.company_name, coalesce(p.is_verified, false) as is_verified
        from users u left join b2b_profiles p on p.user_id = u.id where u.id = any(${wanted}::uuid[])`,
  );
  return new Map(
    found.map(({ id, full_name, company_name, is_verified }) => [
      id,
      {
        id,
        display_name: full_name ?? company_name ?? `User ${id.slice(-4)}`,
        company_name,
        avatar_url: null,
        is_verified,
      },
    ]),
  );
}
