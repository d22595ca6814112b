import { spawn } from 'node:child_process';
import { once as onceOf } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { io, type Socket } from 'socket.io-client';
import { expect, onTestFinished, test } from 'vitest';
import { freePort } from '../src/common/embedded-postgres/postmaster.ts';
import { ask, eventually, once, record, startApp, type TestApp } from '../tests/support/app.ts';
import { createTestDatabase } from '../tests/support/postgres.ts';
import { startRedis } from '../tests/support/redis.ts';
import { buildTalk, done, message } from '../tests/support/talk.ts';

/** The nginx of this machine with the configuration of the deployment; only addresses are others. */
async function startNginx(apps: readonly TestApp[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'parthub-nginx-'));
  const port = await freePort();
  const [first, second] = apps.map(app => new URL(app.url).host);
  const config = (await readFile(new URL('nginx.conf', import.meta.url), 'utf8'))
    .replace('app1:8000 resolve', first!)
    .replace('app2:8000 resolve', second!)
    .replace('listen 8080', `listen 127.0.0.1:${port}`)
    .replace('http {', `http {\n  client_body_temp_path ${folder};\n  proxy_temp_path ${folder};\n  fastcgi_temp_path ${folder};\n  uwsgi_temp_path ${folder};\n  scgi_temp_path ${folder};`) // biome-ignore format: one line reads better
    .replace('worker_rlimit_nofile 65536;', '')
    .replace('worker_connections 32768', 'worker_connections 512');
  const file = join(folder, 'nginx.conf');
  await writeFile(file, config);
  const child = spawn('nginx', ['-c', file, '-e', 'stderr', '-g', `daemon off; pid ${folder}/pid;`], { stdio: ['ignore', 'ignore', 'inherit'] }); // biome-ignore format: one line reads better
  onTestFinished(async () => {
    child.kill('SIGQUIT');
    await onceOf(child, 'exit');
    await rm(folder, { recursive: true, force: true });
  });
  const url = `http://127.0.0.1:${port}`;
  await eventually(async () => expect((await fetch(`${url}/healthz`)).status).toBe(200));
  return url;
}

test('in front of two instances nginx passes upgrades, addresses, pushes and restarts', async () => {
  const [redis, database] = await Promise.all([startRedis(), createTestDatabase()]);
  const env = { REDIS_URL: redis.url, TRUST_PROXY: '1' };
  const apps = await Promise.all([0, 1].map(() => startApp(database.url, env)));
  onTestFinished(async () => {
    await apps[1]!.close();
    await database.drop();
    await redis.stop();
  });
  const url = await startNginx(apps);
  const { buyer, seller, thread } = await buildTalk(apps[0]!);
  const connect = async (token: string): Promise<Socket> => {
    const socket = io(`${url}/chat`, { transports: ['websocket'], auth: { token }, forceNew: true, reconnectionDelay: 50 }); // biome-ignore format: one line reads better
    onTestFinished(() => void socket.close());
    await once(socket, 'session:ready');
    return socket;
  };
  const sockets = [await connect(buyer.token), await connect(seller.token), await connect(buyer.token), await connect(seller.token)]; // biome-ignore format: one line reads better
  const connections = async (app: TestApp) =>
    Number(/parthub_connections\{of="connection"\} (\d+)/.exec((await app.get(null, '/metrics')).body)?.[1]);
  expect(await Promise.all(apps.map(connections))).toEqual([2, 2]); // least_conn, without sticky sessions

  const heard = sockets.map(socket => record(socket, 'message:created'));
  await done(sockets[0]!, 'message:send', message(thread));
  await eventually(() => expect(heard.map(pushes => pushes.length)).toEqual([1, 1, 1, 1]));
  const send = (one: object) =>
    fetch(`${url}/api/chat/send/`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${buyer.token}`,
        'content-type': 'application/json',
        'x-forwarded-for': '6.6.6.6',
      },
      body: JSON.stringify(one),
    });
  expect((await send(message(thread))).status).toBe(201);
  for (const path of ['/metrics', '/metrics/', '/Metrics', '/%6Detrics/', '//metrics'])
    expect([path, (await fetch(url + path)).status]).toEqual([path, 404]);
  expect((await send({ ...message(thread), text: 'x'.repeat(120_000) })).status).toBe(413);

  // A client that comes to the stopping instance again is refused and tries once more, as the contract says.
  for (const socket of sockets) socket.on('connect_error', () => setTimeout(() => socket.connect(), 100));
  await apps[0]!.close(200);
  await eventually(() => expect(sockets.map(socket => socket.connected)).toEqual([true, true, true, true]));
  for (const socket of sockets) expect(await ask(socket, 'message:send', message(thread))).toMatchObject({ ok: true });
  expect((await send(message(thread))).status).toBe(201);
});
