import type { Socket } from 'socket.io-client';
import { expect, test } from 'vitest';
import { bearer, buildMember, logIn, newPhone } from '../support/accounts.ts';
import { type Ack, ask, eventually, once, openSocket, record, startApp, type TestApp, useApp } from '../support/app.ts';
import { startRedis } from '../support/redis.ts';

const app = useApp({ RATE_LIMITS: 'relaxed' });

type Heard = { revoked: { reason: string }[]; isOpen: () => boolean };

/** A device that listens on a namespace with a token. */
async function connect(server: TestApp, token: string, namespace = '/chat'): Promise<Heard & { socket: Socket }> {
  return greeted(openSocket(server.url, namespace, { token }));
}

/** Another namespace on the same connection. */
const joinBeside = ({ socket }: { socket: Socket }, token: string, namespace: string) =>
  greeted(socket.io.socket(namespace, { auth: { token } }));

async function greeted(socket: Socket): Promise<Heard & { socket: Socket }> {
  await once(socket, 'session:ready');
  return { socket, revoked: record(socket, 'session:revoked'), isOpen: () => socket.connected };
}

const isCut = (device: Heard, reason: string) =>
  eventually(() => {
    expect([device.revoked, device.isOpen()]).toEqual([[{ reason }], false]);
  }, 1_000);

test('S-28: logout cuts the sockets of that session in every namespace, and of no other', async () => {
  const { phone, password, body } = await buildMember(app);
  const other = await app.post(null, '/api/auth/login/', { phone, password });
  const [chat, bell, elsewhere] = [
    await connect(app, body.access),
    await connect(app, body.access, '/notifications'),
    await connect(app, other.body.access),
  ];
  expect((await app.post(null, '/api/auth/logout/', {}, bearer(body.access))).status).toBe(204);
  await isCut(chat, 'logout');
  await isCut(bell, 'logout');
  expect(await ask(elsewhere.socket, 'thread:list', {})).toMatchObject({ ok: true });
  expect((await app.get(null, '/api/auth/me/', bearer(body.access))).body.code).toBe('session_revoked');
});

test('S-28: every namespace of a connection is told before it is cut', async () => {
  const { body } = await buildMember(app);
  const chat = await connect(app, body.access);
  const beside = await Promise.all(['/presence', '/notifications'].map(name => joinBeside(chat, body.access, name)));
  await app.post(null, '/api/auth/logout/', {}, bearer(body.access));
  for (const device of [chat, ...beside]) await isCut(device, 'logout');
});

test.each([
  [
    'logout_all',
    (member: { access: string }) => app.post(null, '/api/auth/logout/?scope=others', {}, bearer(member.access)),
  ],
  [
    'password_changed',
    (member: { access: string; password: string }) =>
      app.post(
        null,
        '/api/auth/set-password/',
        { password: 'another horse battery', current_password: member.password },
        bearer(member.access),
      ),
  ],
  [
    'logout_all',
    (member: { access: string }) => app.delete(null, '/api/auth/me/', { confirm: 'DELETE' }, bearer(member.access)),
  ],
])('S-19, S-28: other sessions hear %s', async (reason, act) => {
  const { phone, password, body } = await buildMember(app);
  const other = await app.post(null, '/api/auth/login/', { phone, password });
  const device = await connect(app, other.body.access);
  expect((await act({ access: body.access, password })).status).toBeLessThan(300);
  await isCut(device, reason);
});

test('S-25: a copied refresh token ends the session and its sockets', async () => {
  const { body } = await logIn(app);
  const refresh = (token: string) => app.post(null, '/api/auth/token/refresh/', { refresh: token });
  const second = await refresh(body.refresh);
  const device = await connect(app, body.access);
  await refresh(second.body.refresh);
  expect((await refresh(body.refresh)).body.code).toBe('refresh_reused');
  await isCut(device, 'reused');
});

