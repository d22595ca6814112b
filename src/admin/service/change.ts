import { sql } from 'kysely';
import { audit } from '../../accounts/service/audit.ts';
import { ensureStaff } from '../../accounts/service/staff-actions.ts';
import type { Context } from '../../common/context.ts';
import { isReferenced, rows, takenColumn } from '../../common/database.ts';
import { AppError } from '../../common/errors.ts';
import { newId } from '../../common/ids.ts';
import type { Field, Resource } from '../registry.ts';
import { presentRecord } from './read.ts';
import { keyOf, type Row, tableOf, type Values } from './select.ts';

type Given = Values & { reason?: string | undefined };

/** Makes a record, with its audit row. Throws permission_denied, validation_failed (its name is taken). */
export function createRecord(resource: Resource) {
  return async (ctx: Context, { reason, ...values }: Given): Promise<Row> => {
    ensureStaff(ctx.actor, resource.create ?? []);
    const id = newId();
    const columns = { [resource.key ?? 'id']: id, ...stamped(ctx, resource), ...valuesOf(resource, values, begun) };
    const names = Object.keys(columns).map(name => sql.ref(name));
    await storing(
      rows(
        ctx.em,
        sql`insert into ${sql.table(resource.table)} (${sql.join(names)}) values (${sql.join(Object.values(columns))})`,
      ),
    );
    const made = await presentRecord(ctx, resource, id);
    tell(ctx, resource, 'create', { id, after: chosen(made, values), reason });
    return made;
  };
}

/** Changes fields of a record, with an audit row of what is different. Throws permission_denied, not_found, validation_failed. */
export function updateRecord(resource: Resource) {
  return async (ctx: Context, { id, reason, ...values }: Given & { id: string }): Promise<Row> => {
    ensureStaff(ctx.actor, resource.edit ?? []);
    await lockEditable(ctx, resource, id);
    const before = await presentRecord(ctx, resource, id);
    if (Object.keys(values).length === 0) return before;
    const flags = flagsOf(resource, values);
    const changes = Object.entries({ ...valuesOf(resource, values, merged), ...flags, ...restamped(ctx, resource) });
    const set = changes.map(([name, value]) => sql`${sql.ref(name)} = ${value}`);
    await storing(
      rows(ctx.em, sql`update ${sql.table(resource.table)} t set ${sql.join(set)} where ${keyOf(resource)} = ${id}`),
    );
    const after = await presentRecord(ctx, resource, id);
    await derive(ctx, resource, after);
    const told = { ...values, ...flags };
    tell(ctx, resource, 'edit', { id, before: chosen(before, told), after: chosen(after, told), reason });
    return after;
  };
}

async function lockEditable({ em, actor }: Context, resource: Resource, id: string): Promise<void> {
  const { guarded = sql`false` } = resource;
  const [found] = await rows<{ is_guarded: boolean }>(
    em,
    sql`select ${guarded} as is_guarded from ${tableOf(resource)} where ${keyOf(resource)} = ${id} for update`,
  );
  if (found?.is_guarded && actor.role !== 'superuser') throw new AppError('permission_denied');
}

/** Removes a record that nothing refers to, with its audit row. Throws permission_denied, not_found, invalid_state. */
export function deleteRecord(resource: Resource) {
  return async (ctx: Context, { id, reason }: { id: string; reason?: string | undefined }): Promise<object> => {
    ensureStaff(ctx.actor, resource.remove ?? []);
    const { id: _, ...before } = await presentRecord(ctx, resource, id);
    await storing(rows(ctx.em, sql`delete from ${tableOf(resource)} where ${keyOf(resource)} = ${id}`));
    tell(ctx, resource, 'delete', { id, before, reason });
    return {};
  };
}

async function derive({ em }: Context, resource: Resource, record: Row): Promise<void> {
  const derived = Object.entries(resource.derive?.(record) ?? {});
  if (derived.length === 0) return;
  const set = derived.map(([name, value]) => sql`${sql.ref(name)} = ${value}`);
  await rows(
    em,
    sql`update ${sql.table(resource.table)} t set ${sql.join(set)} where ${keyOf(resource)} = ${record.id}`,
  );
}

interface Told {
  id: string;
  before?: Record<string, unknown>;
  after?: Record<string, unknown>;
  reason: string | undefined;
}

function tell(ctx: Context, { name }: Resource, action: string, { id, ...more }: Told): void {
  audit(ctx, { action, resource: name, objectId: id, ...more });
}

const chosen = (record: Row, values: Values): Record<string, unknown> =>
  Object.fromEntries(Object.keys(values).map(name => [name, record[name]]));

type Put = (column: string, parts: Record<string, unknown>) => unknown;

/** A JSON column begins with the fields that are parts of it; a change leaves its other parts alone. */
const begun: Put = (_column, parts) => JSON.stringify(parts);
const merged: Put = (column, parts) => sql`${sql.ref(column)} || ${JSON.stringify(parts)}::jsonb`;

/** Values by column of the table. */
function valuesOf({ fields = {} }: Resource, values: Values, put: Put): Record<string, unknown> {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  const byColumn = Map.groupBy(given, ([name]) => fields[name]?.within);
  const own = (byColumn.get(undefined) ?? []).map(([name, value]) => [name, stored(fields[name]!, value)]);
  const partsOf = (some: [string, unknown][]) =>
    Object.fromEntries(some.map(([name, value]) => [fields[name]?.part ?? name, value]));
  const parts = [...byColumn].filter(([column]) => column !== undefined);
  return Object.fromEntries([...own, ...parts.map(([column, some]) => [column, put(column!, partsOf(some))])]);
}

/** What was checked of a value counts for no other. */
function flagsOf({ fields = {} }: Resource, values: Values): Record<string, unknown> {
  const checked = Object.entries(values).flatMap(([name, value]) => {
    const flag = fields[name]?.checkedBy;
    return flag ? [[flag, sql`${sql.ref(flag)} and ${sql.ref(name)} is not distinct from ${value}`]] : [];
  });
  return Object.fromEntries(checked);
}

const stored = ({ type }: Field, value: unknown) => (type === 'json' ? JSON.stringify(value) : value);

function stamped({ now }: Context, { stamps }: Resource): Record<string, unknown> {
  return Object.fromEntries((stamps?.create ?? []).map(name => [name, now]));
}

function restamped({ now }: Context, { stamps }: Resource): Record<string, unknown> {
  const rev = stamps?.rev;
  return {
    ...Object.fromEntries((stamps?.change ?? []).map(name => [name, now])),
    ...(rev && { [rev]: sql`${sql.ref(rev)} + 1` }),
  };
}

/** What a constraint says, in words of ours. */
async function storing(work: Promise<unknown>): Promise<void> {
  await work.catch(error => {
    const taken = takenColumn(error);
    if (taken) throw new AppError('validation_failed', { fields: [{ path: taken, code: 'taken' }] });
    throw isReferenced(error) ? new AppError('invalid_state', { state: 'in_use' }) : error;
  });
}
