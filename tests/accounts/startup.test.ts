import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EXAMPLE_SECRET_KEY } from '../../src/config.ts';
import { bearer, logIn, newPhone, requestCode } from '../support/accounts.ts';
import { useApp } from '../support/app.ts';
import { preload, startServerProcess } from '../support/server-process.ts';

const closed = useApp({
  DEBUG: '0',
  DEV_OTP: '0',
  NOTIFIER: 'dev',
  RATE_LIMITS: 'on',
  NODE_ENV: 'test',
  LOG_LEVEL: 'silent',
});
let dataDir: string;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'parthub-start-'));
});
afterAll(() => rm(dataDir, { recursive: true, force: true }));

const SECRET = 'a secret of this test, longer than 32 bytes';

/** Starts a server that should not start; its exit code and what it said. */
function start(env: Record<string, string>): Promise<{ code: number; output: string }> {
  const main = join(import.meta.dirname, '../../src/main.ts');
  const settings = { DATA_DIR: dataDir, DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none', PORT: '0', ...env };
  return new Promise(resolve => {
    const child = execFile(
      process.execPath,
      [...preload, main],
      { env: { PATH: process.env['PATH'], ...settings }, timeout: 20_000 },
      (_error, stdout, stderr) => {
        resolve({ code: child.exitCode ?? -1, output: stdout + stderr });
      },
    );
  });
}

test.each([
  ['S-31', { DEBUG: '0', SECRET_KEY: 'too short' }, 'SECRET_KEY'],
  ['S-31', { DEBUG: '0', SECRET_KEY: EXAMPLE_SECRET_KEY }, 'SECRET_KEY'],
  ['S-31', { DEBUG: '0' }, 'SECRET_KEY'],
  ['S-13', { DEBUG: '0', SECRET_KEY: SECRET, DEV_OTP: '1' }, 'DEV_OTP'],
  ['S-90', { DEBUG: '0', SECRET_KEY: SECRET, RATE_LIMITS: 'off' }, 'RATE_LIMITS'],
  ['no provider', { DEBUG: '0', SECRET_KEY: SECRET, NOTIFIER: 'dev' }, 'NOTIFIER'],
  ['a wrong test number', { SECRET_KEY: SECRET, TEST_OTP_NUMBERS: '+998901111111:1111@soon' }, 'TEST_OTP_NUMBERS'],
  ['a weak callback secret', { SECRET_KEY: SECRET, ESKIZ_CALLBACK_SECRET: 'short' }, 'ESKIZ_CALLBACK_SECRET'],
  ['a wrong value', { SECRET_KEY: SECRET, PORT: 'http' }, 'PORT'],
  ['a wildcard host', { DEBUG: '0', SECRET_KEY: SECRET, ALLOWED_HOSTS: '*' }, 'ALLOWED_HOSTS'],
])('%s: a server with %j does not start and names the setting', async (_row, env, name) => {
  const { code, output } = await start(env);
  expect(code).toBe(1);
  expect(output).toContain(name);
  expect(output).not.toContain(SECRET);
});

/** Begins a request, and breaks the connection in the middle of its body. */
async function goAwayInABody(url: string): Promise<void> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write('POST /api/auth/login/ HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n');
  socket.write('Content-Type: application/json\r\nContent-Length: 99\r\n\r\n{');
  await once(socket, 'data'); // "100 Continue": the body is being read
  socket.destroy();
}

test('S-60: the log of a full login holds no code, token, password or whole number, and one line a request', async () => {
  const server = await startServerProcess({
    DATA_DIR: join(dataDir, 'logged'),
    DEBUG: '0',
    DEV_OTP: '1',
    ALLOW_DEV_OTP_IN_PROD: '1',
    SECRET_KEY: SECRET,
    LOG_LEVEL: 'trace',
    HOST: '127.0.0.1',
  });
  const post = async (path: string, body: object, headers = {}) =>
    (
      await fetch(server.url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      })
    ).json() as Promise<Record<string, string>>;
  const phone = newPhone();
  await goAwayInABody(server.url);
  const { dev_code } = await post('/api/auth/request-otp/', { phone });
  const { access, refresh } = await post('/api/auth/verify-otp/', { phone, code: dev_code });
  const password = 'correct horse battery\r\n\u001b[31mred';
  await post('/api/auth/set-password/', { password }, bearer(access!));
  await post('/api/auth/login/', { phone, password: 'wrong horse battery' });
  await fetch(`${server.url}/api/b2b/posts/?q=%0d%0a%1b[31mforged&token=${access}`, { headers: bearer(access!) });
  await fetch(`${server.url}/api/%0d%0aforged-line`, { headers: bearer(access!) });
  const log = await server.logged(/forged-line/);
  await server.kill();
  for (const secret of [dev_code!, access!, refresh!, 'correct horse', 'wrong horse', phone, phone.slice(1), 'Bearer'])
    expect([secret, log.includes(secret)]).toEqual([secret, false]);
  expect(log).not.toMatch(/\u001b\[31m|^forged/m);
  // whose line breaks is no outage: nobody may fill the log with errors
  expect(log).not.toContain('request aborted');
  expect(log).toContain('/api/auth/request-otp/');
}, 40_000);

test('S-13: with DEV_OTP=0 no code is in an answer', async () => {
  const reply = await requestCode(closed, newPhone());
  expect([reply.status, Object.keys(reply.body)]).toEqual([200, expect.not.arrayContaining(['dev_code'])]);
  expect((await logIn(closed)).status).toBe(400);
});
