import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ConfigError, EXAMPLE_SECRET_KEY } from '../../src/config.ts';
import { bearer, logIn, newPhone, requestCode } from '../support/accounts.ts';
import { testConfig, useApp } from '../support/app.ts';
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

test.each([
  ['a database that is not there', { SECRET_KEY: SECRET, DEBUG: '1' }, /DATABASE_URL: .* ECONNREFUSED 127.0.0.1:1$/],
  [
    'a folder of images that is a file',
    { SECRET_KEY: SECRET, DEBUG: '1', UPLOAD_DIR: import.meta.filename },
    /^UPLOAD_DIR: this folder cannot be written \(EEXIST\)$/,
  ],
  ['a data folder that is a file', { DEBUG: '1', DATA_DIR: import.meta.filename }, /startup\.test\.ts/],
])('%s is told in one line', async (_what, env, told) => {
  const { code, output } = await start(env);
  expect([code, output.trim().split('\n')]).toEqual([1, [expect.stringMatching(told)]]);
});

/** What is said of settings with which no server may start. */
function refusalOf(env: Record<string, string>): string {
  try {
    testConfig('', env);
  } catch (error) {
    return (error as ConfigError).message;
  }
  return 'none';
}

test('a setting with which something could never work is refused by its name, and without its value', () => {
  for (const [name, ...values] of [
    ['PUBLIC_URL', 'api.example.uz', 'ftp://api.example.uz', 'https://'],
    ['ALLOWED_HOSTS', 'https://api.example.uz', 'localhost,api.example.uz:8000', '.example.uz', '::1'],
    ['CORS_ALLOWED_ORIGINS', '*', 'null', 'app.example.uz', 'https://app.example.uz/', 'https://App.example.uz', 'https://a.uz:443'], // biome-ignore format: one line reads better
    ['DATABASE_URL', 'mysql://127.0.0.1/parthub', '127.0.0.1/parthub'],
    ['BILLING_TZ', 'Asia/Toshkent', 'UTC+5'],
    ['ALLOWED_PHONE_COUNTRIES', 'uz', 'UZB'],
    ['S3_PUBLIC_URL', 'images.example.uz'],
    ['S3_ENDPOINT', 's3.example.uz'],
    ['ESKIZ_URL', 'notify.eskiz.uz'],
    ['CAPTCHA_PROVIDER', 'turnstile'],
    ['REFRESH_TTL', '99999999999999'],
    ['OTP_IP_HOURLY', '2147483648', '1.5', '0'],
  ] as [string, ...string[]][])
    for (const value of values) {
      const refusal = refusalOf({ [name]: value });
      expect([name, value, refusal]).toEqual([name, value, expect.stringContaining(`  ${name}`)]);
      expect(refusal.replace(/(must|needs) .*/g, '')).not.toContain(value);
    }
  expect(refusalOf({ S3_BUCKET: 'parthub', S3_ACCESS_KEY_ID: 'id', S3_SECRET_ACCESS_KEY: 'key' })).toContain('S3_ENDPOINT'); // biome-ignore format: one line reads better
});

test('hosts are served in any case, origins of apps are let in, and an address of IPv6 stands in brackets', () => {
  const { ALLOWED_HOSTS, CORS_ALLOWED_ORIGINS, PUBLIC_URL } = testConfig('', {
    ALLOWED_HOSTS: 'API.Example.uz, [::1], *',
    CORS_ALLOWED_ORIGINS: 'https://app.example.uz, http://localhost:5173, capacitor://localhost',
    ...{ HOST: '::1', PORT: '8000' },
  });
  expect(ALLOWED_HOSTS).toEqual(['api.example.uz', '[::1]', '*']);
  expect(CORS_ALLOWED_ORIGINS).toHaveLength(3);
  expect(PUBLIC_URL).toBe('http://[::1]:8000');
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
