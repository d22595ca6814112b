import { type RawBuilder, sql } from 'kysely';
import type { z } from 'zod';
import type { Actor, Role } from '../common/context.ts';
import type { HttpPath, Operation } from '../common/operations.ts';

export type ColumnType =
  | 'id'
  | 'text'
  | 'phone'
  | 'number'
  | 'money'
  | 'boolean'
  | 'moment'
  | 'choice'
  | 'list'
  | 'json';

export interface Column {
  type: ColumnType;
  /** Read from the row `t`; by default its column of that name. */
  sql?: RawBuilder<unknown>;
  choices?: readonly string[];
  /** The resource that the id leads to. */
  refers?: string;
  /** Who needs it; for others it is empty, a phone number masked. Default: whoever sees the resource. */
  for?: readonly Role[];
  /** Shown on the page of the record alone. */
  detail?: true;
  /** The list may be ordered by it; it names an indexed column of the table. */
  order?: string;
}

export interface Filter {
  type: 'id' | 'text' | 'choice' | 'boolean' | 'moment';
  choices?: readonly string[];
  /** Who may ask by it: an answer to a question is knowledge too. */
  for?: readonly Role[];
  /** On the row `t`, by an index. */
  where: (value: never) => RawBuilder<unknown>;
}

export interface Field {
  type: ColumnType | 'long';
  schema: z.ZodType;
  choices?: readonly string[];
  refers?: string;
  /** Given when the record is made, and for ever. */
  onceOnly?: true;
  /** The JSON column that it is a part of. */
  within?: string;
  /** Its name there, if that is another. */
  part?: string;
  /** A flag that says of the value that somebody checked it: nobody has checked another one. */
  checkedBy?: string;
}

/** A record is chosen by one of its columns and gives another. */
export interface Lookup {
  resource: string;
  value: string;
  title: string;
}

export interface ActionInfo {
  /** Who may; default: whoever may by the operation. */
  for: readonly Role[];
  /** Which of the operation's params it takes. */
  params?: readonly string[];
  /** Params that are chosen from the records of a resource. */
  lookups?: Readonly<Record<string, Lookup>>;
  /** Params that are one of the ids of the record itself: by the columns of the id and of its name. */
  among?: Readonly<Record<string, readonly Omit<Lookup, 'resource'>[]>>;
  needsReason?: true;
}

/** Actions of a module's own operation at `POST /api/admin/{resource}/actions/{action}/`. */
export interface Actions {
  operation: Operation;
  each: Readonly<Record<string, ActionInfo>>;
}

export interface Resource {
  /** In the path. */
  name: string;
  table: string;
  /** The primary key. Records are told apart and ordered by it: UUIDv7 grow with time. */
  key?: string;
  /** The key is a word and no UUID. */
  hasTextKey?: true;
  /** The column that names a record to people. */
  title: string;
  columns: Readonly<Record<string, Column>>;
  filters?: Readonly<Record<string, Filter>>;
  /** Columns of the table with a trigram index. */
  search?: readonly string[];
  /** Where words are found otherwise: by an index of the module. */
  searchBy?: (text: string) => RawBuilder<unknown>;
  /** Only these rows are part of it. */
  only?: RawBuilder<unknown>;
  /** Ordered so when the caller does not say: `-id`. */
  ordering?: string;
  /** What comes before all others then: a condition that an index begins with. */
  first?: RawBuilder<unknown>;
  view: readonly Role[];
  fields?: Readonly<Record<string, Field>>;
  edit?: readonly Role[];
  /** Rows that a superuser alone edits. */
  guarded?: RawBuilder<unknown>;
  create?: readonly Role[];
  remove?: readonly Role[];
  /** Its module makes and removes records itself, at the paths of this resource: there are rules to them. */
  own?: { create?: Operation; remove?: Operation };
  /** `own.create` first says how many it would be for, and does it with `confirm`. */
  isPreviewed?: true;
  /** Columns that follow from what a changed record says now. */
  derive?: (record: Readonly<Record<string, unknown>>) => Record<string, unknown>;
  /** Columns that get the moment, or a new revision, with a change. */
  stamps?: { create?: readonly string[]; change?: readonly string[]; rev?: string };
  actions?: Actions;
  /** What waits for somebody: the filter that shows it. */
  queue?: { name: string; filter: Readonly<Record<string, string>>; where: RawBuilder<unknown> };
  /** Its rows say `before` and `after` of records of other resources. */
  tellsOfOthers?: true;
  /** Its module serves list and record itself, and says which parameter they need. */
  served?: { list: Operation; record: Operation; needs: readonly string[] };
}

export function may({ role }: Pick<Actor, 'role'>, roles: readonly Role[] | undefined): boolean {
  return roles !== undefined && (role === 'superuser' || roles.includes(role));
}

/** Checked by the compiler: every action of the operation is described, but those that a form does, and no other. */
export function actionsOf<const Names extends string, const Formed extends Names = never>(
  operation: Operation & { input: z.ZodType<{ action: Names }> },
  each: Readonly<Record<Exclude<Names, Formed>, ActionInfo>>,
  _byForm: readonly Formed[] = [],
): Actions {
  return { operation, each };
}

export function actionPath(resource: Resource, action: string): string {
  const path = [resource.actions!.operation.http].flat()[0] as HttpPath;
  return path.replace(/^POST /, '').replace('{action}', action);
}

/** The column equals the value. */
export function is(type: 'id' | 'text' | 'choice' | 'boolean', column: string, more: Partial<Filter> = {}): Filter {
  return { type, where: (value: never) => sql`${sql.ref(`t.${column}`)} = ${value}`, ...more };
}

export function oneOf(column: string, choices: readonly string[]): Filter {
  return is('choice', column, { choices });
}

/** `yes` where the flag is set, `no` where it is not. */
export function flag(yes: RawBuilder<unknown>, no: RawBuilder<unknown>): Filter {
  return { type: 'boolean', where: (value: never) => (value ? yes : no) };
}

/** Records of a time, by the time in their UUIDv7. */
export function madeWithin(key = 'id'): Readonly<Record<'created_after' | 'created_before', Filter>> {
  const id = sql.ref(`t.${key}`);
  return {
    created_after: { type: 'moment', where: (value: never) => sql`${id} >= ${firstIdOf(new Date(value))}::uuid` },
    created_before: { type: 'moment', where: (value: never) => sql`${id} < ${firstIdOf(new Date(value))}::uuid` },
  };
}

/** The least UUIDv7 of a millisecond. */
export function firstIdOf(moment: Date): string {
  const hex = Math.max(0, moment.getTime()).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
}

/** The name of a user, beside their id. */
export function nameOf(column: string): Column {
  const user = sql.ref(`t.${column}`);
  return {
    type: 'text',
    sql: sql`(select coalesce(u.full_name, p.company_name, 'User ' || right(u.id::text, 4)) from users u
      left join b2b_profiles p on p.user_id = u.id where u.id = ${user})`,
  };
}

export function phoneOf(column: string, roles: readonly Role[]): Column {
  return { type: 'phone', sql: sql`(select phone from users u where u.id = ${sql.ref(`t.${column}`)})`, for: roles };
}
