import { sql } from 'kysely';
import { ensureStaff } from '../../accounts/service/staff-actions.ts';
import type { Actor, Context } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { AppError } from '../../common/errors.ts';
import { MOST_COUNTED } from '../contract/resources.ts';
import type { Resource } from '../registry.ts';
import { resources } from '../resources.ts';
import {
  columnsOf,
  conditions,
  keyOf,
  ordered,
  presentChange,
  presentRow,
  type Row,
  selection,
  tableOf,
  type Values,
} from './select.ts';

export interface Page<R> {
  results: R[];
  count: number;
  page: number;
}

interface Paging {
  page: number;
  page_size: number;
}

/** Where a page begins; throws validation_failed behind the last row that is counted. */
function offsetOf({ page, page_size }: Paging): number {
  const offset = (page - 1) * page_size;
  if (offset >= MOST_COUNTED) throw new AppError('validation_failed', { fields: [{ path: 'page', code: 'too_big' }] });
  return offset;
}

/** A page of records; the count stops at 10,000. Throws permission_denied, validation_failed. */
export function listRecords(resource: Resource) {
  return async (ctx: Context, input: Values & Paging): Promise<Page<Row>> => {
    ensureStaff(ctx.actor, resource.view);
    const [columns, offset] = [columnsOf(resource, false), offsetOf(input)];
    const where = conditions(resource, input, ctx.actor);
    const order = ordered(resource, input['ordering'] as string | undefined);
    // What a column looks up elsewhere is looked up for the rows of the page alone.
    const found = await rows<Record<string, unknown>>(
      ctx.em,
      sql`select ${selection(resource, columns)} from (
            select * from ${tableOf(resource)} where ${where} order by ${order} limit ${input.page_size} offset ${offset}) t
          order by ${order}`,
    );
    const counted = await rows<{ count: number }>(
      ctx.em,
      sql`select count(*)::int as count from (select from ${tableOf(resource)} where ${where} limit ${MOST_COUNTED}) c`,
    );
    const results = found.map(row => presentRow(row, columns, ctx.actor));
    return { results, count: counted[0]!.count, page: input.page };
  };
}

/** One record, whole. Throws permission_denied, not_found. */
export function getRecord(resource: Resource) {
  return async (ctx: Context, { id }: { id: string }): Promise<Row> => {
    ensureStaff(ctx.actor, resource.view);
    return presentRecord(ctx, resource, id);
  };
}

export async function presentRecord(ctx: Context, resource: Resource, id: string): Promise<Row> {
  const columns = columnsOf(resource, true);
  const [row] = await rows<Record<string, unknown>>(
    ctx.em,
    sql`select ${selection(resource, columns)} from ${tableOf(resource)}
        where ${keyOf(resource)} = ${id} and ${resource.only ?? sql`true`}`,
  );
  if (!row) throw new AppError('not_found');
  const shown = presentRow(row, columns, ctx.actor);
  const told = resource.tellsOfOthers && resources.find(({ name }) => name === shown['resource']);
  return told ? withoutHidden(shown, told, ctx.actor) : shown;
}

const withoutHidden = <R extends Record<string, unknown>>(row: R, about: Resource, actor: Actor): R => ({
  ...row,
  before: presentChange(row['before'], about, actor),
  after: presentChange(row['after'], about, actor),
});

/** Who changed a record, how and why; the newest first. Throws permission_denied. */
export function readHistory(resource: Resource) {
  return async (ctx: Context, input: { id: string } & Paging): Promise<Page<Record<string, unknown>>> => {
    ensureStaff(ctx.actor, resource.view);
    const about = sql`resource = ${resource.name} and object_id = ${input.id}`;
    const found = await rows<Record<string, unknown>>(
      ctx.em,
      sql`select id, at, actor_id, actor_role, ip, request_id, action, resource, object_id, before, after, reason
          from audit_log where ${about} order by id desc limit ${input.page_size} offset ${offsetOf(input)}`,
    );
    const counted = await rows<{ count: number }>(
      ctx.em,
      sql`select count(*)::int as count from (select from audit_log where ${about} limit ${MOST_COUNTED}) c`,
    );
    const results = found.map(row => ({
      ...withoutHidden(row, resource, ctx.actor),
      at: new Date(row['at'] as string).toISOString(),
    }));
    return { results, count: counted[0]!.count, page: input.page };
  };
}
