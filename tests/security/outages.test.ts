import { Client } from 'pg';
import { afterEach, expect, test } from 'vitest';
import { newPhone, requestCode } from '../support/accounts.ts';
import { ask, eventually, once, openSocket, record, startApp, type TestApp } from '../support/app.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { startProxy, type TestProxy } from '../support/proxy.ts';
import { startRedis } from '../support/redis.ts';
import { buildTalk, done, message } from '../support/talk.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  while (closers.length > 0) await closers.pop()!();
});

async function timed<T>(work: Promise<T>): Promise<[T, number]> {
  const startedAt = performance.now();
  return [await work, performance.now() - startedAt];
}

async function buildBehindProxy(
  env: Record<string, string> = {},
): Promise<{ app: TestApp; network: TestProxy; databaseUrl: string }> {
  const database = await createTestDatabase();
  closers.push(database.drop);
  const network = await startProxy(database.url);
  closers.push(network.close);
  const app = await startApp(network.url, { RATE_LIMITS: 'relaxed', ...env });
  closers.push(() => app.close());
  return { app, network, databaseUrl: database.url };
}

test.each([
  ['refuses connections', 'cut', 3_000],
  ['hangs', 'pause', 5_000],
] as const)(
  'S-65: while PostgreSQL %s nobody is let in, writes are unavailable in time, sockets stay; all is well by itself',
  async (_how, fault, limitMs) => {
    const { app, network } = await buildBehindProxy();
    const { buyer, seller, outsider, thread } = await buildTalk(app);
    const [sender, reader] = [await app.connect(buyer, '/chat'), await app.connect(seller, '/chat')];
    const heard = record(reader, 'message:created');
    const lost = record(sender, 'disconnect');
    await done(sender, 'message:send', message(thread));
    expect((await app.get(null, '/readyz')).body).toEqual({ status: 'ready', degraded: [] });

    network[fault]();
    const waiting = message(thread, { text: 'kept' });
    const writes = [waiting, ...Array.from({ length: 5 }, () => message(thread))].map(async one => {
      const [ack, ms] = await timed(ask(sender, 'message:send', one));
      expect(ack).toMatchObject({ ok: false, error: { code: 'unavailable', retryable: true } });
      expect(ms).toBeLessThan(limitMs);
    });
    // Whoever waits behind another event of the same socket waits no longer for that.
    const sends = () => ['message:send', message(thread)] as const;
    const reads = () => ['thread:read', { thread_id: thread.id, seq: 1 }] as const;
    const line = [['sync:pull', {}] as const, sends(), reads(), sends(), reads(), sends()];
    const behind = line.map(async ([event, payload]) => {
      const [ack, ms] = await timed(ask(reader, event, payload));
      expect(ack).toMatchObject({ ok: false, error: { code: 'unavailable' } });
      expect(ms).toBeLessThan(limitMs);
    });
    const late = new Promise(resolve => setTimeout(resolve, limitMs / 3)).then(async () => {
      const [ack, ms] = await timed(ask(reader, 'thread:mute', { thread_id: thread.id, until: null }));
      expect(ack).toMatchObject({ error: { code: 'unavailable' } });
      expect(ms).toBeLessThan(limitMs);
    });
    const [probe, probeMs] = await timed(app.get(null, '/readyz'));
    expect([probe.status, probe.body]).toEqual([503, { status: 'not_ready', failing: ['database'] }]);
    expect(probeMs).toBeLessThan(2_000);
    expect((await timed(app.get(null, '/healthz')))[1]).toBeLessThan(500);
    const [rest, restMs] = await timed(app.get(outsider, '/api/auth/me/'));
    expect([rest.status, rest.body.code]).toEqual([503, 'unavailable']);
    expect(restMs).toBeLessThan(limitMs);
    const stranger = openSocket(app.url, '/chat', { token: outsider.token });
    expect((await new Promise<Error>(resolve => stranger.on('connect_error', resolve))).message).toBe('unavailable');
    await Promise.all([...writes, ...behind, late]);
    expect([sender.connected, reader.connected, lost]).toEqual([true, true, []]);

    network.resume();
    const [ack, backMs] = await timed(
      eventually(async () => {
        const answer = await ask(sender, 'message:send', waiting);
        expect(answer.ok).toBe(true);
        return answer;
      }),
    );
    expect(backMs).toBeLessThan(2_000);
    expect(ack.ok && ack.data.message.text).toBe('kept');
    await eventually(async () => expect((await app.get(null, '/readyz')).status).toBe(200));
    await eventually(() => expect(heard.map(push => push.message.text)).toContain('kept'));
    expect(await ask(sender, 'thread:history', { thread_id: thread.id })).toMatchObject({ ok: true });
  },
  40_000,
);

test.each(['begin', 'commit'])(
  'S-65: connections that break while a transaction waits for the answer to its %s are replaced, however many',
  async statement => {
    const { app, network } = await buildBehindProxy({ DB_POOL: '2' });
    const { seller, thread } = await buildTalk(app);
    const socket = await app.connect(seller, '/chat');
    const mute = () => ask(socket, 'thread:mute', { thread_id: thread.id, until: null });
    network.loseAnswers(request => request.includes(`${statement}\0`));
    for (let broken = 0; broken < 5; broken += 1)
      expect(await mute()).toMatchObject({ ok: false, error: { code: 'unavailable' } });
    network.loseAnswers(null);
    const [answers, ms] = await timed(Promise.all([mute(), mute(), mute()]));
    expect(answers.filter(answer => !answer.ok)).toEqual([]);
    expect(ms).toBeLessThan(1_000);
    const readers = await Promise.all([0, 1, 2].map(() => ask(socket, 'sync:pull', {})));
    expect(readers.filter(answer => !answer.ok)).toEqual([]);
  },
);

