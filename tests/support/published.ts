import { readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

// biome-ignore lint/suspicious/noExplicitAny: any JSON
type Json = any;

const readDocument = (name: string): Json => JSON.parse(readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8')); // biome-ignore format: one line reads better
const openapi = readDocument('openapi.json');
const asyncapi = readDocument('asyncapi.json');

const options = { strict: false, validateFormats: true };
/** Each by the JSON Schema that its standard prescribes. */
const ajv = { openapi: new Ajv2020(options), asyncapi: new Ajv(options) };
for (const one of Object.values(ajv)) addFormats.default(one);
ajv.openapi.addSchema(openapi, 'openapi');
ajv.asyncapi.addSchema(asyncapi, 'asyncapi');
const validators = new Map<string, ValidateFunction>();

/** Compiled when it is first needed: most files need few of them. */
function validatorOf(document: 'openapi' | 'asyncapi', ...path: string[]): ValidateFunction {
  const pointer = path.map(part => part.replaceAll('~', '~0').replaceAll('/', '~1')).map(encodeURIComponent).join('/'); // biome-ignore format: one line reads better
  const ref = `${document}#/${pointer}`;
  const validator = validators.get(ref) ?? ajv[document].getSchema(ref);
  if (!validator) throw new Error(`${ref} is not in the document`);
  validators.set(ref, validator);
  return validator;
}

function complain(where: string, validate: ValidateFunction, value: unknown): string | null {
  if (validate(value)) return null;
  const [error] = validate.errors!;
  return `${where}: ${error!.instancePath} ${error!.message} in ${JSON.stringify(value).slice(0, 500)}`;
}

interface Route {
  method: string;
  template: string;
  pattern: RegExp;
}

const routes: Route[] = Object.entries<Json>(openapi.paths)
  .flatMap(([template, item]) =>
    Object.keys(item).map(method => ({
      method,
      template,
      pattern: new RegExp(`^${template.replace(/\/$/, '/?').replace(/\{\w+\}/g, '[^/]+')}$`),
    })),
  )
  // `threads/list/` is told before `threads/{id}/`.
  .sort((a, b) => a.template.split('{').length - b.template.split('{').length);

/** A refusal is published with its status, or with those that the door itself may give. */
function complainOfProblem(where: string, published: Json, text: string): string | null {
  const body = JSON.parse(text);
  const codes = [published, openapi.components.responses.OfTheDoor].flatMap(response =>
    Object.keys(response?.content['application/problem+json'].examples ?? {}),
  );
  if (!codes.includes(body.code)) return `${where}: the code ${body.code} is not published`;
  return complain(where, validatorOf('openapi', 'components', 'schemas', 'Problem'), body);
}

/** What an answer has that the published document does not say; null where it says all, or nothing of this path. */
export function complainOfAnswer(
  method: string,
  path: string,
  { status, type, text }: { status: number; type: string; text: string },
): string | null {
  const route = routes.find(one => one.method === method.toLowerCase() && one.pattern.test(path));
  if (!route || status === 405) return null;
  const where = `${method} ${route.template} ${status}`;
  const responses = openapi.paths[route.template][route.method].responses;
  if (status >= 400) return complainOfProblem(where, responses[status], text);
  if (!responses[status]) return `${where} is not published: ${text.slice(0, 200)}`;
  const content = responses[status].content ?? {};
  const media = type.split(';')[0]!;
  if (text === '' && (status === 304 || Object.keys(content).length === 0)) return null;
  if (!content[media]) return `${where} is published as ${Object.keys(content)}, not as ${media}`;
  if (!media.endsWith('json')) return null;
  const pointer = ['paths', route.template, route.method, 'responses', `${status}`, 'content', media, 'schema'];
  return complain(where, validatorOf('openapi', ...pointer), JSON.parse(text));
}

const keyOf = (name: string) => name.replace(/[^a-zA-Z0-9]+/g, '_');

/** The same of an event that a client has heard. */
export function complainOfMessage(namespace: string, name: string, payload: unknown): string | null {
  const channel = namespace.slice(1);
  const key = keyOf(name);
  if (!asyncapi.channels[channel]?.messages[key]) return `${namespace} ${name} is not published`;
  return complain(
    `${namespace} ${name}`,
    validatorOf('asyncapi', 'channels', channel, 'messages', key, 'payload'),
    payload,
  );
}

/** What any event may be answered by the door. */
const ofTheSocketDoor = ['validation_failed', 'rate_limited', 'payload_too_large', 'server_draining', 'internal', 'unavailable']; // biome-ignore format: one line reads better

/** The ack of an event: its form, and that the event's own refusals are published. */
export function complainOfAck(namespace: string, name: string, ack: unknown): string | null {
  const { error } = ack as { error?: { code: string } };
  const published: string[] = asyncapi.operations[`${namespace.slice(1)}_${keyOf(name)}`]['x-errors'] ?? [];
  if (error && ![...published, ...ofTheSocketDoor].includes(error.code))
    return `${namespace} ${name}: the code ${error.code} is not published`;
  return complainOfMessage(namespace, `${name} ack`, ack);
}

/** Whether a client may send this, so that its ack has a form. */
export function isPublishedEvent(namespace: string, name: string): boolean {
  return asyncapi.channels[namespace.slice(1)]?.messages[keyOf(`${name} ack`)] !== undefined;
}
