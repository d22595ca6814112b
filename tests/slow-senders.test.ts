import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { useApp } from './support/app.ts';

const app = useApp({ TEST_TIME_SCALE: '20' });

/** Sends a beginning and nothing more; what comes back until the server closes. */
function sendAndWait(beginning: string): Promise<string> {
  const socket = connect(Number(new URL(app.url).port), '127.0.0.1', () => socket.write(beginning));
  let heard = '';
  socket.on('data', data => {
    heard += data;
  });
  return new Promise(resolve => socket.on('close', () => resolve(heard)).on('error', () => {}));
}

test('S-53: headers and bodies that do not come to an end are cut', async () => {
  expect(await sendAndWait('GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ')).toContain('408');
  const body =
    'POST /api/auth/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{';
  await sendAndWait(body);
  expect((await app.get(null, '/healthz')).status).toBe(200);
});

test('S-53: 16 kB of headers are refused and the server goes on', async () => {
  expect(
    await sendAndWait(`GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Long: ${'x'.repeat(17_000)}\r\n\r\n`),
  ).toContain('431');
  expect((await app.get(null, '/healthz')).status).toBe(200);
});
