import { request } from 'node:http';
import { connect as connectTcp } from 'node:net';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { command, query } from '../../src/common/operations.ts';
import { useDoors } from '../support/doors.ts';

const Echo = z.object({
  text: z.string(),
  count: z.int().default(1),
  loud: z.boolean().default(false),
  tags: z.array(z.string()).default([]),
});
const contract = {
  namespace: '/chat' as const,
  operations: {
    echo: command({
      summary: 'Says it again.',
      http: 'POST /api/echo/',
      access: 'public',
      input: Echo,
      output: Echo,
      status: 201,
      isRepeat: output => output.text === 'again',
    }),
    read: query({
      summary: 'Reads it.',
      http: ['GET /api/echo/', 'GET /api/alias/'],
      access: 'public',
      input: Echo,
      output: Echo,
    }),
    mine: query({
      summary: 'Mine.',
      http: 'GET /api/mine/{id}/',
      input: z.object({ id: z.uuid() }),
      output: z.object({ id: z.string() }),
    }),
    fail: query({
      summary: 'Fails.',
      http: 'GET /api/fail/',
      access: 'public',
      input: z.object({}),
      output: z.object({}),
    }),
  },
};
const { operations } = contract;

const doors = useDoors(contract, http => {
  http.handle(operations.echo, async (_ctx, input) => input);
  http.handle(operations.read, async (_ctx, input) => input);
  http.handle(operations.mine, async (_ctx, { id }) => ({ id }));
  http.handle(operations.fail, async () => {
    throw new Error('select secret from users');
  });
});

const USER = '0198a0e0-0000-7000-8000-000000000001';

function post(path: string, body: string, headers: Record<string, string> = { 'content-type': 'application/json' }) {
  return fetch(doors.url + path, { method: 'POST', body, headers, redirect: 'manual' });
}

async function problemOf(response: Response) {
  expect(response.headers.get('content-type')).toContain('application/problem+json');
  const problem = (await response.json()) as { status: number; code: string; details?: unknown };
  expect(problem.status).toBe(response.status);
  return problem;
}

test('the final slash is optional, without a redirect, so that no body is lost', async () => {
  for (const path of ['/api/echo/', '/api/echo']) {
    const response = await post(path, '{"text":"hello","sender_id":"dropped"}');
    expect(response.status).toBe(201);
    expect(await response.json()).toEqual({ text: 'hello', count: 1, loud: false, tags: [] });
  }
});

test('what created nothing is 200 and not 201', async () => {
  expect((await post('/api/echo/', '{"text":"again"}')).status).toBe(200);
});

test('an alias answers like the path itself, and query strings become what the contract says', async () => {
  for (const path of ['/api/echo/', '/api/alias/'])
    expect(await (await fetch(`${doors.url}${path}?text=7&count=7&loud=1&tags=a,b&unknown=1`)).json()).toEqual({
      text: '7',
      count: 7,
      loud: true,
      tags: ['a', 'b'],
    });
});

test.each([
  ['bad_json', 400, '{"text":', {}],
  ['validation_failed', 400, '[]', {}],
  ['validation_failed', 400, '"text"', {}],
  ['validation_failed', 400, '{"text":7}', {}],
  ['validation_failed', 400, `{"text":${'['.repeat(40)}${']'.repeat(40)}}`, {}],
  ['payload_too_large', 413, `{"text":"${'x'.repeat(110_000)}"}`, {}],
  ['unsupported_media_type', 415, 'text=hello', { 'content-type': 'application/x-www-form-urlencoded' }],
  ['unsupported_media_type', 415, '{"text":"x"}', { 'content-type': 'text/plain' }],
  ['unsupported_media_type', 415, '{"text":"x"}', { 'content-encoding': 'gzip' }],
  ['not_acceptable', 406, '{"text":"x"}', { accept: 'text/html' }],
])('a bad body is %s (%i)', async (code, status, body, headers) => {
  const problem = await problemOf(await post('/api/echo/', body, { 'content-type': 'application/json', ...headers }));
  expect(problem).toMatchObject({
    code,
    status,
    type: `/problems/${code}`,
    instance: '/api/echo/',
    request_id: expect.any(String),
  });
});

test('a refused field is named with its path and code', async () => {
  expect(await problemOf(await post('/api/echo/', '{"text":"x","tags":["a",7]}'))).toMatchObject({
    details: { fields: [{ path: 'tags.1', code: 'invalid_type' }] },
  });
});

test('S-62: a scalar query parameter twice is duplicate_parameter, brackets are ignored', async () => {
  expect(await problemOf(await fetch(`${doors.url}/api/echo/?text=a&count=1&count=9`))).toMatchObject({
    code: 'duplicate_parameter',
  });
  expect((await fetch(`${doors.url}/api/echo/?text=a&a[]=1&a[b]=2`)).status).toBe(200);
});

test('what a GET asks for stands in its address alone: no body changes an answer that caches keep', async () => {
  const body = '{"text":"b","count":7}';
  const headers = { 'content-type': 'application/json', 'content-length': body.length };
  const answer = await new Promise(resolve => {
    request(`${doors.url}/api/echo/?text=a`, { headers }, response => {
      response.on('data', chunk => resolve([response.headers['cache-control'], JSON.parse(String(chunk))]));
    }).end(body);
  });
  expect(answer).toEqual(['public, max-age=30', { text: 'a', count: 1, loud: false, tags: [] }]);
});

