import { request } from 'node:http';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { admit } from '../../src/common/sockets/handshake.ts';
import { useApp } from '../support/app.ts';

const ORIGIN = 'https://parthub.uz';
const app = useApp({ DEBUG: '0', NOTIFIER: 'dev', CORS_ALLOWED_ORIGINS: ORIGIN });

interface Heard {
  status: number;
  headers: Record<string, unknown>;
  body: string;
}

/** Any method and any bytes, which `fetch` would not send. */
function send(method: string, path: string, headers: Record<string, string> = {}, body?: Buffer): Promise<Heard> {
  return new Promise(resolve => {
    const asked = request(`${app.url}${path}`, { method, headers }, response => {
      const chunks: Buffer[] = [];
      response.on('data', chunk => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks).toString() }),
      );
    });
    asked.on('error', () => resolve({ status: 0, headers: {}, body: '' }));
    asked.end(body);
  });
}

const json = { 'content-type': 'application/json' };
const codeOf = ({ body }: Heard) => JSON.parse(body).code as string;

test('S-64: TRACE and other methods that nobody serves are refused everywhere, and give nothing back of what was sent', async () => {
  const paths = ['/', '/healthz', '/metrics', '/api/auth/me/', '/api/b2b/posts/', '/api/docs/', '/admin/', '/uploads/x', '/socket.io/', '/nothing']; // biome-ignore format: a list
  const methods = ['TRACE', 'CONNECT', 'PROPFIND', 'PURGE', 'LINK', 'REPORT'];
  for (const path of paths)
    for (const method of methods) {
      const { status, headers, body } = await send(method, path, { 'x-secret': 'of-this-request' });
      expect([path, method, [0, 400, 404, 405].includes(status)]).toEqual([path, method, true]);
      expect(JSON.stringify([headers, body])).not.toContain('of-this-request');
      expect(String(headers['allow'])).not.toContain(method);
    }
  expect(await send('TRACE', '/healthz')).toMatchObject({ status: 405, headers: { allow: 'GET' } });
});

test('S-53: an address of 8 kB is read, a longer one is refused', async () => {
  const ask = (bytes: number) => send('GET', `/healthz?${'x'.repeat(bytes - '/healthz?'.length)}`);
  expect((await ask(8_192)).status).toBe(200);
  const refused = await ask(8_193);
  expect([refused.status, codeOf(refused)]).toEqual([413, 'payload_too_large']);
});

