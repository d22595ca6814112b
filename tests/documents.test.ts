import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, test } from 'vitest';
import { exampleOf } from '../src/common/examples.ts';
import type { Contract } from '../src/common/operations.ts';
import { contracts } from '../src/contracts.ts';
import { startApp, useApp } from './support/app.ts';
import { createTestDatabase } from './support/postgres.ts';

const app = useApp();
const documents = ['/api/schema/', '/api/asyncapi/'];

// biome-ignore lint/suspicious/noExplicitAny: any JSON
function refsIn(value: any): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => (key === '$ref' ? [String(child)] : refsIn(child)));
}

function resolve(document: object, ref: string): unknown {
  const names = ref
    .slice(2)
    .split('/')
    .map(name => name.replaceAll('~1', '/').replaceAll('~0', '~'));
  return names.reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], document);
}

test.each(documents)('every reference of %s leads somewhere', async path => {
  const { status, body } = await app.get(null, path);
  expect(status).toBe(200);
  const refs = [...new Set(refsIn(body))];
  expect(refs.length).toBeGreaterThan(10);
  expect(refs.filter(ref => resolve(body, ref) === undefined)).toEqual([]);
});

test('every REST path is in OpenAPI, every event in AsyncAPI', async () => {
  const [openapi, asyncapi] = await Promise.all(documents.map(async path => (await app.get(null, path)).body));
  const all = Object.values(contracts as Record<string, Contract>);
  const paths = all.flatMap(({ operations }) => Object.values(operations).flatMap(({ http }) => [http ?? []].flat()));
  for (const path of paths) {
    const [method, template] = path.split(' ') as [string, string];
    expect([path, openapi.paths[template]?.[method.toLowerCase()]?.operationId]).toEqual([path, expect.any(String)]);
  }
  for (const { namespace, operations, events = {} } of all) {
    if (!namespace) continue;
    const names = Object.values(asyncapi.channels[namespace.slice(1)].messages as Record<string, { name: string }>).map(
      ({ name }) => name,
    );
    const declared = [
      ...Object.values(operations).flatMap(({ socket }) => socket ?? []),
      ...Object.values(events).map(({ name }) => name),
    ];
    expect(names).toEqual(expect.arrayContaining([...declared, 'session:ready', 'session:revoked', 'auth:renew']));
  }
});

test('OpenAPI is valid by an independent validator', async () => {
  const { body } = await app.get(null, '/api/schema/');
  expect(await new Validator().validate(body)).toMatchObject({ valid: true });
});

test('no two paths of OpenAPI are the same but for the names of their parameters', async () => {
  const paths = Object.keys((await app.get(null, '/api/schema/')).body.paths);
  const templates = Map.groupBy(paths, path => path.replace(/\{\w+\}/g, '{}'));
  expect([...templates.values()].filter(same => same.length > 1)).toEqual([]);
});

test('every operation and event has an example, and it passes its own contract', () => {
  const lacking = Object.values(contracts as Record<string, Contract>).flatMap(({ operations, events = {} }) => [
    ...Object.entries(operations).flatMap(([name, { input, output, isForm }]) => [
      ...(isForm || exampleOf(input, 'input') !== undefined ? [] : [`${name} input`]),
      ...(exampleOf(output, 'output') !== undefined ? [] : [`${name} output`]),
    ]),
    ...Object.values(events).flatMap(({ name, schema }) => (exampleOf(schema, 'output') === undefined ? [name] : [])),
  ]);
  // a field that only a pattern describes needs `.meta({ example })`
  expect(lacking).toEqual([]);
});