test('S-29: people see and end their own sessions only', async () => {
  const { phone, password, body } = await buildMember(app);
  const other = await app.post(null, '/api/auth/login/', {
    phone,
    password,
    device: { name: 'Pixel', platform: 'android' },
  });
  const stranger = await logIn(app);
  const list = (token: string) => app.get(null, '/api/auth/sessions/', bearer(token));
  const { results } = (await list(body.access)).body;
  expect(results).toHaveLength(2);
  expect(results).toContainEqual(
    expect.objectContaining({ id: other.body.session_id, current: false, device_name: 'Pixel', platform: 'android' }),
  );
  const end = (token: string) =>
    app.delete(null, `/api/auth/sessions/${other.body.session_id}/`, undefined, bearer(token));
  const [foreign, unknown] = [
    await end(stranger.body.access),
    await app.delete(null, `/api/auth/sessions/${stranger.body.user.id}/`, undefined, bearer(stranger.body.access)),
  ];
  expect([foreign.status, { ...foreign.body, request_id: '', instance: '' }]).toEqual([
    404,
    { ...unknown.body, request_id: '', instance: '' },
  ]);
  const device = await connect(app, other.body.access);
  expect((await end(body.access)).status).toBe(204);
  await isCut(device, 'logout');
  expect((await list(body.access)).body.results).toHaveLength(1);
});

test('the list of sessions comes in pages like every list', async () => {
  const { phone, password, body } = await buildMember(app);
  for (let n = 0; n < 2; n += 1) await app.post(null, '/api/auth/login/', { phone, password });
  const list = async (query: string) => (await app.get(null, `/api/auth/sessions/${query}`, bearer(body.access))).body;
  const whole = await list('');
  expect(whole).toMatchObject({ next: null, next_cursor: null, previous: null });
  const first = await list('?limit=2');
  const second = (await app.get(null, first.next, bearer(body.access))).body;
  expect([...first.results, ...second.results]).toEqual(whole.results);
  expect([whole.results.length, second.next]).toEqual([3, null]);
  expect([(await list('?limit=0')).code, (await list('?cursor=x')).code]).toEqual([
    'validation_failed',
    'invalid_cursor',
  ]);
});

test('S-82: events that are already queued when a session ends are not served', async () => {
  const { body } = await logIn(app);
  const device = await connect(app, body.access);
  const answers: Ack[] = [];
  for (let n = 0; n < 40; n += 1) device.socket.emit('thread:list', {}, (ack: Ack) => answers.push(ack));
  await app.executor.transaction({ now: new Date(), requestId: 'x', ip: '', userAgent: null }, async ctx => {
    const { endSessions } = await import('../../src/accounts/service/sessions.ts');
    await endSessions(ctx, body.user.id, [body.session_id], 'admin');
  });
  await isCut(device, 'admin');
  const served = answers.length;
  await app.get(null, '/healthz');
  expect([served < 40, answers.length]).toEqual([true, served]);
});

test('S-28: a session that ends on one instance is cut on the others, at once with Redis and by the sweep without', async () => {
  const redis = await startRedis();
  const env = { RATE_LIMITS: 'relaxed', TEST_TIME_SCALE: '20' };
  const nodes = await Promise.all(
    [redis.url, redis.url, ''].map(REDIS_URL => startApp(app.config.DATABASE_URL!, { ...env, REDIS_URL })),
  );
  const [first, second, lonely] = nodes as [TestApp, TestApp, TestApp];
  const { body } = await logIn(app, newPhone());
  const devices = [await connect(second, body.access), await connect(lonely, body.access)];
  await first.post(null, '/api/auth/logout/', {}, bearer(body.access));
  await isCut(devices[0]!, 'logout');
  // what this instance remembers of the session from a moment ago lets nobody in any more
  const late = openSocket(second.url, '/chat', { token: body.access });
  expect((await new Promise<Error>(resolve => late.on('connect_error', resolve).on('session:ready', () => resolve(new Error('let in'))))).message).toBe('session_revoked'); // biome-ignore format: one line reads better
  late.close();
  await eventually(() => expect(devices[1]!.revoked).toEqual([{ reason: 'logout' }]), 3_000);
  await Promise.all(nodes.map(node => node.close()));
  await redis.stop();
});

