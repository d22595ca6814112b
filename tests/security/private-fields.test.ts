import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

// biome-ignore lint/suspicious/noExplicitAny: any JSON
type Json = any;

const read = (name: string): Json => JSON.parse(readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8'));

/** Names of all fields that a schema can have, at any depth. */
function fieldsOf(document: Json, schema: Json, seen = new Set<string>(), found = new Set<string>()): Set<string> {
  if (typeof schema !== 'object' || schema === null) return found;
  if (typeof schema.$ref === 'string') {
    if (seen.has(schema.$ref)) return found;
    seen.add(schema.$ref);
    const target = schema.$ref
      .slice(2)
      .split('/')
      .reduce((at: Json, name: string) => at[name], document);
    return fieldsOf(document, target, seen, found);
  }
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    found.add(name);
    fieldsOf(document, field, seen, found);
  }
  const parts = [schema.items, schema.additionalProperties, ...(schema.anyOf ?? []), ...(schema.allOf ?? [])];
  for (const part of parts) fieldsOf(document, part, seen, found);
  return found;
}

const privateFields = ['phone', 'tin', 'ip', 'user_agent', 'password_hash', 'salt', 'moderation_reason', 'me'];
const privateOf = (fields: ReadonlySet<string>) => privateFields.filter(name => fields.has(name)).join();

test('S-34: only answers to oneself have a number, a TIN, an address or a private state; every answer is strict', () => {
  const document = read('openapi.json');
  const told: Record<string, string> = {};
  for (const [path, item] of Object.entries<Json>(document.paths))
    for (const [method, { responses }] of Object.entries<Json>(item))
      for (const [status, { content }] of Object.entries<Json>(responses)) {
        const schema = content?.['application/json']?.schema;
        const fields = privateOf(fieldsOf(document, schema));
        if (status < '400' && fields && !path.startsWith('/api/admin/')) told[`${method} ${path}`] = fields;
      }
  expect(told).toEqual({
    'post /api/auth/request-otp/': 'phone', // as it was asked
    'post /api/auth/verify-otp/': 'phone',
    'post /api/auth/set-password/': 'phone',
    'post /api/auth/login/': 'phone',
    'get /api/auth/me/': 'phone',
    'patch /api/auth/me/': 'phone',
    'post /api/auth/change-phone/': 'phone',
    'get /api/auth/sessions/': 'ip,user_agent',
    'get /api/b2b/profile/': 'tin',
    'put /api/b2b/profile/': 'tin',
    'post /api/b2b/posts/{post_id}/reveal-contact/': 'phone', // by a daily allowance, and the author is told
    'post /api/chat/start/': 'me',
    'get /api/chat/threads/': 'me',
    'get /api/chat/threads/{thread_id}/': 'me',
    'post /api/chat/threads/{thread_id}/mute/': 'me',
    'post /api/chat/threads/{thread_id}/archive/': 'me',
  });
  const loose = Object.entries<Json>(document.components.schemas).filter(([, schema]) => schema.type === 'object' && schema.properties && schema.additionalProperties !== false); // biome-ignore format: one line reads better
  const ofAnswers = JSON.stringify(Object.values<Json>(document.paths).flatMap(item => Object.values<Json>(item).map(({ responses }) => responses))); // biome-ignore format: one line reads better
  expect(loose.map(([name]) => name).filter(name => ofAnswers.includes(`#/components/schemas/${name}"`))).toEqual([]);
});

test('S-34, S-87: no push has any of them, and only the one to the own devices has a private state', () => {
  const document = read('asyncapi.json');
  const told = Object.values<Json>(document.operations)
    .filter(({ action }) => action === 'send')
    .flatMap(({ messages }) => messages)
    .flatMap(({ $ref }) => {
      const message = $ref
        .slice(2)
        .split('/')
        .reduce((at: Json, name: string) => at[name], document);
      const fields = privateOf(fieldsOf(document, message.payload));
      return fields ? [`${message.name}: ${fields}`] : [];
    });
  expect(told).toEqual(['me:updated: me']);
});