test('S-53: a body of 100 kB and depth 20 is read, a larger or deeper one is not, and a compressed one stays packed', async () => {
  const post = (body: Buffer, more = {}) => send('POST', '/api/auth/login/', { ...json, ...more }, body);
  const sized = (bytes: number) => Buffer.from(`{"phone":"${'1'.repeat(bytes - 12)}"}`);
  expect(codeOf(await post(sized(102_400)))).toBe('validation_failed');
  expect(await post(sized(102_401)).then(reply => [reply.status, codeOf(reply)])).toEqual([413, 'payload_too_large']);
  const nested = (depth: number) => Buffer.from(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`);
  const fieldsOf = (reply: Heard) => JSON.parse(reply.body).details.fields.map((field: { code: string }) => field.code);
  expect(fieldsOf(await post(nested(20)))).not.toContain('too_complex');
  expect(fieldsOf(await post(nested(22)))).toEqual(['too_complex']);
  const bomb = gzipSync(Buffer.alloc(50_000_000, ' '));
  const heapBefore = process.memoryUsage().rss;
  for (const encoding of ['gzip', 'deflate', 'br'])
    expect(await post(bomb, { 'content-encoding': encoding })).toMatchObject({ status: 415 });
  expect(process.memoryUsage().rss - heapBefore).toBeLessThan(40_000_000);
});

test('S-56: only an exact origin gets CORS headers, Vary names it, and credentials are never allowed', async () => {
  const preflight = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' };
  for (const method of ['GET', 'OPTIONS']) {
    const ask = (origin: string) => send(method, '/api/billing/plans/', { origin, ...preflight });
    const allowed = await ask(ORIGIN);
    expect(allowed.headers['access-control-allow-origin']).toBe(ORIGIN);
    expect(String(allowed.headers['vary'])).toContain('Origin');
    expect(allowed.headers['access-control-allow-credentials']).toBeUndefined();
    for (const origin of [
      'https://evil-parthub.uz',
      'https://parthub.uz.evil.uz',
      'https://parthub.uz:444',
      'http://parthub.uz',
      'https://PARTHUB.uz',
      'null',
      '*',
    ]) {
      // biome-ignore format: a list
      const { headers } = await ask(origin);
      expect([origin, headers['access-control-allow-origin']]).toEqual([origin, undefined]);
      expect(String(headers['vary'])).toContain('Origin');
    }
  }
});

test('S-57: with DEBUG=0 every answer, a refusal too, carries the headers of security and none of the software', async () => {
  for (const path of [
    '/healthz',
    '/api/billing/plans/',
    '/api/auth/me/',
    '/nothing',
    '/metrics',
    '/uploads/x',
    '/api/mine/%ff/',
    '/socket.io/',
  ]) {
    // biome-ignore format: a list
    const { headers } = await send('GET', path);
    expect({ path, ...headers }).toMatchObject({
      path,
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringContaining("default-src 'none'"),
      'referrer-policy': 'no-referrer',
      'strict-transport-security': expect.stringMatching(/^max-age=\d{8}/),
    });
    expect([headers['x-powered-by'], headers['server']]).toEqual([undefined, undefined]);
  }
});

test('a request that asks for another protocol, as those of HTTP/2 do, is answered without it', async () => {
  const h2c = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQAAP__' };
  expect((await send('GET', '/healthz', h2c)).status).toBe(200);
  const refused = await send('POST', '/api/auth/login/', { ...json, ...h2c }, Buffer.from('{}'));
  expect([refused.status, codeOf(refused)]).toEqual([400, 'validation_failed']);
  expect((await send('GET', '/api/auth/me/', { connection: 'Upgrade', upgrade: 'websocket' })).status).toBe(401);
});

test('S-61: bytes that are no UTF-8 or no JSON, and paths that are no address, are never an error of the server', async () => {
  const bodies = ['{"phone":', '\u0000', '[', 'null', '"', '{"phone":"\\ud800","password":"x"}'].map(text => Buffer.from(text)); // biome-ignore format: one line reads better
  for (const body of [
    ...bodies,
    Buffer.from([0xff, 0xfe, 0x22]),
    Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d]),
  ])
    for (const type of ['application/json', 'application/json; charset=utf-16', 'application/json; charset=x']) {
      const { status, body: told } = await send('POST', '/api/auth/login/', { 'content-type': type }, body);
      expect([type, body.toString('hex'), status >= 400 && status < 500]).toEqual([type, body.toString('hex'), true]);
      expect(told).not.toMatch(/node_modules|\.ts\b|\n? {4}at |select /i);
    }
  for (const path of ['/%ff', '/api/%c0%ae%c0%ae/', '/uploads/%ff', '/admin/%ff', '/api/b2b/posts/%00/', '/api/b2b/posts/?q=%ff', '/api/chat/threads/%ff/', '//', '/..%2f..%2fetc/passwd']) // biome-ignore format: a list
    expect([path, (await send('GET', path)).status < 500]).toEqual([path, true]);
});

test('S-70: a namespace refuses a foreign origin by itself, whatever the upgrade has let through', async () => {
  const from = (origin: string) => ({ handshake: { auth: { token: 'x' }, headers: { origin } }, conn: {} });
  const keeper = { config: app.config };
  for (const origin of ['https://evil.example', 'null', `${ORIGIN}.evil.example`, 'https://evil-parthub.uz'])
    await expect(admit(keeper as never, from(origin) as never)).rejects.toMatchObject({ code: 'origin_forbidden' });
});
