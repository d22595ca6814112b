import { afterEach, expect, test } from 'vitest';
import { type Connection, createConnection } from '../../src/client/connection.ts';
import { ParthubError } from '../../src/client/errors.ts';
import { createSession, type GivenTokens } from '../../src/client/tokens.ts';
import { eventually, record, useApp } from '../support/app.ts';
import { credentialsOf, shortly } from '../support/client.ts';

const app = useApp();
const open: Connection[] = [];
afterEach(() => {
  for (const connection of open.splice(0)) connection.close();
});

/** A connection of a user whose access token is worth nothing: a good one comes when the test gives it. */
async function build(more: Parameters<typeof credentialsOf>[1], wait = shortly) {
  const user = await app.buildUser();
  const given = Promise.withResolvers<void>();
  let asked = 0;
  const session = createSession({
    store: credentialsOf(user, more),
    async refresh() {
      asked += 1;
      await given.promise;
      return { access: user.token, refresh: 'next', expires_in: 600 };
    },
    onEnded: () => {},
  });
  const connection = createConnection({ url: app.url, session, handshake: async () => ({}), wait });
  open.push(connection);
  const readies = [connection.chat, connection.presence, connection.notifications].map(socket => record(socket, 'session:ready')); // biome-ignore format: one line reads better
  return { connection, give: given.resolve, asked: () => asked, readies };
}

/** Each namespace has answered an event, behind which every `session:ready` would be that was under way. */
async function settle({ chat, presence, notifications }: Connection): Promise<void> {
  for (const socket of [chat, presence, notifications]) await eventually(() => expect(socket.connected).toBe(true));
  for (const socket of [chat, presence, notifications]) await socket.timeout(10_000).emitWithAck('no:event', {});
}

test('a token that comes after its transport has gone introduces the next one, once', async () => {
  const { connection, give, asked, readies } = await build({ expiresAt: 0 });
  connection.open();
  const { io: manager } = connection.chat;
  await eventually(() => expect(asked()).toBe(1));
  const first = manager.engine;
  first.close();
  await eventually(() => expect([manager.engine === first, manager.engine.readyState]).toEqual([false, 'open']));
  give();
  await settle(connection);
  expect(readies.map(heard => heard.length)).toEqual([1, 1, 1]);
});

test('who asks for a connection that is being made gets no second one', async () => {
  const { connection, give, readies } = await build({ expiresAt: 0 });
  // one namespace is there, the others are still on their way
  connection.chat.once('session:ready', connection.open);
  connection.open();
  connection.open();
  give();
  await settle(connection);
  expect(readies.map(heard => heard.length)).toEqual([1, 1, 1]);
});

test('a token that could not be renewed in place at first is renewed before the connection is cut', async () => {
  const user = await app.buildUser();
  // it expires within a minute, which the server tells at once
  const { token } = app.tokenOf(user, new Date(Date.now() - 550_000));
  const given: (() => Promise<GivenTokens>)[] = [
    () => Promise.reject(new ParthubError('network')),
    async () => ({ access: user.token, refresh: 'next', expires_in: 600 }),
  ];
  const session = createSession({
    ...{ store: credentialsOf(user, { access: token }), wait: shortly, onEnded: () => {} },
    refresh: () => given.shift()!(),
  });
  const connection = createConnection({ url: app.url, session, handshake: async () => ({}), wait: shortly });
  open.push(connection);
  const renewals: unknown[] = [];
  connection.chat.onAnyOutgoing((event, payload) => event === 'auth:renew' && renewals.push(payload));
  connection.open();
  await eventually(() => expect(renewals).toEqual([{ token: user.token }]));
  expect(given).toEqual([]);
  // not by coming back
  expect(connection.state.getSnapshot()).toMatchObject({ state: 'online' });
});

test('a token that is refused for the first time is replaced without a pause', async () => {
  const pauses: number[] = [];
  const { connection, give, readies } = await build({ access: 'an.old.token' }, (ms, then) => {
    pauses.push(ms);
    return shortly(ms, then);
  });
  connection.open();
  give();
  await settle(connection);
  expect(readies.map(heard => heard.length)).toEqual([1, 1, 1]);
  expect(pauses).toEqual([0, 0, 0]);
});
