import { z } from 'zod';
import { errorCatalogue } from '../../src/common/errors.ts';
import type { Contract, Namespace, Operation } from '../../src/common/operations.ts';
import { renewal, sessionEvents } from '../../src/common/session.ts';
import { commentOf, type Schema, typeOf } from './types.ts';

type Io = 'input' | 'output';

/** `src/client/contract.ts`: the contracts as plain types and a table of paths, so that the client needs nothing of the server. */
export function buildClientContract(contracts: Record<string, Contract>): string {
  const shapes = createShapes();
  const all = Object.values(contracts);
  const rest = all
    .flatMap(({ operations }) => Object.entries(operations))
    .filter(([, operation]) => isForClients(operation));
  // A module may speak in the namespace of another.
  const byNamespace = Map.groupBy(all, ({ namespace }) => namespace);
  const parts = [
    interfaceOf(
      'RestCalls',
      rest.map(([name, operation]) => [name, operation.summary, restCallOf(operation, shapes)]),
    ),
    ...[...byNamespace].flatMap(([namespace, group]) => (namespace ? namespaceTypes(namespace, group, shapes) : [])),
    interfaceOf(
      'SessionEvents',
      Object.values(sessionEvents).map(({ name, summary, schema }) => [name, summary, shapes.of(schema, 'output')]),
    ),
    `export type ErrorCode =\n${Object.keys(errorCatalogue)
      .map(code => `  | '${code}'`)
      .join('\n')};\n`,
    `/** Where each REST call goes, and what of its payload travels elsewhere than in the body. */\nexport const routes = {\n${rest.map(([name, operation]) => `  ${name}: ${routeOf(operation)},\n`).join('')}} as const;\n`,
  ];
  return `// Made from the contracts by \`npm run docs\`; not to be edited.\n\n${[...shapes.named(), ...parts].join('\n')}`;
}

/** The panel of the staff has a client of its own. */
const isForClients = ({ http, access }: Operation): boolean =>
  http !== undefined && access !== 'staff' && ![http].flat()[0]!.includes(' /api/admin/');

interface Shapes {
  of(schema: z.ZodType, io: Io): string;
  /** The shapes with names of their own, as declarations. */
  named(): string[];
}

function createShapes(): Shapes {
  const definitions = new Map<string, string>();
  const textOf = (name: string, schema: Schema): string => {
    const type = typeOf(schema);
    const declaration = type.startsWith('{') ? `interface ${name} ${type}` : `type ${name} = ${type};`;
    return `${commentOf(schema.description)}export ${declaration}\n`;
  };
  /** What a client may leave out is not what it can rely on: a shape that differs so has two names. */
  const nameOf = (name: string, schema: Schema, io: Io): string =>
    (definitions.get(name) ?? textOf(name, schema)) === textOf(name, schema)
      ? name
      : `${name}For${io === 'input' ? 'Input' : 'Output'}`;
  return {
    of(zod, io) {
      const made = z.toJSONSchema(zod, { io, unrepresentable: 'any' }) as Schema & { id?: string };
      const named = { ...made.$defs, ...(made.id !== undefined && { [made.id]: made }) };
      const names = Object.fromEntries(Object.entries(named).map(([name, one]) => [name, nameOf(name, one, io)]));
      const renamed = <S extends object>(schema: S): S =>
        JSON.parse(JSON.stringify(schema).replace(/"#\/\$defs\/(\w+)"/g, (_, name) => `"#/$defs/${names[name]}"`));
      for (const [name, one] of Object.entries(named))
        definitions.set(names[name]!, textOf(names[name]!, renamed(one)));
      return made.id === undefined ? typeOf(renamed(made), '    ') : names[made.id]!;
    },
    named: () => [...definitions].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => text),
  };
}

function namespaceTypes(namespace: Namespace, group: readonly Contract[], shapes: Shapes): string[] {
  const name = namespace[1]!.toUpperCase() + namespace.slice(2);
  const calls = [...group.flatMap(({ operations }) => Object.values(operations)), renewal]
    .filter(({ socket }) => socket !== undefined)
    .map(
      operation => [operation.socket!, operation.summary, callType(shapes, operation.input, operation.output)] as Field,
    );
  return [
    interfaceOf(`${name}Calls`, calls),
    interfaceOf(
      `${name}Events`,
      group
        .flatMap(({ events = {} }) => Object.values(events))
        .map(event => [event.name, event.summary, shapes.of(event.schema, 'output')]),
    ),
  ];
}

type Field = [name: string, summary: string, type: string];

function interfaceOf(name: string, fields: Field[]): string {
  const lines = fields.map(
    ([key, summary, type]) => `${commentOf(summary, '  ')}  ${/^\w+$/.test(key) ? key : `'${key}'`}: ${type};\n`,
  );
  return `export interface ${name} {\n${lines.join('')}}\n`;
}

function callType(shapes: Shapes, input: z.ZodType, output: z.ZodType): string {
  return `{ payload: ${shapes.of(input, 'input')}; result: ${shapes.of(output, 'output')} }`;
}

function restCallOf(operation: Operation, shapes: Shapes): string {
  const input = operation.generated ? optional(operation.input, operation.generated) : operation.input;
  const output = operation.status === 204 ? z.void() : operation.output;
  const links = operation.paged ? ' & { next: string | null; previous: null }' : '';
  const result = operation.status === 204 ? 'undefined' : shapes.of(output, 'output');
  return `{ payload: ${shapes.of(input, 'input')}; result: ${result}${links} }`;
}

function optional(input: z.ZodObject, names: readonly string[]): z.ZodType {
  const fields = Object.entries(input.shape).map(([name, field]) => [
    name,
    names.includes(name) ? z.optional(field) : field,
  ]);
  return z.object(Object.fromEntries(fields));
}

function routeOf({ http, query, headers, isForm, needsKey }: Operation): string {
  const path = [http!].flat()[0]!;
  const more = [
    query && `query: ${JSON.stringify(query)}`,
    headers && `headers: ${JSON.stringify(headers)}`,
    isForm && 'isForm: true',
    needsKey && 'needsKey: true',
  ].filter(Boolean);
  return `{ path: '${path}'${more.map(one => `, ${one}`).join('')} }`;
}
