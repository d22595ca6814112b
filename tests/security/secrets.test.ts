import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { fakeEskiz } from '../fakes/eskiz.ts';
import { bearer, newPhone } from '../support/accounts.ts';
import { ask, once, openSocket, startApp, useApp } from '../support/app.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { buildTalk, done, message } from '../support/talk.ts';

const app = useApp();
const run = promisify(execFile);

/** A server of its own on the same database, that logs all it can. */
async function startLoud(more: Record<string, string> = {}): Promise<ServerProcess> {
  const { DATABASE_URL, SECRET_KEY } = app.config;
  const env = { DATABASE_URL: DATABASE_URL!, SECRET_KEY, LOG_LEVEL: 'trace', DEBUG: '0', DEV_OTP: '0' };
  const server = await startServerProcess({ ...env, HOST: '127.0.0.1', NOTIFIER: 'dev', ...more });
  onTestFinished(server.kill);
  return server;
}

test('S-60: the log of a conversation holds no token, text, number or handshake, and nobody forges a line of it', async () => {
  const server = await startLoud();
  const { buyer, seller, thread } = await buildTalk(app);
  const text = 'secretlamp\r\n{"level":60,"msg":"forged"}\u001b[31m';
  const socket = openSocket(server.url, '/chat', { token: buyer.token, device_id: 'secretdevice' });
  await once(socket, 'session:ready');
  const refused = openSocket(server.url, '/chat', { token: 'secrettoken.of.nobody', client: { name: 'secretclient' } });
  await new Promise(resolve => refused.on('connect_error', resolve));
  const { message: sent } = await done(
    socket,
    'message:send',
    message(thread, { text: text.replaceAll(/[\r\u001b]/g, '') }),
  );
  await ask(socket, 'message:send', message(thread, { text }));
  await ask(socket, 'message:edit', { thread_id: thread.id, message_id: sent.id, text: 'secretlamp again' });
  await ask(socket, 'message:search', { q: 'secretlamp' });
  await ask(socket, 'secretevent', { text: 'secretlamp' });
  await app.orm.em.fork().execute('alter table messages rename to gone');
  await ask(socket, 'message:send', message(thread, { text: 'secretlamp fails' }));
  await app.orm.em.fork().execute('alter table gone rename to messages');
  const headers = { ...bearer(seller.token), 'x-request-id': 'id-of-this-test' };
  await fetch(`${server.url}/api/chat/send/`, {
    ...{ method: 'POST', headers: { ...headers, 'content-type': 'application/json' } },
    body: JSON.stringify(message(thread, { text: 'secretlamp by REST' })),
  });
  await fetch(`${server.url}/last-line`);
  const log = await server.logged(/last-line/);
  for (const one of [socket, refused]) one.close();
  expect(log).toContain('"internal"');
  expect(log).toContain('"code":"42P01"');
  for (const secret of [
    'secret',
    buyer.token,
    seller.token,
    buyer.phone,
    buyer.phone.slice(1),
    seller.phone.slice(1),
    'Bearer',
  ])
    expect([secret, log.includes(secret)]).toEqual([secret, false]);
  for (const line of log.split('\n')) expect(() => JSON.parse(line)).not.toThrow();
  expect(log).not.toMatch(/forged|\u001b/);
}, 40_000);

test('S-60: what an error is called is logged, and no one-time code under the same name', async () => {
  const program = `import { createLog } from '${new URL('../../src/common/log.ts', import.meta.url)}';
    const coded = code => Object.assign(new Error('failed'), { code, details: { code: '271828' } });
    const log = createLog({ DEBUG: false, LOG_LEVEL: 'info' });
    for (const code of ['ECONNREFUSED', '40P01', '23505', 'otp_invalid', '271828']) log.error({ err: coded(code) });
    log.error({ code: '271828', body: { code: '271828' }, other: { err: { code: '271828' } } });`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program]);
  const lines = stdout.trim().split('\n').map(line => JSON.parse(line)); // biome-ignore format: one line reads better
  const codes = lines.map(({ err }) => err?.code);
  expect(codes).toEqual(['ECONNREFUSED', '40P01', '23505', 'otp_invalid', '***', undefined]);
  expect(lines[0].err).toMatchObject({ message: 'failed', details: { code: '***' } });
  expect(lines.at(-1)).toMatchObject({ code: '***', body: { code: '***' }, other: { err: { code: '***' } } });
  expect(stdout).not.toContain('271828');
});

test('S-20: a new database has no account that somebody could log in to', async () => {
  const database = await createTestDatabase();
  const fresh = await startApp(database.url);
  for (const table of ['users', 'sessions', 'phone_otps'])
    expect([table, ...(await fresh.orm.em.fork().execute(`select count(*)::int as rows from ${table}`))]).toEqual([table, { rows: 0 }]); // biome-ignore format: one line reads better
  await fresh.close();
  await database.drop();
});

test('S-13: with DEV_OTP=0 the code is in the message alone: not in a body, a header, the log or the panel', async () => {
  const eskiz = await fakeEskiz();
  const keys = { ESKIZ_URL: `${eskiz.url}/api`, ESKIZ_EMAIL: 'a@example.uz', ESKIZ_PASSWORD: 'secret' };
  const server = await startLoud({ NOTIFIER: 'eskiz', ...keys });
  const staff = await app.buildUser({ role: 'superuser' });
  const phone = newPhone();
  const requestCode = (number: string) =>
    fetch(`${server.url}/api/auth/request-otp/`, {
      ...{ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ phone: number }) },
    });
  const asked = await requestCode(phone);
  const answer = JSON.stringify([...asked.headers]) + (await asked.text());
  const message = eskiz.received.find(({ path }) => path.endsWith('/send'))!.body.message as string;
  const code = /\d{6}/.exec(message)![0];
  const panel = await Promise.all(
    ['otp-log', 'audit', 'sessions', 'users'].map(resource =>
      app.get(staff, `/api/admin/${resource}/?page_size=100`).then(({ body }) => JSON.stringify(body)),
    ),
  );
  expect([asked.status, panel[0]!.includes(phone.slice(-2))]).toEqual([200, true]);
  // a provider that refuses may repeat what it was sent
  eskiz.next.push({ status: 400, body: { message: `no way: ${message} to ${phone.slice(1)}` } });
  await requestCode(newPhone());
  await fetch(`${server.url}/last-line`);
  const log = await server.logged(/last-line/);
  expect(log).toContain('no way: ');
  expect(log).not.toContain(phone.slice(1));
  for (const [where, told] of Object.entries({ answer, log, panel: panel.join() }))
    expect([where, new RegExp(`(?<!\\d)${code}(?!\\d)`).test(told)]).toEqual([where, false]);
}, 40_000);