test('sends of two instances that PostgreSQL cannot serialize are run again, and nobody notices', async () => {
  const database = await createTestDatabase();
  closers.push(database.drop);
  const outside = new Client(database.url);
  await outside.connect();
  const name = new URL(database.url).pathname.slice(1);
  await outside.query(`alter database ${name} set default_transaction_isolation = 'repeatable read'`);
  await outside.end();
  const nodes = await Promise.all([0, 1].map(() => startApp(database.url, { RATE_LIMITS: 'relaxed' })));
  for (const node of nodes) closers.push(() => node.close());
  const { buyer, thread } = await buildTalk(nodes[0]!);
  const sockets = await Promise.all(nodes.map(node => node.connect(buyer, '/chat')));
  for (let round = 0; round < 20; round += 1) {
    const acks = await Promise.all(sockets.map(socket => ask(socket, 'message:send', message(thread))));
    expect(acks.filter(ack => !ack.ok)).toEqual([]);
  }
});

test('a database that only reads is not ready, and is again once it writes', async () => {
  const { app, network, databaseUrl } = await buildBehindProxy();
  const outside = new Client(databaseUrl.replace(/[^/]+$/, 'postgres'));
  await outside.connect();
  closers.push(() => outside.end());
  const database = new URL(databaseUrl).pathname.slice(1);
  const reconnect = () => {
    network.cut();
    network.resume();
  };
  await outside.query(`alter database ${database} set default_transaction_read_only = on`);
  reconnect();
  await eventually(async () => {
    const { status, body } = await app.get(null, '/readyz');
    expect([status, body]).toEqual([503, { status: 'not_ready', failing: ['database'] }]);
  });
  await outside.query(`alter database ${database} reset default_transaction_read_only`);
  reconnect();
  await eventually(async () => expect((await app.get(null, '/readyz')).status).toBe(200));
});

async function buildNodes(): Promise<{ nodes: [TestApp, TestApp]; network: TestProxy }> {
  const [redis, database] = await Promise.all([startRedis(), createTestDatabase()]);
  const network = await startProxy(redis.url);
  closers.push(redis.stop, database.drop, network.close);
  const nodes = await Promise.all(
    [0, 1].map(() => startApp(database.url, { REDIS_URL: network.url, TRUST_PROXY: '1' })),
  );
  for (const node of nodes) closers.push(() => node.close());
  return { nodes: nodes as [TestApp, TestApp], network };
}

test.each(['cut', 'pause'] as const)(
  'S-65: Redis away (%s): no send fails or waits, readers of the same node hear at once, revocation and code limits hold from rows',
  async fault => {
    const { nodes, network } = await buildNodes();
    const [here, there] = nodes;
    const { buyer, seller, outsider, thread } = await buildTalk(here);
    const [sender, reader] = [await here.connect(buyer, '/chat'), await here.connect(seller, '/chat')];
    const heard = record(reader, 'message:created');
    await done(sender, 'message:send', message(thread));
    expect((await there.get(outsider, '/api/auth/me/')).status).toBe(200);

    network[fault]();
    const times: number[] = [];
    for (let index = 0; index < 10; index += 1) {
      const [, ms] = await timed(done(sender, 'message:send', message(thread)));
      times.push(ms);
      await eventually(() => expect(heard).toHaveLength(index + 2), 1_000);
    }
    const [rest, restMs] = await timed(here.post(buyer, '/api/chat/send/', message(thread)));
    expect(rest.status).toBe(201);
    expect(Math.max(restMs, ...times)).toBeLessThan(1_000);
    await eventually(async () => expect((await here.get(null, '/readyz')).body).toEqual({ status: 'ready', degraded: ['cross_node', 'presence'] })); // biome-ignore format: one line reads better
    const late = openSocket(here.url, '/chat', { token: buyer.token });
    expect(await once(late, 'session:ready')).toMatchObject({ degraded: ['cross_node', 'presence'] });
    late.close();

    expect((await here.post(outsider, '/api/auth/logout/')).status).toBe(204);
    await eventually(async () => expect((await there.get(outsider, '/api/auth/me/')).status).toBe(401), 3_000);
    const phone = newPhone();
    const from = (ip: string) => ({ 'x-forwarded-for': ip });
    expect((await requestCode(here, phone, {}, from('10.8.0.1'))).status).toBe(200);
    expect((await requestCode(there, phone, {}, from('10.8.0.2'))).body.code).toBe('otp_cooldown');

    network.resume();
    await eventually(async () => expect((await here.get(null, '/readyz')).body.degraded).toEqual([]));
    const far = await there.connect(seller, '/chat');
    const heardFar = record(far, 'message:created');
    await eventually(async () => {
      await done(sender, 'message:send', message(thread)).catch(() => {});
      expect(heardFar.length).toBeGreaterThan(0);
    });
  },
  40_000,
);