test('S-82, S-83: session:expiring comes before the token expires, auth:renew re-arms it everywhere, and without it the socket ends', async () => {
  const quick = await startApp(app.config.DATABASE_URL!, {
    RATE_LIMITS: 'relaxed',
    ACCESS_TTL: '2',
    TEST_TIME_SCALE: '60',
  });
  const { body } = await logIn(quick);
  const [idle, renewed] = [await connect(quick, body.access), await connect(quick, body.access, '/notifications')];
  const warning = await once(renewed.socket, 'session:expiring');
  expect(warning.in_ms).toBeLessThanOrEqual(1_100);
  const next = await quick.post(null, '/api/auth/token/refresh/', { refresh: body.refresh });
  const ack = await ask(renewed.socket, 'auth:renew', { token: next.body.access });
  expect(ack).toMatchObject({ ok: true, data: { token_expires_at: expect.any(String) } });
  await eventually(() => expect(idle.revoked).toEqual([{ reason: 'token_expired' }]));
  expect([renewed.revoked, renewed.isOpen()]).toEqual([[], true]);
  await eventually(() => expect(renewed.revoked).toEqual([{ reason: 'token_expired' }]));
  await quick.close();
});

test('S-82: every namespace of a connection hears token_expired, one that came with a newer token too', async () => {
  const quick = await startApp(app.config.DATABASE_URL!, { TEST_TIME_SCALE: '20' });
  const user = await quick.buildUser();
  const { token } = quick.tokenOf(user, new Date(Date.now() - quick.config.ACCESS_TTL * 1000));
  const chat = await connect(quick, token);
  const beside = [await joinBeside(chat, token, '/presence'), await joinBeside(chat, user.token, '/notifications')];
  await eventually(() => expect(chat.revoked).toEqual([{ reason: 'token_expired' }]));
  for (const device of beside) await isCut(device, 'token_expired');
  await quick.close();
});

test("S-83: auth:renew takes no other user's or session's token, and the old deadline stays", async () => {
  const { phone, password, body } = await buildMember(app);
  const [sibling, stranger] = [await app.post(null, '/api/auth/login/', { phone, password }), await logIn(app)];
  const { socket } = await connect(app, body.access);
  for (const token of [sibling.body.access, stranger.body.access])
    expect(await ask(socket, 'auth:renew', { token })).toMatchObject({ error: { code: 'identity_mismatch' } });
  expect(await ask(socket, 'auth:renew', { token: 'nonsense' })).toMatchObject({ error: { code: 'token_invalid' } });
  expect(await ask(socket, 'auth:renew', {})).toMatchObject({ error: { code: 'validation_failed' } });
  expect(await ask(socket, 'thread:list', {})).toMatchObject({ ok: true });
});

test('a deleted account is gone at once, and its number begins anew', async () => {
  const { phone, body } = await logIn(app);
  expect(await app.delete(null, '/api/auth/me/', {}, bearer(body.access))).toMatchObject({ status: 400 });
  expect(await app.delete(null, '/api/auth/me/', { confirm: 'DELETE' }, bearer(body.access))).toMatchObject({
    status: 202,
    body: { purge_after: expect.any(String) },
  });
  expect((await app.get(null, '/api/auth/me/', bearer(body.access))).body.code).toBe('session_revoked');
  const { buildMember: _, later } = await import('../support/accounts.ts');
  const again = await logIn(app, phone, later(120_000));
  expect(again.body).toMatchObject({ is_new_user: true });
  expect(again.body.user.id).not.toBe(body.user.id);
});
