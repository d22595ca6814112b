import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Socket } from 'socket.io-client';
import { afterAll, expect, test } from 'vitest';
import { connect, migrate } from '../../src/common/database.ts';
import { startEmbeddedPostgres } from '../../src/common/embedded-postgres.ts';
import { entities } from '../../src/entities.ts';
import { once, openSocket, startApp } from '../support/app.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { buildTalk, message, type Talk } from '../support/talk.ts';

const SECRET_KEY = 'a secret key that both starts of the server share';
const folder = await mkdtemp(join(tmpdir(), 'parthub-crash-'));
let server: ServerProcess | undefined;

afterAll(async () => {
  await server?.kill();
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

/** Users and a thread, put into the database that the server is going to find. */
async function prepareTalk(): Promise<Talk> {
  const postgres = await startEmbeddedPostgres({ dataDir: join(folder, 'pg') });
  const orm = await connect(entities, postgres.url);
  await migrate(orm);
  await orm.close();
  const app = await startApp(postgres.url, { SECRET_KEY });
  const talk = await buildTalk(app);
  await app.close();
  await postgres.stop();
  return talk;
}

const start = () => startServerProcess({ DATA_DIR: folder, SECRET_KEY, RATE_LIMITS: 'off' });

async function connectTo(url: string, token: string): Promise<Socket> {
  const socket = openSocket(url, '/chat', { token });
  await once(socket, 'session:ready');
  return socket;
}

interface Stored {
  seq: number;
  client_id: string;
}

async function wholeHistory(socket: Socket, thread_id: string): Promise<Stored[]> {
  const found: Stored[] = [];
  for (let hasMore = true; hasMore; ) {
    const window = { thread_id, after_seq: found.at(-1)?.seq ?? 0, limit: 100 };
    const { data } = await socket.timeout(10_000).emitWithAck('thread:history', window);
    found.push(...data.messages);
    hasMore = data.has_more_after;
  }
  return found;
}

test('G1: kill -9 amid 2,000 sends loses nothing that was acknowledged, and a retry stores the rest once', async () => {
  const { buyer, seller, thread } = await prepareTalk();
  server = await start();
  const outbox = Array.from({ length: 2_000 }, (_, index) => message(thread, { text: `${index}` }));
  const acked = new Set<string>();
  const sockets = await Promise.all([buyer, seller, buyer, seller].map(user => connectTo(server!.url, user.token)));
  const killed = new Promise<void>(resolve => {
    const sendNext = async (socket: Socket, index: number): Promise<void> => {
      if (index >= outbox.length || !socket.connected) return;
      socket.emit('message:send', outbox[index], (ack: { ok: boolean }) => {
        if (ack.ok) acked.add(outbox[index]!.client_id);
        if (acked.size === 700) resolve(server!.kill());
        void sendNext(socket, index + sockets.length * 8);
      });
    };
    for (const [place, socket] of sockets.entries())
      for (let lane = 0; lane < 8; lane += 1) void sendNext(socket, place + lane * sockets.length);
  });
  await killed;
  for (const socket of sockets) socket.close();
  expect(acked.size).toBeLessThan(2_000);

  server = await start();
  const again = await Promise.all([buyer, seller].map(user => connectTo(server!.url, user.token)));
  const survived = await wholeHistory(again[0]!, thread.id);
  expect([...acked].filter(id => !survived.some(one => one.client_id === id))).toEqual([]);

  const retry = async (one: (typeof outbox)[number], index: number) => {
    const ack = await again[index % 2]!.timeout(10_000).emitWithAck('message:send', one);
    expect(ack).toMatchObject({ ok: true });
    if (acked.has(one.client_id)) expect(ack.data.duplicate).toBe(true);
  };
  for (let from = 0; from < outbox.length; from += 100) await Promise.all(outbox.slice(from, from + 100).map(retry));
  const whole = await wholeHistory(again[1]!, thread.id);
  expect(whole.map(one => one.seq)).toEqual(outbox.map((_, index) => index + 1));
  expect(new Set(whole.map(one => one.client_id))).toEqual(new Set(outbox.map(one => one.client_id)));
  for (const socket of again) socket.close();
}, 60_000);
