import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { useApp } from './support/app.ts';

const app = useApp({ TEST_TIME_SCALE: '60' });

/** Sends a beginning and nothing more; what comes back until the server closes. */
function sendAndWait(beginning: string): Promise<string> {
  const socket = connect(Number(new URL(app.url).port), '127.0.0.1', () => socket.write(beginning));
  let heard = '';
  socket.on('data', data => {
    heard += data;
  });
  return new Promise(resolve => socket.on('close', () => resolve(heard)).on('error', () => {}));
}

async function heldFor(beginning: string): Promise<[heard: string, seconds: number]> {
  const startedAt = performance.now();
  return [await sendAndWait(beginning), ((performance.now() - startedAt) * 60) / 1000];
}

test('S-53: headers that do not come to an end are cut after 10 s, bodies after 30 s, images after 120 s', async () => {
  const { token } = await app.buildUser();
  const unfinished = (path: string, type: string, begun: string) =>
    heldFor(`POST ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nContent-Type: ${type}\r\nContent-Length: 999\r\n\r\n${begun}`); // biome-ignore format: one line reads better
  const [headers, body, callback, image] = await Promise.all([
    heldFor('GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: '),
    unfinished('/api/b2b/posts/', 'application/json', '{'),
    unfinished('/api/webhooks/telegram-gateway/', 'application/json', '{'),
    unfinished('/api/uploads/', 'multipart/form-data; boundary=x', '--x\r\n'),
  ]);
  for (const [[heard, seconds], wanted] of [
    [headers, 10],
    [body, 30],
    [callback, 30],
    [image, 120],
  ] as const) {
    // biome-ignore format: one line reads better
    expect(heard).toContain('408');
    expect(seconds).toBeGreaterThanOrEqual(wanted - 1);
    expect(seconds).toBeLessThan(wanted * 1.8); // the machine may be busy for some of these milliseconds
  }
  expect((await app.get(null, '/healthz')).status).toBe(200);
});

test('S-53: 16 kB of headers are refused and the server goes on', async () => {
  expect(
    await sendAndWait(`GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Long: ${'x'.repeat(17_000)}\r\n\r\n`),
  ).toContain('431');
  expect((await app.get(null, '/healthz')).status).toBe(200);
});
