import { z } from 'zod';
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from 'zod-openapi';
import { describeLimits, limitsExtension, shorten } from './document-texts.ts';
import { type ErrorCode, errorCatalogue } from './errors.ts';
import { exampleOf } from './examples.ts';
import type { Contract, HttpPath, Operation } from './operations.ts';

const everywhere: ErrorCode[] = ['validation_failed', 'rate_limited', 'internal', 'unavailable'];

const ofTokens: ErrorCode[] = ['auth_required', 'token_invalid', 'token_expired', 'session_revoked', 'session_expired'];

const codes = Object.keys(errorCatalogue) as [ErrorCode, ...ErrorCode[]];

const Problem = z
  .object({
    type: z.string().meta({ example: '/problems/not_found' }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string().describe('The path that was asked.'),
    code: z.enum(codes),
    retryable: z.boolean().describe('The same request may succeed later, unchanged.'),
    retry_after_ms: z.int().optional(),
    details: z.record(z.string(), z.unknown()).optional(),
    request_id: z.string(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457, with the fields of the error of the socket contract.' });

function problemOf(code: ErrorCode): z.output<typeof Problem> {
  const { status, message, retryable = false } = errorCatalogue[code];
  const about = { instance: '/api/', code, retryable, ...(status === 429 && { retry_after_ms: 1_000 }) };
  return { type: `/problems/${code}`, title: message, status, detail: message, ...about, request_id: 'kq3vN0xY7dB2' };
}

function contentOf(group: readonly ErrorCode[]) {
  const examples = Object.fromEntries(group.map(code => [code, { $ref: `#/components/examples/${code}` }]));
  return { 'application/problem+json': { schema: Problem, examples } };
}

/** What any path may be refused with before it is known what it asks for, or who asks. */
const ofTheDoor = {
  id: 'OfTheDoor',
  description: 'Refusals that any path may give: of the host, the address, the body or an `Idempotency-Key`.',
  content: contentOf([
    'invalid_host',
    'bad_json',
    'duplicate_parameter',
    'not_acceptable',
    'payload_too_large',
    'unsupported_media_type',
    'idempotency_conflict',
    'idempotency_in_progress',
  ]),
};

/** OpenAPI 3.1 of every operation that has a REST path, made from the contracts alone. */
export function buildOpenApi(contracts: Record<string, Contract>, version: string): object {
  const paths: ZodOpenApiPathsObject = {};
  for (const [tag, contract] of Object.entries(contracts))
    for (const [name, operation] of Object.entries(contract.operations))
      for (const [index, path] of [operation.http ?? []].flat().entries()) {
        const [method, template] = path.split(' ') as [string, string];
        const operationId = index === 0 ? name : `${name}Alias${index}`;
        paths[template] = {
          ...paths[template],
          [method.toLowerCase()]: describe({ tag, operationId, operation, path }),
        };
      }
  const document: Parameters<typeof createDocument>[0] = {
    openapi: '3.1.0',
    info: {
      title: 'Parthub',
      version,
      description:
        'REST of the closed B2B board for parts. Realtime events: AsyncAPI. Paths end in a slash; without it the same resource answers. Beside the limits of an operation: 600 calls a minute per user, 300 per IP address without a token.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [
      { url: 'http://127.0.0.1:8000', description: 'On your machine' },
      { url: 'https://{service}.onrender.com', variables: { service: { default: 'parthub' } } },
    ],
    tags: Object.keys(contracts).map(name => ({ name })),
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      examples: Object.fromEntries(
        codes.map(code => [code, { summary: errorCatalogue[code].message, value: problemOf(code) }]),
      ),
    },
    paths,
  };
  return createDocument(document, {
    override: ({ jsonSchema }) => shorten({ jsonSchema: jsonSchema as Record<string, unknown> }),
  });
}

interface Described {
  tag: string;
  operationId: string;
  operation: Operation;
  path: HttpPath;
}

function describe({ tag, operationId, operation, path }: Described): ZodOpenApiOperationObject {
  const access = operation.access ?? 'user';
  const { body, ...requestParams } = splitInput(operation, path);
  const socket = operation.socket ? `Over sockets: \`${operation.socket}\`.` : '';
  const description = [socket, describeLimits(operation)].filter(Boolean).join(' ');
  return {
    tags: [tag],
    operationId,
    summary: operation.summary,
    ...(description && { description }),
    ...limitsExtension(operation),
    security:
      access === 'public'
        ? []
        : access === 'optional' || access === 'lenient'
          ? [{}, { bearer: [] }]
          : [{ bearer: [] }],
    requestParams,
    ...(body && { requestBody: { required: true, content: { [mediaType(operation)]: mediaOf(body, 'input') } } }),
    responses: { ...successes(operation), ...refusals(operation, access, path), default: ofTheDoor },
  };
}

const mediaType = ({ isForm }: Operation) => (isForm ? 'multipart/form-data' : 'application/json');
const IdempotencyKey = z.string().describe('16 to 128 of `[A-Za-z0-9_-]`; the same key and body get the same answer.');
/** Lists travel as `types=a,b`. Where the name is repeated it is read as well, for clients that are told nothing else. */
const asOneParameter = { param: { style: 'form', explode: false } } as const;

/** Where each field of the input travels over REST: path, query or body. */
function splitInput(
  operation: Operation,
  path: HttpPath,
): { path?: z.ZodObject; query?: z.ZodObject; header?: z.ZodObject; body?: z.ZodType } {
  const pathNames = new Set([...path.matchAll(/\{(\w+)\}/g)].map(match => match[1]!));
  const shape = (operation.input as Partial<z.ZodObject>).shape;
  const key = keyOf(operation, path);
  const keyHeader = key && z.object({ 'Idempotency-Key': key });
  if (!shape) return path.startsWith('GET ') ? {} : { ...(keyHeader && { header: keyHeader }), body: operation.input };
  const queryNames = path.startsWith('GET ') ? new Set(Object.keys(shape)) : new Set(operation.query ?? []);
  const headers = operation.headers ?? {};
  const pick = (wanted: (name: string) => boolean) => {
    const fields = Object.entries(shape)
      .filter(([name]) => wanted(name))
      .map(
        ([name, field]) =>
          [headers[name] ?? name, operation.generated?.includes(name) ? z.optional(field) : field] as const,
      );
    return fields.length > 0 ? z.object(Object.fromEntries(fields)) : undefined;
  };
  const body = pick(name => !pathNames.has(name) && !queryNames.has(name) && !(name in headers));
  const parts = {
    path: pick(name => pathNames.has(name)),
    query: asLists(pick(name => !pathNames.has(name) && queryNames.has(name))),
    header: keyHeader ?? pick(name => name in headers),
    body: isStrict(operation.input) ? body?.strict() : body,
  };
  return Object.fromEntries(Object.entries(parts).filter(([, part]) => part !== undefined));
}

/** Names that it does not know are refused, not dropped: so it is with what staff send. */
const isStrict = (input: z.ZodType) =>
  z.toJSONSchema(input, { io: 'input', unrepresentable: 'any' }).additionalProperties === false;

/** Where an Idempotency-Key is taken: on every POST of somebody, unless no answer of it may be kept. */
function keyOf({ access = 'user', needsKey, isSecret }: Operation, path: HttpPath): z.ZodType | undefined {
  if (needsKey) return IdempotencyKey;
  const isTaken = path.startsWith('POST ') && (access === 'user' || access === 'staff') && !isSecret;
  return isTaken ? IdempotencyKey.optional() : undefined;
}

function asLists(query: z.ZodObject | undefined): z.ZodObject | undefined {
  if (!query) return undefined;
  const isList = (field: z.ZodType) => z.toJSONSchema(field, { io: 'input', unrepresentable: 'any' }).type === 'array';
  const fields = Object.entries<z.ZodType>(query.shape);
  return z.object(
    Object.fromEntries(fields.map(([name, field]) => [name, isList(field) ? field.meta(asOneParameter) : field])),
  );
}

function successes(operation: Operation): ZodOpenApiOperationObject['responses'] {
  const status = operation.status ?? 200;
  if (status === 204) return { '204': { description: 'Done.' } };
  const fields = (operation.output as Partial<z.ZodObject>).shape;
  const links = { next: z.string().nullable().describe('Relative URL of the next page.'), previous: z.null() };
  const schema = operation.paged && fields ? z.object({ ...fields, ...links }) : operation.output;
  const content = operation.stream
    ? { [operation.stream]: { schema: z.string() } }
    : { 'application/json': mediaOf(schema, 'output') };
  return {
    [`${status}`]: { description: operation.summary, content },
    ...(operation.isTagged && { '304': { description: 'As `If-None-Match` says it is held already.' } }),
    ...(operation.isRepeat && { '200': { description: 'It existed already; nothing was created.', content } }),
  };
}

function mediaOf(schema: z.ZodType, io: 'input' | 'output'): { schema: z.ZodType; example?: unknown } {
  const example = exampleOf(schema, io);
  return { schema, ...(example !== undefined && { example }) };
}

function refusals(operation: Operation, access: string, path: HttpPath): ZodOpenApiOperationObject['responses'] {
  const told = new Set<ErrorCode>([...everywhere, ...(operation.errors ?? [])]);
  if (access !== 'public' && access !== 'lenient') for (const code of ofTokens) told.add(code);
  if (access === 'staff') told.add('permission_denied');
  if (path.includes('{')) told.add('not_found');
  if (operation.needsKey) told.add('idempotency_key_required');
  const isConditional = operation.headers?.['if_match'] !== undefined;
  if (isConditional) told.add('conflict');
  const statusOf = (code: ErrorCode) => (code === 'conflict' && isConditional ? 412 : errorCatalogue[code].status);
  const byStatus = Map.groupBy(told, statusOf);
  return Object.fromEntries(
    [...byStatus]
      .sort(([a], [b]) => a - b)
      .map(([status, group]) => [
        `${status}`,
        { description: group.map(code => `\`${code}\``).join(', '), content: contentOf(group) },
      ]),
  );
}