test('an example of a thread looks like one that the server gives', async () => {
  const { body } = await app.get(null, '/api/asyncapi/');
  const [{ payload }] = body.channels.chat.messages.thread_get_ack.examples;
  const { post, participants } = payload.data.thread;
  expect([post.status, participants[0].user.avatar_url]).toEqual(['published', expect.stringMatching(/^\/uploads\//)]);
});

test('the documents tell errors, limits and examples of an operation', async () => {
  const [openapi, asyncapi] = await Promise.all(documents.map(async path => (await app.get(null, path)).body));
  const login = openapi.paths['/api/auth/login/'].post;
  expect(login.description).toContain('50 in 15 minutes per IP address');
  expect(login['x-limits']).toEqual([{ name: 'login', by: 'ip', points: 50, window_s: 900 }]);
  expect(login.requestBody.content['application/json'].example).toMatchObject({ phone: '+998901234567' });
  const refused = login.responses['401'].content['application/problem+json'];
  expect(resolve(openapi, refused.examples.invalid_credentials.$ref)).toMatchObject({ value: { status: 401 } });
  expect(asyncapi.operations.chat_message_send['x-errors']).toContain('thread_locked');
  expect(asyncapi.channels.chat.messages.message_created.examples).toHaveLength(1);
});

test('OpenAPI tells clients to send lists as the server reads them, and which calls take an Idempotency-Key', async () => {
  const { paths, components } = (await app.get(null, '/api/schema/')).body;
  const parameter = (path: string, method: string, name: string) =>
    paths[path][method].parameters.find((one: { name: string }) => one.name === name);
  const types = parameter('/api/notifications/', 'get', 'types');
  expect(types).toMatchObject({ style: 'form', explode: false, schema: { type: 'array' } });
  const user = await app.buildUser();
  const values = components.schemas.NotificationType.enum.slice(0, 2);
  expect((await app.get(user, `/api/notifications/?types=${values.join()}`)).status).toBe(200);
  const key = (path: string) => parameter(path, 'post', 'Idempotency-Key');
  expect(key('/api/billing/subscriptions/')).toMatchObject({ in: 'header', required: true });
  for (const path of ['/api/b2b/posts/', '/api/notifications/read/', '/api/auth/logout/'])
    expect([path, key(path)]).toEqual([path, expect.objectContaining({ in: 'header' })]);
  for (const path of ['/api/auth/login/', '/api/auth/set-password/']) expect(key(path)).toBeUndefined();
});

test('OpenAPI says that the API of staff refuses fields it does not know', async () => {
  const { paths } = (await app.get(null, '/api/schema/')).body;
  const ofStaff = Object.keys(paths).filter(path => path.startsWith('/api/admin/'));
  const bodies = ofStaff
    .flatMap(path => Object.values(paths[path] as Record<string, ReturnType<typeof JSON.parse>>))
    .flatMap(({ requestBody }) => requestBody ?? []);
  expect(bodies.length).toBeGreaterThan(15);
  for (const { content } of bodies) expect(content['application/json'].schema.additionalProperties).toBe(false);
});

const pages = ['/api/docs/', '/api/docs/events/', '/api/docs/assets/swagger-ui-bundle.js', '/api/docs/assets/rest.js'];

test('S-64: with DEBUG the pages are open, without source maps or other files', async () => {
  for (const path of pages) expect((await app.get(null, path)).status).toBe(200);
  for (const path of ['swagger-ui-bundle.js.map', 'package.json', '../docs-pages.ts', 'rest.html'])
    expect((await app.get(null, `/api/docs/assets/${path}`)).status).toBe(404);
  const { headers } = await app.get(null, '/api/docs/');
  expect(headers.get('content-security-policy')).toMatch(/default-src 'none'; script-src 'self';/);
});

test('S-64: without DEBUG the pages exist for staff alone, whose browser opens them once its token was shown', async () => {
  const database = await createTestDatabase();
  const closed = await startApp(database.url, { DEBUG: '0', NOTIFIER: 'dev' });
  try {
    const [user, staff] = [await closed.buildUser(), await closed.buildUser({ role: 'auditor' })];
    for (const path of [...pages, '/example/', '/example/main.js', '/example/client/index.ts'])
      for (const who of [null, user]) expect([path, (await closed.get(who, path)).status]).toEqual([path, 404]);
    expect((await closed.post(user, '/example/world/')).status).toBe(404);
    const { status, headers } = await closed.get(staff, '/api/docs/');
    expect(status).toBe(200);
    const cookie = headers.get('set-cookie')!;
    expect(cookie).toMatch(/; Path=\/api\/docs\/; .*HttpOnly; SameSite=Strict/);
    for (const path of pages)
      expect((await closed.get(null, path, { cookie: cookie.split(';')[0]! })).status).toBe(200);
    // the cookie opens nothing else
    expect((await closed.get(null, '/api/auth/me/', { cookie: cookie.split(';')[0]! })).status).toBe(401);
    await closed.post(staff, '/api/auth/logout/');
    expect((await closed.get(null, '/api/docs/', { cookie: cookie.split(';')[0]! })).status).toBe(404);
  } finally {
    await closed.close();
    await database.drop();
  }
});
