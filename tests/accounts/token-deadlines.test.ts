import type { Socket } from 'socket.io-client';
import { afterAll, expect, test } from 'vitest';
import { Session } from '../../src/accounts/entities.ts';
import { ask, once, openSocket, record, type TestUser, useApp } from '../support/app.ts';

// After their tokens' end sockets have 30 s, which are one second here.
const app = useApp({ TEST_TIME_SCALE: '30' });
const GRACE_MS = 1_000;
const open: Socket[] = [];
afterAll(() => {
  for (const socket of open) socket.disconnect();
});

/** The same user with a token that ends half a second to one and a half from now, and that moment. */
function expiring(user: TestUser): { token: string; endsAt: number } {
  const endsAt = Math.ceil((Date.now() + 500) / 1_000) * 1_000;
  return { ...app.tokenOf(user, new Date(endsAt - app.config.ACCESS_TTL * 1_000)), endsAt };
}

/** Another session of the same user. */
async function logInAgain(user: TestUser): Promise<TestUser> {
  const other = await app.buildUser();
  await app.orm.em.fork().nativeUpdate(Session, { id: other.sessionId }, { user: user.id });
  return app.tokenOf({ ...user, sessionId: other.sessionId }, new Date());
}

/** Told that its token has ended, the connection is cut in all its namespaces. */
async function isEnded([chat, bell]: [Socket, Socket]): Promise<void> {
  const ended = [once(chat, 'session:revoked'), once(chat, 'disconnect'), once(bell, 'disconnect')];
  expect((await Promise.all(ended))[0]).toEqual({ reason: 'token_expired' });
}

/** Two namespaces of one connection. */
async function connectBoth(token: string): Promise<[Socket, Socket]> {
  const chat = openSocket(app.url, '/chat', { token });
  const bell = chat.io.socket('/notifications', { auth: { token } });
  open.push(chat, bell);
  bell.connect();
  await Promise.all([once(chat, 'session:ready'), once(bell, 'session:ready')]);
  return [chat, bell];
}

// Each of these waits for the end of a token: they wait together.
test.concurrent('S-82: a socket is served until 30 s after its token has ended, and then told and cut', async () => {
  const { token, endsAt } = expiring(await app.buildUser());
  const both = await connectBoth(token);
  const ended = isEnded(both);
  await new Promise(resolve => setTimeout(resolve, endsAt - Date.now()));
  expect(await ask(both[0], 'thread:list', {})).toMatchObject({ ok: true });
  await ended;
  const afterMs = Date.now() - endsAt;
  expect([afterMs >= GRACE_MS, afterMs < 2 * GRACE_MS, afterMs]).toEqual([true, true, afterMs]);
});

test.concurrent('S-83: auth:renew in one namespace gives all of the connection a later end; another connection keeps its own', async () => {
  const user = await app.buildUser();
  const { token } = expiring(user);
  const [renewed, old] = [await connectBoth(token), await connectBoth(token)];
  const heard = renewed.map(socket => record(socket, 'session:revoked'));
  const ended = isEnded(old);
  const renewal = await ask(renewed[0], 'auth:renew', { token: app.tokenOf(user, new Date()).token });
  expect(renewal).toMatchObject({ ok: true, data: { token_expires_at: expect.any(String) } });
  await ended;
  expect(await ask(renewed[0], 'thread:list', {})).toMatchObject({ ok: true });
  expect(await ask(renewed[1], 'notification:list', {})).toMatchObject({ ok: true });
  expect(heard).toEqual([[], []]);
});

test.concurrent('S-83: a later token of somebody else, or of another session, leaves the deadline where it was', async () => {
  const [user, stranger] = [await app.buildUser(), await app.buildUser()];
  const sibling = await logInAgain(user);
  const { token } = expiring(user);
  const both = await connectBoth(token);
  const ended = isEnded(both);
  for (const [index, socket] of both.entries()) {
    const renewal = await ask(socket, 'auth:renew', { token: [stranger, sibling][index]!.token });
    expect(renewal).toMatchObject({ ok: false, error: { code: 'identity_mismatch' } });
  }
  await ended;
});

test.concurrent('S-83: what was renewed holds for a namespace that joins later, or renews, with the old token', async () => {
  const user = await app.buildUser();
  const { token } = expiring(user);
  const ended = isEnded(await connectBoth(token));
  const chat = openSocket(app.url, '/chat', { token });
  open.push(chat);
  await once(chat, 'session:ready');
  const { data } = (await ask(chat, 'auth:renew', { token: app.tokenOf(user, new Date()).token })) as { data: object };
  const bell = chat.io.socket('/notifications', { auth: { token } });
  open.push(bell);
  expect(await once(bell, 'session:ready')).toMatchObject(data);
  expect(await ask(bell, 'auth:renew', { token })).toEqual({ ok: true, data });
  await ended;
  expect(await ask(bell, 'notification:list', {})).toMatchObject({ ok: true });
  expect(await ask(chat, 'thread:list', {})).toMatchObject({ ok: true });
});
