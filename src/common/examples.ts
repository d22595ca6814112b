import { z } from 'zod';

interface Schema {
  $ref?: string;
  $defs?: Record<string, Schema>;
  type?: string | string[];
  format?: string;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  allOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: boolean | Schema;
  prefixItems?: Schema[];
  minimum?: number;
  maximum?: number;
  minItems?: number;
  minLength?: number;
  maxLength?: number;
  default?: unknown;
  example?: unknown;
}

/** What the fields of these names look like in real life, where the schema alone would make something dull or wrong. */
const byName: Record<string, unknown> = {
  phone: '+998901234567',
  code: '042137',
  password: 'correct horse battery',
  password_confirm: 'correct horse battery',
  full_name: 'Aziza Karimova',
  display_name: 'Chilonzor Ehtiyot Qismlar',
  company_name: 'Chilonzor Ehtiyot Qismlar',
  title: 'Tormoz kolodkasi Cobalt',
  part_number: '90919-02252',
  brand: 'Bosch',
  price: '450000.00',
  currency: 'UZS',
  city: 'Toshkent',
  tin: '301234567',
  emoji: '👍',
  text: 'Assalomu alaykum, bormi?',
  snippet: 'Assalomu alaykum, bormi?',
  q: '90919-02252',
  tz: 'Asia/Tashkent',
  from: '22:00',
  to: '08:00',
  endpoint: 'https://push.example/send/1',
  access: 'eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9…',
  refresh: 'prt_019f2c7a-0000-7000-8000-000000000001.1.…',
  mime: 'image/webp',
  url: '/uploads/7Kq2mZ.webp',
  thumb_url: '/uploads/7Kq2mZ.thumb.webp',
  avatar_url: '/uploads/7Kq2mZ.thumb.webp',
  logo_url: '/uploads/7Kq2mZ.thumb.webp',
  connection_id: 'Yw2kZ3dFhQ0pAAAB',
  group_key: 'thread:019f2c7a-9c1e-7d3a-8b52-5d1f0e6a4c21',
  next_cursor: null,
  name: 'Kolodka',
  body: 'Yangi, original.',
  make: 'Chevrolet',
  model: 'Cobalt',
  edited_at: null,
  deleted_at: null,
  duplicate: false,
  next: null,
  previous: null,
};
const ID = '019f2c7a-9c1e-7d3a-8b52-5d1f0e6a4c21';
const MOMENT = '2025-11-30T19:00:00.000Z';

/** Fields that say where to go on are better left out of an example. */
const left = new Set(['cursor', 'before_seq', 'after_seq', 'around_seq', 'captcha_token']);

/** An example that the schema itself accepts, or undefined: as full as may be, else with what is required alone. */
export function exampleOf(zod: z.ZodType, io: 'input' | 'output'): unknown {
  const schema = z.toJSONSchema(zod, { io, unrepresentable: 'any' }) as Schema;
  const defs = schema.$defs ?? {};
  return [true, false]
    .map(isFull => sampleOf(schema, { defs, isFull, name: '' }))
    .find(value => zod.safeParse(value).success);
}

interface Scope {
  defs: Record<string, Schema>;
  isFull: boolean;
  name: string;
}

function sampleOf(schema: Schema, scope: Scope): unknown {
  if (schema.$ref) return sampleOf(scope.defs[schema.$ref.split('/').at(-1)!] ?? {}, scope);
  if (schema.example !== undefined) return schema.example;
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  if (schema.allOf) return Object.assign({}, ...schema.allOf.map(one => sampleOf(one, scope)));
  const types = [schema.type ?? []].flat();
  const named = byName[scope.name];
  if (named === null || (named !== undefined && fits(named, types))) return named;
  if (schema.anyOf) return sampleOf(schema.anyOf[0]!, scope);
  return typedValue(types[0], schema, scope);
}

const fits = (value: unknown, types: readonly string[]) => types.length === 0 || types.includes(typeof value);

function typedValue(type: string | undefined, schema: Schema, scope: Scope): unknown {
  switch (type) {
    case 'object':
      return objectValue(schema, scope);
    case 'array':
      return arrayValue(schema, scope);
    case 'integer':
    case 'number':
      return schema.default ?? Math.min(Math.max(1, schema.minimum ?? 1), schema.maximum ?? 1);
    case 'boolean':
      return schema.default ?? true;
    case 'string':
      return textValue(schema);
    default:
      return type === 'null' ? null : {};
  }
}

function objectValue({ properties = {}, required = [] }: Schema, scope: Scope): object {
  const wanted = Object.entries(properties).filter(
    ([name]) => required.includes(name) || (scope.isFull && !left.has(name)),
  );
  return Object.fromEntries(wanted.map(([name, field]) => [name, sampleOf(field, { ...scope, name })]));
}

function arrayValue({ prefixItems, items, minItems = 0 }: Schema, scope: Scope): unknown[] {
  if (prefixItems) return prefixItems.map(one => sampleOf(one, scope));
  if (typeof items !== 'object' || (!scope.isFull && minItems === 0)) return [];
  return [sampleOf(items, scope)];
}

function textValue({ format, default: preset, minLength = 0, maxLength = 64 }: Schema): unknown {
  if (preset !== undefined) return preset;
  if (format === 'uuid' || format === 'guid') return ID;
  if (format === 'date-time') return MOMENT;
  if (format === 'uri') return 'https://example.uz/';
  return 'text'.padEnd(minLength, '.').slice(0, maxLength);
}
