import { sql } from 'kysely';
import type { Context } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { isPlainObject } from '../../common/payload.ts';

/** S-67: whose account was deleted by then has no name in the copies of reports either. */
export async function blankNames({ em }: Pick<Context, 'em'>, deletedBy: Date): Promise<void> {
  const found = await rows<{ id: string; user_ids: string[]; copy: unknown }>(
    em,
    sql`select r.id, r.copy, array_agg(u.id) as user_ids from reports r join users u on u.id in (r.reporter_id, r.subject_id)
        where u.deleted_at <= ${deletedBy} and jsonb_path_exists(
          r.copy, '$.** ? (@.id == $id && @.display_name != null)', jsonb_build_object('id', u.id))
        group by r.id`,
  );
  for (const { id, user_ids, copy } of found)
    await rows(em, sql`update reports set copy = ${JSON.stringify(blanked(copy, new Set(user_ids)))} where id = ${id}`);
}

const NAMELESS = { display_name: null, company_name: null, avatar_url: null };

function blanked(value: unknown, userIds: ReadonlySet<unknown>): unknown {
  if (Array.isArray(value)) return value.map(one => blanked(one, userIds));
  if (!isPlainObject(value)) return value;
  const isNamed = 'display_name' in value && userIds.has(value['id']);
  const fields = Object.entries(value).map(([name, field]) => [name, blanked(field, userIds)]);
  return { ...Object.fromEntries(fields), ...(isNamed && NAMELESS) };
}
