import { type RawBuilder, sql } from 'kysely';
import { inAnyCase } from '../../common/any-case.ts';
import type { Actor } from '../../common/context.ts';
import { AppError } from '../../common/errors.ts';
import { isUuid } from '../../common/ids.ts';
import { maskPhones } from '../../common/log.ts';
import { type Column, type ColumnType, may, type Resource } from '../registry.ts';

export type Values = Readonly<Record<string, unknown>>;
export type Row = { id: string } & Record<string, unknown>;

export const tableOf = ({ table }: Resource) => sql`${sql.table(table)} t`;
export const keyOf = ({ key = 'id' }: Resource) => sql.ref(`t.${key}`);

/** Every column, or those of a list alone. */
export function columnsOf(resource: Resource, isDetailed: boolean): [string, Column][] {
  return Object.entries(resource.columns).filter(([, column]) => isDetailed || !column.detail);
}

export function selection(resource: Resource, columns: readonly [string, Column][]): RawBuilder<unknown> {
  const listed = columns.map(([name, column]) => sql`${column.sql ?? sql.ref(`t.${name}`)} as ${sql.ref(name)}`);
  return sql`${keyOf(resource)} as id, ${sql.join(listed)}`;
}

/** The rows that the caller asked for, as far as the caller may ask. Throws permission_denied. */
export function conditions(resource: Resource, input: Values, actor: Actor): RawBuilder<unknown> {
  const found: RawBuilder<unknown>[] = resource.only ? [resource.only] : [];
  for (const [name, filter] of Object.entries(resource.filters ?? {})) {
    if (input[name] === undefined) continue;
    if (filter.for && !may(actor, filter.for)) throw new AppError('permission_denied');
    found.push(filter.where(input[name] as never));
  }
  if (typeof input['search'] === 'string') found.push(searched(resource, input['search'], actor));
  return found.length === 0 ? sql`true` : sql.join(found, sql` and `);
}

/** In the columns that the caller sees; an id finds its record. */
function searched(resource: Resource, text: string, actor: Actor): RawBuilder<unknown> {
  // Not narrowed: what is no id would be no text either.
  if (isUuid(text as unknown)) return sql`${keyOf(resource)} = ${text}`;
  if (resource.searchBy) return resource.searchBy(text);
  const columns = (resource.search ?? []).filter(name => {
    const roles = resource.columns[name]?.for;
    return !roles || may(actor, roles);
  });
  if (columns.length === 0) return sql`false`;
  const words = (name: string) =>
    resource.columns[name]?.type === 'phone' && isNumber(text) ? text.replace(/[^\d]/g, '') : text;
  return sql`(${sql.join(
    columns.map(name => sql`${sql.ref(`t.${name}`)} ~ ${inAnyCase(words(name))}`),
    sql` or `,
  )})`;
}

/** People type numbers with spaces and brackets. */
export const isNumber = (text: string): boolean => /^[+\d\s()-]+$/.test(text) && /\d/.test(text);

/** `-created_at`: by the indexed column behind it, and by the key among equals. */
export function ordered(resource: Resource, asked: string | undefined): RawBuilder<unknown> {
  const { key = 'id', columns, first, ordering = `-${key}` } = resource;
  if (asked === undefined && first) return sql`(${first}) desc, ${ordered(resource, ordering)}`;
  const wanted = asked ?? ordering;
  const name = wanted.replace(/^-/, '');
  const column = columns[name]?.order ?? name;
  const direction = wanted.startsWith('-') ? sql`desc` : sql`asc`;
  const by = sql`${sql.ref(`t.${column}`)} ${direction}`;
  return column === key ? by : sql`${by}, ${keyOf(resource)} ${direction}`;
}

/** A row as this caller may see it. */
export function presentRow(row: Record<string, unknown>, columns: readonly [string, Column][], actor: Actor): Row {
  const shown = columns.map(([name, column]) => {
    const value = converted(row[name] ?? null, column.type);
    return [name, column.for && !may(actor, column.for) ? veiled(value, column.type) : value];
  });
  return { id: row['id'] as string, ...Object.fromEntries(shown) };
}

/** A change as this caller may see it: what a column hides its history hides too, and so do filters that were asked by. */
export function presentChange(change: unknown, { columns }: Pick<Resource, 'columns'>, actor: Actor): unknown {
  const shown = (value: unknown, column: Column | undefined): unknown => {
    if (column?.for && !may(actor, column.for) && value !== null)
      return column.type === 'phone' ? veiled(value, column.type) : '***';
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, shown(one, columns[name])]));
  };
  return shown(change, undefined);
}

function veiled(value: unknown, type: ColumnType): unknown {
  return type === 'phone' && typeof value === 'string' ? maskPhones(value) : null;
}

/** What the driver gives as text: moments, whole numbers of 64 bits. */
function converted(value: unknown, type: ColumnType): unknown {
  if (value === null) return null;
  if (type === 'moment') return new Date(value as string).toISOString();
  if (type === 'number') return Number(value);
  return type === 'money' ? String(value) : value;
}
