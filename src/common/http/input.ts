import type { Request } from 'express';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import type { HttpPath, Operation } from '../operations.ts';
import { isPlainObject } from '../payload.ts';

/** Gathers the raw input of an operation from the path, the body and the query string. */
export interface ReadRaw {
  /** `makeId` makes those that the client has left to the door. */
  (req: Request, makeId: (field: string) => string): Record<string, unknown>;
  pathFields: ReadonlySet<string>;
}

interface Fields {
  types: Record<string, FieldType>;
  /** A strict schema refuses names it does not know; then those of the query are refused too. */
  isStrict: boolean;
}

interface FieldType {
  type?: string;
  anyOf?: FieldType[];
}

/**
 * Fields of headers and of the path win over the body. On GET all others come from the query, elsewhere those that the operation
 * lists as `query`; its strings become numbers, booleans and lists where the contract has those. A body gives none of them: a
 * cache, which knows the address alone, would give everybody what one body has asked for.
 */
export function rawInputOf(operation: Operation, path: HttpPath): ReadRaw {
  const pathFields = new Set([...path.matchAll(/\{(\w+)\}/g)].map(match => match[1]!));
  const { types, isStrict } = fieldsOf(operation.input);
  const isGet = path.startsWith('GET ');
  const queryFields = isGet ? Object.keys(types) : (operation.query ?? []);
  const generated = operation.generated ?? [];
  const headers = Object.entries(operation.headers ?? {});
  const read = (req: Request, makeId: (field: string) => string): Record<string, unknown> => {
    const query = req.query as Record<string, unknown>;
    if (isStrict) refuseUnknown(query, queryFields);
    return {
      ...Object.fromEntries(generated.map(name => [name, makeId(name)])),
      ...(isGet ? {} : readBody(req.body, queryFields)),
      ...readQuery(query, queryFields, types),
      ...req.params,
      ...Object.fromEntries(headers.map(([name, header]) => [name, req.get(header)])),
    };
  };
  return Object.assign(read, { pathFields });
}

function refuseUnknown(query: Record<string, unknown>, known: readonly string[]): void {
  const unknown = Object.keys(query).filter(name => !known.includes(name));
  if (unknown.length === 0) return;
  throw new AppError('validation_failed', { fields: unknown.map(path => ({ path, code: 'unrecognized_keys' })) });
}

function readBody(body: unknown, queryFields: readonly string[]): Record<string, unknown> {
  if (body === undefined) return {};
  if (!isPlainObject(body)) throw new AppError('validation_failed', { fields: [{ path: '', code: 'invalid_type' }] });
  return Object.fromEntries(Object.entries(body).filter(([name]) => !queryFields.includes(name)));
}

function readQuery(
  query: Record<string, unknown>,
  names: readonly string[],
  types: Record<string, FieldType>,
): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const name of names) {
    const value = Object.hasOwn(query, name) ? query[name] : undefined;
    const own = typesOf(types[name]);
    // Generated clients name a list once for each item, as OpenAPI has it by itself.
    const isItems = Array.isArray(value) && own.includes('array');
    if (Array.isArray(value) && !isItems) throw new AppError('duplicate_parameter', { parameter: name });
    if (typeof value === 'string' || isItems) found[name] = convert(String(value), own);
  }
  return found;
}

/** Text stays text where the contract wants text; what does not convert is left for the schema to refuse. */
function convert(value: string, types: readonly string[]): unknown {
  if (types.includes('array')) return value === '' ? [] : value.split(',');
  if (types.includes('boolean') && /^(true|false|1|0)$/.test(value)) return value === 'true' || value === '1';
  if (types.some(type => type === 'integer' || type === 'number') && /^-?\d{1,15}(\.\d{1,10})?$/.test(value))
    return Number(value);
  return value;
}

function typesOf(field: FieldType | undefined): string[] {
  return field ? [field.type ?? [], ...(field.anyOf ?? []).map(typesOf)].flat() : [];
}

function fieldsOf(schema: z.ZodType): Fields {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' }) as {
    additionalProperties?: boolean;
    properties?: Record<string, FieldType>;
    allOf?: { properties?: Record<string, FieldType> }[];
    anyOf?: { properties?: Record<string, FieldType> }[];
  };
  const parts = [json, ...(json.allOf ?? []), ...(json.anyOf ?? [])];
  const types = Object.assign({}, ...parts.map(part => part.properties ?? {}));
  return { types, isStrict: json.additionalProperties === false };
}
