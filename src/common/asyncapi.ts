import { z } from 'zod';
import { describeLimits, limitsExtension, shorten } from './document-texts.ts';
import { type ErrorCode, errorCatalogue } from './errors.ts';
import { exampleOf } from './examples.ts';
import type { Contract, EventDeclaration, Namespace, Operation } from './operations.ts';
import { Handshake, renewal, sessionEvents } from './session.ts';

type Json = Record<string, unknown>;

interface Message {
  name: string;
  summary: string;
  payload: z.ZodType;
  io: 'input' | 'output';
}

const Err = z
  .object({
    code: z.enum(Object.keys(errorCatalogue) as [ErrorCode, ...ErrorCode[]]),
    message: z.string(),
    retryable: z.boolean(),
    retry_after_ms: z.int().optional(),
    details: z.record(z.string(), z.unknown()).optional(),
    request_id: z.string(),
  })
  .meta({ id: 'Err' });

/** AsyncAPI 3.0 of the namespaces, made from the contracts alone: what a client emits, its acks, and what it hears. */
export function buildAsyncApi(contracts: Record<string, Contract>, version: string): object {
  const schemas: Json = {};
  const channels: Json = {};
  const operations: Json = {};
  // A module may speak in the namespace of another.
  const byNamespace = Map.groupBy(Object.values(contracts), one => one.namespace);
  for (const [namespace, group] of byNamespace) {
    if (!namespace) continue;
    const channel = channelName(namespace);
    const served = group.flatMap(contract => Object.values(contract.operations));
    const asked = [...served.filter(operation => operation.socket !== undefined), renewal];
    const emitted = asked.map(emittedBy);
    const acks = asked.filter(operation => !operation.volatile).map(ackOf);
    const announced = group.flatMap(contract => Object.values(contract.events ?? {}));
    const heard = [...Object.values(sessionEvents), ...announced].map(heardAs);
    channels[channel] = describeChannel(namespace, [...emitted, ...acks, ...heard], schemas);
    for (const operation of asked)
      operations[operationId(channel, operation.socket!)] = describeEmit(channel, operation);
    for (const { name } of heard) operations[operationId(channel, name)] = { action: 'send', ...refsTo(channel, name) };
  }
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Parthub',
      version,
      description: 'Socket.IO 4 namespaces over one WebSocket (`/socket.io/`). Actions are those of the server.',
      license: { name: 'MIT' },
    },
    defaultContentType: 'application/json',
    servers: { local: { host: '127.0.0.1:8000', pathname: '/socket.io/', protocol: 'ws' } },
    channels,
    operations,
    components: { schemas },
  };
}

const channelName = (namespace: Namespace): string => namespace.slice(1);
const messageKey = (name: string): string => name.replace(/[^a-zA-Z0-9]+/g, '_');
const operationId = (channel: string, name: string): string => `${channel}_${messageKey(name)}`;
const ackName = (name: string): string => `${name} ack`;

function emittedBy({ socket, summary, input }: Operation): Message {
  return { name: socket!, summary, payload: input, io: 'input' };
}

function ackOf({ socket, output }: Operation): Message {
  const payload = z.union([
    z.object({ ok: z.literal(true), data: output }),
    z.object({ ok: z.literal(false), error: Err }),
  ]);
  return { name: ackName(socket!), summary: `The acknowledgement of ${socket}.`, payload, io: 'output' };
}

function heardAs({ name, summary, schema }: EventDeclaration): Message {
  return { name, summary, payload: schema, io: 'output' };
}

function describeChannel(namespace: Namespace, messages: readonly Message[], schemas: Json): Json {
  return {
    address: namespace,
    title: `Namespace ${namespace}`,
    messages: Object.fromEntries(
      messages.map(message => [messageKey(message.name), describeMessage(message, schemas)]),
    ),
    bindings: { ws: { method: 'GET' } },
    'x-handshake-auth': schemaOf(Handshake, 'input', schemas),
  };
}

function describeMessage({ name, summary, payload, io }: Message, schemas: Json): Json {
  const example = exampleOf(payload, io);
  const examples = example === undefined ? {} : { examples: [{ payload: example }] };
  return { name, title: name, summary, payload: schemaOf(payload, io, schemas), ...examples };
}

function describeEmit(channel: string, operation: Operation): Json {
  const codes = operation.errors?.map(code => `\`${code}\``).join(', ');
  const description = [codes && `Refusals of its own: ${codes}.`, describeLimits(operation)].filter(Boolean).join(' ');
  const ack = ackName(operation.socket!);
  return {
    action: 'receive',
    summary: operation.summary,
    ...(description && { description }),
    ...(operation.errors && { 'x-errors': operation.errors }),
    ...limitsExtension(operation),
    ...refsTo(channel, operation.socket!),
    ...(!operation.volatile && { reply: refsTo(channel, ack) }),
  };
}

function refsTo(channel: string, name: string): Json {
  const channelRef = `#/channels/${channel}`;
  return { channel: { $ref: channelRef }, messages: [{ $ref: `${channelRef}/messages/${messageKey(name)}` }] };
}

/** Draft 7, which AsyncAPI prescribes; shapes with a name of their own are kept once, under `components`. */
function schemaOf(payload: z.ZodType, io: 'input' | 'output', schemas: Json): Json {
  const made = z.toJSONSchema(payload, { target: 'draft-7', io, unrepresentable: 'any', override: shorten });
  const {
    $schema: _,
    definitions = {},
    ...schema
  } = JSON.parse(JSON.stringify(made).replaceAll('"#/definitions/', '"#/components/schemas/'));
  for (const [name, named] of Object.entries(definitions as Json)) schemas[name] ??= named;
  return schema;
}