test.each(['application/json; charset=utf-8', 'application/json;charset=UTF-8', 'text/html, application/*;q=0.1'])(
  'who accepts %s is answered',
  async accept => {
    expect((await fetch(`${doors.url}/api/echo/?text=a`, { headers: { accept } })).status).toBe(200);
  },
);

test('S-77: __proto__, constructor and prototype as keys change nothing', async () => {
  const response = await post('/api/echo/', '{"text":"x","__proto__":{"x":1},"constructor":{"prototype":{"x":1}}}');
  expect(await response.json()).toEqual({ text: 'x', count: 1, loud: false, tags: [] });
  expect((await fetch(`${doors.url}/api/echo/?text=a&__proto__=1&constructor=1`)).status).toBe(200);
  expect(({} as { x?: unknown }).x).toBeUndefined();
});

test('a wrong method is 405 with Allow, an unknown path 404, and case matters', async () => {
  const wrong = await fetch(`${doors.url}/api/echo/`, { method: 'DELETE' });
  expect(await problemOf(wrong)).toMatchObject({ code: 'method_not_allowed' });
  expect(wrong.headers.get('allow')).toBe('POST, GET');
  expect(await problemOf(await fetch(`${doors.url}/api/nothing/`))).toMatchObject({ code: 'not_found' });
  expect(await problemOf(await fetch(`${doors.url}/API/echo/`))).toMatchObject({ code: 'not_found' });
});

test('an id that is none is answered like one that does not exist', async () => {
  const response = await fetch(`${doors.url}/api/mine/not-an-id/`, { headers: { authorization: `Bearer ${USER}` } });
  expect(await problemOf(response)).toMatchObject({ code: 'not_found' });
});

test.each([
  ['auth_required', {}],
  ['token_invalid', { authorization: 'Basic eDp5' }],
  ['token_invalid', { authorization: 'Bearer' }],
])('%s is 401 with WWW-Authenticate', async (code, headers) => {
  const response = await fetch(`${doors.url}/api/mine/${USER}/`, { headers });
  expect(await problemOf(response)).toMatchObject({ code, status: 401 });
  expect(response.headers.get('www-authenticate')).toBe('Bearer');
});

test('S-71: a token in the query string or in a cookie is no token', async () => {
  const response = await fetch(`${doors.url}/api/mine/${USER}/?token=${USER}&access_token=${USER}`, {
    headers: { cookie: `access=${USER}` },
  });
  expect(await problemOf(response)).toMatchObject({ code: 'auth_required' });
});

test('S-61: no error tells a stack, SQL or path, and %ff in a path is not found', async () => {
  const failed = await fetch(`${doors.url}/api/fail/`);
  const text = await failed.text();
  expect(failed.status).toBe(500);
  expect(text).not.toMatch(/select|secret|node_modules|\.ts|at /);
  expect((await fetch(`${doors.url}/api/mine/%ff/`)).status).toBe(404);
});

test('a request id is taken when it is well-formed, else made', async () => {
  const id = async (given: string) =>
    (await fetch(`${doors.url}/api/echo/?text=a`, { headers: { 'x-request-id': given } })).headers.get('x-request-id');
  expect(await id('my-request.1')).toBe('my-request.1');
  expect(await id('short')).toMatch(/^[A-Za-z0-9_-]{16}$/);
});

test('S-57: answers carry the security headers, and with a token they are not stored', async () => {
  const { headers } = await fetch(`${doors.url}/api/mine/${USER}/`, { headers: { authorization: `Bearer ${USER}` } });
  expect(Object.fromEntries(headers)).toMatchObject({
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none';frame-ancestors 'none'",
    'referrer-policy': 'no-referrer',
    'cache-control': 'private, no-store',
  });
  expect(headers.get('x-powered-by')).toBeNull();
});

test('S-56: only an exact origin gets CORS headers', async () => {
  const allowed = async (origin: string) =>
    (await fetch(`${doors.url}/api/echo/?text=a`, { headers: { origin } })).headers.get('access-control-allow-origin');
  expect(await allowed('http://localhost:3000')).toBe('http://localhost:3000');
  for (const origin of ['https://evil-parthub.uz', 'null', 'http://localhost:3000.evil.example'])
    expect(await allowed(origin)).toBeNull();
});

test('S-59: a foreign Host is refused, for requests and upgrades', async () => {
  const { port } = new URL(doors.url);
  const code = await new Promise(resolve => {
    request({ host: '127.0.0.1', port, path: '/api/echo/?text=a', headers: { host: 'evil.example' } }, response => {
      response.on('data', chunk => resolve(JSON.parse(String(chunk)).code));
    }).end();
  });
  expect(code).toBe('invalid_host');
  const upgrade = await new Promise<string>(resolve => {
    const socket = connectTcp(Number(port), '127.0.0.1', () => {
      socket.write(
        'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: evil.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
      );
    });
    socket.on('data', data => {
      resolve(String(data));
      socket.destroy();
    });
  });
  expect(upgrade).not.toContain(' 101 ');
});
