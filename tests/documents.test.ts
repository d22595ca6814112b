import { expect, test } from 'vitest';
import type { Contract } from '../src/common/operations.ts';
import { contracts } from '../src/contracts.ts';
import { useApp } from './support/app.ts';

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
