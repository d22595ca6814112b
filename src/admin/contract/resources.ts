import { z } from 'zod';
import {
  anyId,
  anyMoment,
  command,
  type HttpPath,
  type Method,
  moment,
  type Operation,
  plainText,
  procedure,
  query,
} from '../../common/operations.ts';
import type { Column, ColumnType, Field, Filter, Resource } from '../registry.ts';

/** Pages end here, and so does the count: nobody reads further, and counting is what makes lists slow. */
export const MOST_COUNTED = 10_000;

const reason = plainText.trim().min(1).max(1_000).optional().describe('Kept in the audit.');
const pages = { page: z.int().min(1).max(MOST_COUNTED).default(1), page_size: z.int().min(1).max(100).default(25) };
const csv = z.custom<AsyncIterable<string>>(value => typeof value === 'object' && value !== null, {
  error: 'no stream',
});

const readAs: Record<ColumnType, z.ZodType> = {
  id: z.uuid().nullable(),
  text: z.string().nullable(),
  phone: z.string().nullable().describe('Masked for roles that do not need it.'),
  number: z.number().nullable(),
  money: z.string().nullable(),
  boolean: z.boolean().nullable(),
  moment: moment.nullable(),
  choice: z.string().nullable(),
  list: z.array(z.string()).nullable(),
  json: z.unknown(),
};

const AuditRow = z
  .object({
    id: z.uuid(),
    at: moment,
    actor_id: z.uuid().nullable(),
    actor_role: z.string().nullable(),
    ip: z.string(),
    request_id: z.string(),
    action: z.string(),
    resource: z.string(),
    object_id: z.string().nullable(),
    before: z.record(z.string(), z.unknown()).nullable(),
    after: z.record(z.string(), z.unknown()).nullable(),
    reason: z.string().nullable(),
  })
  .meta({ id: 'AuditRow' });

function filterSchema({ type, choices }: Filter): z.ZodType {
  if (type === 'id') return anyId.optional();
  if (type === 'boolean') return z.boolean().optional();
  if (type === 'moment') return anyMoment.optional();
  return choices ? z.enum(choices as [string, ...string[]]).optional() : plainText.min(1).max(200).optional();
}

const mapped = <From, To>(from: Readonly<Record<string, From>> | undefined, to: (one: From, name: string) => To) =>
  Object.fromEntries(Object.entries(from ?? {}).map(([name, one]) => [name, to(one, name)]));

function listInput({ filters, search, searchBy, columns }: Resource) {
  const sortable = Object.entries(columns).flatMap(([name, { order }]) => (order ? [name, `-${name}`] : []));
  return {
    ...((search ?? searchBy) && {
      search: plainText.trim().min(2).max(100).optional().describe('Words in it, part of a number, or an id.'),
    }),
    ...mapped(filters, filterSchema),
    ...(sortable.length > 0 && { ordering: z.enum(sortable as [string, ...string[]]).optional() }),
  };
}

const keySchema = ({ hasTextKey }: Resource) => (hasTextKey ? plainText.min(1).max(80) : anyId);

function recordSchema(resource: Resource, columns: Readonly<Record<string, Column>> = resource.columns) {
  return z.object({ id: keySchema(resource), ...mapped(columns, ({ type }) => readAs[type]) });
}

const withoutDetails = (columns: Resource['columns']) =>
  Object.fromEntries(Object.entries(columns).filter(([, { detail }]) => !detail));

/** What a field takes when a record changes: no presets, whatever is not sent stays. */
function changeSchema({ schema }: Field): z.ZodType {
  const own = schema instanceof z.ZodDefault ? (schema.unwrap() as z.ZodType) : schema;
  return own.optional();
}

/** One word for operations: `b2b-profiles` → `B2bProfiles`. */
export const pascal = (name: string): string =>
  name.replace(/(^|-)(\w)/g, (_all, _dash, letter: string) => letter.toUpperCase());

/** The operations of one resource, as its declaration says; its actions stand in its module's contract. */
export function operationsOf(resource: Resource): Record<string, Operation> {
  if (resource.served) return {};
  return { ...readingOf(resource), ...changingOf(resource) };
}

const pathsOf =
  (name: string) =>
  (method: Method, rest = ''): HttpPath =>
    `${method} /api/admin/${name}/${rest}`;

function readingOf(resource: Resource): Record<string, Operation> {
  const { name, columns } = resource;
  const [at, word, access] = [pathsOf(name), pascal(name), 'staff' as const];
  const list = listInput(resource);
  const { ordering: _, ...exported } = list as { ordering?: z.ZodType };
  const id = keySchema(resource);
  const record = z.strictObject({ id });
  return {
    [`adminList${word}`]: query({
      ...{ summary: `Staff: ${name}, a page of them.`, http: at('GET'), access },
      input: z.strictObject({ ...list, ...pages }),
      output: z.object({
        results: z.array(recordSchema(resource, withoutDetails(columns))),
        count: z.int(),
        page: z.int(),
      }),
    }),
    // Before the record: its path would be one of a record otherwise.
    [`adminExport${word}`]: procedure({
      ...{ summary: `Staff: ${name} as a table, the newest first; leaves a row in the audit.`, access },
      ...{ http: at('GET', 'export.csv'), stream: 'text/csv' as const },
      input: z.strictObject(exported as z.ZodRawShape),
      output: csv,
    }),
    [`adminGet${word}`]: query({
      ...{ summary: `Staff: one of ${name}.`, http: at('GET', '{id}/'), access, input: record },
      output: recordSchema(resource),
    }),
    [`adminHistory${word}`]: query({
      ...{ summary: `Staff: who changed one of ${name}, and how; the newest first.`, access },
      http: at('GET', '{id}/history/'),
      input: z.strictObject({ id, ...pages }),
      output: z.object({ results: z.array(AuditRow), count: z.int(), page: z.int() }),
    }),
  };
}

function changingOf(resource: Resource): Record<string, Operation> {
  const { name, fields, create, edit, remove, own } = resource;
  const id = keySchema(resource);
  const [at, word, access] = [pathsOf(name), pascal(name), 'staff' as const];
  const output = recordSchema(resource);
  const changeable = Object.fromEntries(Object.entries(fields ?? {}).filter(([, { onceOnly }]) => !onceOnly));
  return {
    ...(create &&
      !own?.create && {
        [`adminCreate${word}`]: command({
          ...{ summary: `Staff: makes one of ${name}.`, http: at('POST'), access, status: 201 as const },
          input: z.strictObject({ ...mapped(fields, ({ schema }) => schema), reason }),
          output,
        }),
      }),
    ...(edit && {
      [`adminUpdate${word}`]: command({
        ...{ summary: `Staff: changes one of ${name}.`, http: at('PATCH', '{id}/'), access },
        input: z.strictObject({ id, ...mapped(changeable, changeSchema), reason }),
        output,
      }),
    }),
    ...(remove &&
      !own?.remove && {
        [`adminDelete${word}`]: command({
          ...{ summary: `Staff: removes one of ${name}.`, http: at('DELETE', '{id}/'), access, status: 204 as const },
          query: ['reason'],
          input: z.strictObject({ id, reason }),
          output: z.object({}),
          errors: ['invalid_state'],
        }),
      }),
  };
}

export function resourceOperations(resources: readonly Resource[]): Record<string, Operation> {
  return Object.assign({}, ...resources.map(operationsOf));
}
