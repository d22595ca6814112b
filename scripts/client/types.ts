/** The part of JSON Schema that zod makes of the contracts. */
export interface Schema {
  $ref?: string;
  $defs?: Record<string, Schema>;
  type?: string | string[];
  description?: string;
  format?: string;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  items?: boolean | Schema;
  prefixItems?: Schema[];
  default?: unknown;
  example?: unknown;
  /** What stands for a type that JSON Schema has none for. */
  override?: Schema;
}

/** A TypeScript type that says what a schema says, as far as types can. */
export function typeOf(schema: Schema, indent = ''): string {
  if (schema.override) return typeOf(schema.override, indent);
  if (schema.$ref) return schema.$ref.split('/').at(-1)!;
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return unionOf(schema.enum.map(value => JSON.stringify(value)));
  const any = schema.anyOf ?? schema.oneOf;
  if (any) return unionOf(any.map(one => typeOf(one, indent)));
  if (schema.allOf) return schema.allOf.map(one => typeOf(one, indent)).join(' & ');
  return unionOf([schema.type ?? 'unknown'].flat().map(type => named(type, schema, indent)));
}

const unionOf = (types: readonly string[]): string => [...new Set(types)].join(' | ');

function named(type: string, schema: Schema, indent: string): string {
  switch (type) {
    case 'string':
      return schema.format === 'binary' ? 'Blob' : 'string';
    case 'integer':
    case 'number':
      return 'number';
    case 'boolean':
    case 'null':
    case 'unknown':
      return type;
    case 'array':
      return arrayOf(schema, indent);
    case 'object':
      return objectOf(schema, indent);
    default:
      throw new Error(`no TypeScript type for ${type}`);
  }
}

function arrayOf({ prefixItems, items }: Schema, indent: string): string {
  if (prefixItems) return `[${prefixItems.map(one => typeOf(one, indent)).join(', ')}]`;
  const of = typeof items === 'object' ? typeOf(items, indent) : 'unknown';
  return /[ |&]/.test(of) && !of.startsWith('{') ? `(${of})[]` : `${of}[]`;
}

function objectOf({ properties = {}, required = [], additionalProperties }: Schema, indent: string): string {
  const inner = `${indent}  `;
  const fields = Object.entries(properties).map(([name, field]) => {
    const isOptional = !required.includes(name);
    const key = /^\w+$/.test(name) ? name : JSON.stringify(name);
    return `${commentOf(field.description, inner)}${inner}${key}${isOptional ? '?' : ''}: ${typeOf(field, inner)}${isOptional ? ' | undefined' : ''};\n`;
  });
  if (typeof additionalProperties === 'object')
    fields.push(`${inner}[name: string]: ${typeOf(additionalProperties, inner)};\n`);
  return fields.length === 0 ? 'Record<never, never>' : `{\n${fields.join('')}${indent}}`;
}

export function commentOf(text: string | undefined, indent = ''): string {
  return text ? `${indent}/** ${text.replaceAll('*/', '* /').replace(/\s+/g, ' ')} */\n` : '';
}
