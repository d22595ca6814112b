import { expect, test } from 'vitest';
import {
  type CredentialStore,
  createClient,
  createRest,
  createSession,
  localCredentials,
  memoryCredentials,
  ParthubError,
} from '../../src/client/index.ts';
import { eventually, startApp, useApp } from '../support/app.ts';
import { layCable } from '../support/cable.ts';
import {
  age,
  credentialsOf,
  logIn,
  shortly,
  slowOn,
  startClient,
  storageOf,
  until,
  useClients,
} from '../support/client.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { buildTalk } from '../support/talk.ts';

const app = useApp({ DEV_OTP: '1' });
const { clients: open } = useClients();
const signIn = async (url = app.url, credentials?: CredentialStore) => {
  const signed = await logIn(url, credentials);
  open.push(signed.client);
  return signed;
};

test('a login by code connects, is kept, and needs no code after a restart', async () => {
  const { client, credentials, phone } = await signIn();
  client.disconnect();
  const again = createClient({ url: app.url, credentials, wait: shortly });
  open.push(again);
  expect(await again.connect()).toBe(true);
  expect((await until(again.account, ({ user }) => user !== null)).user).toMatchObject({ phone });
});

test('nobody is connected who has not logged in', async () => {
  const client = createClient({ url: app.url });
  expect(await client.connect()).toBe(false);
  expect(client.connection.getSnapshot()).toMatchObject({ state: 'offline' });
  await expect(client.rest.getMe()).rejects.toMatchObject({ code: 'auth_required' });
});

test('however many calls find the token too old, it is renewed once', async () => {
  const { client, credentials } = await signIn();
  const asked: string[] = [];
  const counting: typeof fetch = (input, init) => {
    asked.push(String(input));
    return fetch(input, init);
  };
  const held = (await credentials.load())!;
  await credentials.save({ ...held, tokens: { ...held.tokens!, expiresAt: 0 } });
  const other = createClient({ url: app.url, credentials, fetch: counting });
  const users = await Promise.all([other.rest.getMe(), other.rest.listSessions(), other.rest.getBilling(), client.rest.getMe()]); // biome-ignore format: a list
  expect(users).toHaveLength(4);
  expect(asked.filter(url => url.endsWith('/api/auth/token/refresh/'))).toHaveLength(1);
});

test('a token that the server refuses as too old is renewed, and the call made again', async () => {
  const { client, credentials } = await signIn();
  const held = (await credentials.load())!;
  await credentials.save({ ...held, tokens: { ...held.tokens!, access: 'an.old.token' } });
  expect(await client.rest.getMe()).toMatchObject({ is_staff: false });
  expect((await credentials.load())!.tokens!.access).not.toBe('an.old.token');
});

test('a refresh token that is worth nothing any more ends the login, and says why', async () => {
  const user = await app.buildUser();
  const client = createClient({ url: app.url, credentials: credentialsOf(user, { expiresAt: 0 }) });
  expect(await client.connect()).toBe(false);
  expect(client.account.getSnapshot()).toEqual({ user: null, ended: 'refresh_invalid' });
});

test('without a network the login is kept', async () => {
  const user = await app.buildUser();
  const credentials = credentialsOf(user, { expiresAt: 0 });
  const client = createClient({ url: 'http://127.0.0.1:9', credentials });
  await expect(client.rest.getMe()).rejects.toMatchObject({ code: 'network', retryable: true });
  expect((await credentials.load())!.tokens).not.toBeNull();
});

test('who starts without a network is online as soon as there is one, also with a token that has expired', async () => {
  const { client, credentials } = await signIn();
  client.disconnect();
  await age(credentials);
  const cable = await layCable();
  cable.leadTo(app.url);
  cable.cut();
  const again = createClient({ url: cable.url, credentials, wait: shortly });
  open.push(again);
  expect(await again.connect()).toBe(true);
  expect(again.connection.getSnapshot()).toMatchObject({ state: 'connecting' });
  cable.join();
  await until(again.connection, ({ state }) => state === 'online');
  again.disconnect();
  await cable.close();
});

test.each(['lost', 'never given'])(
  'a renewal whose answer is %s is asked again by itself, and the login goes on',
  async how => {
    const { client, credentials } = await signIn();
    client.disconnect();
    await age(credentials);
    const first = (await credentials.load())!.tokens!.access;
    let asked = 0;
    const losing: typeof fetch = async (input, init) => {
      const response = await fetch(input, init);
      if (!String(input).endsWith('/api/auth/token/refresh/') || ++asked > 1) return response;
      return how === 'lost' ? Promise.reject(new TypeError('fetch failed')) : new Promise(() => {});
    };
    const again = createClient({ url: app.url, credentials, fetch: losing, wait: shortly });
    await expect(again.rest.getMe()).rejects.toMatchObject({ code: 'network' });
    await eventually(async () => expect((await credentials.load())!.tokens!.access).not.toBe(first));
    expect(await again.rest.getMe()).toMatchObject({ is_staff: false });
    expect(asked).toBe(2);
  },
);

test('who disconnects while the token is renewed stays disconnected', async () => {
  const { client, credentials } = await signIn();
  client.disconnect();
  await age(credentials);
  const slow = slowOn('/api/auth/token/refresh/');
  const again = createClient({ url: app.url, credentials, fetch: slow.fetch });
  const connected = again.connect();
  await slow.reached;
  again.disconnect();
  slow.answer();
  expect(await connected).toBe(true);
  expect(again.connection.getSnapshot()).toMatchObject({ state: 'offline' });
});

test('a device that cannot store a login has it until the application ends', async () => {
  const full = { load: () => null, save: () => Promise.reject(new Error('QuotaExceededError')) };
  const { client, phone } = await signIn(app.url, full);
  expect(await client.rest.getMe()).toMatchObject({ phone });
  await client.signOut().catch(() => {});
  expect(client.account.getSnapshot()).toEqual({ user: null, ended: 'signed_out' });
  expect(await client.connect()).toBe(false);
});

test('a login that cannot be read is none, and the next one replaces it', async () => {
  const storage = storageOf({ 'parthub:credentials': '{"tokens":' });
  const credentials = localCredentials(storage);
  expect(await createClient({ url: app.url, credentials }).connect()).toBe(false);
  await signIn(app.url, credentials);
  expect(await createClient({ url: app.url, credentials }).rest.getMe()).toMatchObject({ has_password: false });
});

test('a storage that refuses everything keeps nobody from logging in', async () => {
  const refuse = () => {
    throw new Error('SecurityError');
  };
  const { client, phone } = await signIn(
    app.url,
    localCredentials({ ...storageOf({}), getItem: refuse, setItem: refuse }),
  );
  expect(await client.rest.getMe()).toMatchObject({ phone });
});

test('a call over a socket that is not connected is refused at once, and never sent later', async () => {
  const { seller, thread } = await buildTalk(app);
  const client = await startClient(app, seller);
  open.push(client);
  client.disconnect();
  await expect(client.ask('thread:archive', { thread_id: thread.id, archived: true })).rejects.toMatchObject({ code: 'network', retryable: true }); // biome-ignore format: one line reads better
  await client.connect();
  await until(client.connection, ({ state }) => state === 'online');
  // behind which everything would be that had been kept
  expect(await client.ask('thread:get', { thread_id: thread.id })).toMatchObject({
    thread: { me: { archived: false } },
  });
});

test('a session that is ended elsewhere takes its data off this device', async () => {
  const { buyer } = await buildTalk(app);
  const client = await startClient(app, buyer);
  open.push(client);
  await until(client.threads, threads => threads.length === 1);
  await app.post(buyer, '/api/auth/logout/?scope=all');
  await until(client.account, ({ ended }) => ended === 'logout_all');
  expect(client.connection.getSnapshot().state).toBe('offline');
  expect(client.threads.getSnapshot()).toEqual([]);
  expect(await client.connect()).toBe(false);
});

test('signing out forgets the user here, and ends the session there', async () => {
  const { client, credentials } = await signIn();
  const { access } = (await credentials.load())!.tokens!;
  await client.signOut();
  expect((await credentials.load())!.tokens).toBeNull();
  expect(client.account.getSnapshot()).toEqual({ user: null, ended: 'signed_out' });
  const { status } = await app.get(null, '/api/auth/me/', { authorization: `Bearer ${access}` });
  expect(status).toBe(401);
});

test('who sets a password, and logs in with it again, goes on with the same session', async () => {
  const { client, credentials, phone } = await signIn();
  const password = 'correct horse battery';
  const refreshToken = async () => (await credentials.load())!.tokens!.refresh;
  const given = await client.rest.setPassword({ password });
  // the one before would end the session, once the 30 s for lost answers are over
  expect(await refreshToken()).toBe(given.refresh);
  await client.signIn({ phone, password });
  expect(await refreshToken()).not.toBe(given.refresh);
  // also where the application asks for it as for any other call, to be sure who is there
  const { refresh } = await client.rest.login({ phone, password });
  expect(await refreshToken()).toBe(refresh);
  expect((await client.rest.listSessions()).results).toHaveLength(1);
});

test.each(['set-password', 'login'])('an answer of %s that is lost does not end the session', async lost => {
  const { client, credentials, phone } = await signIn();
  const password = 'correct horse battery';
  await client.rest.setPassword({ password });
  client.disconnect();
  const before = (await credentials.load())!.tokens!.refresh;
  const losing: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    if (String(input).endsWith(`/api/auth/${lost}/`)) throw new TypeError('fetch failed');
    return response;
  };
  const again = createClient({ url: app.url, credentials, fetch: losing });
  const asked = lost === 'login' ? again.signIn({ phone, password }) : again.rest.setPassword({ password });
  await expect(asked).rejects.toMatchObject({ code: 'network' });
  await eventually(async () => expect((await credentials.load())!.tokens!.refresh).not.toBe(before));
  expect(await again.rest.getMe()).toMatchObject({ has_password: true });
});

test('who signs out is signed out, also while the network answers nothing', async () => {
  const { credentials } = await signIn();
  const silent: typeof fetch = () => new Promise(() => {});
  const again = createClient({ url: app.url, credentials, fetch: silent, wait: shortly });
  await again.signOut();
  expect((await credentials.load())!.tokens).toBeNull();
  expect(again.account.getSnapshot()).toEqual({ user: null, ended: 'signed_out' });
});

test('a token is renewed in place before it expires, and the connection never notices', async () => {
  const database = await createTestDatabase();
  // tokens of 61 s: the warning comes after one
  const server = await startApp(database.url, { DEV_OTP: '1', ACCESS_TTL: '61' });
  try {
    const { client, credentials } = await signIn(server.url);
    const first = (await credentials.load())!.tokens!.access;
    const states: string[] = [];
    client.connection.subscribe(() => states.push(client.connection.getSnapshot().state));
    await until({ ...client.connection, getSnapshot: () => credentials.load() }, kept => (kept as { tokens: { access: string } }).tokens.access !== first); // biome-ignore format: one line reads better
    expect(await client.ask('thread:list', {})).toMatchObject({ results: [] });
    expect(states).toEqual([]);
    client.disconnect();
  } finally {
    await server.close();
    await database.drop();
  }
});

test('when the server restarts, clients come back by themselves and miss nothing', async () => {
  const database = await createTestDatabase();
  const first = await startApp(database.url);
  const { buyer, seller, thread } = await buildTalk(first);
  const client = await startClient(first, buyer, { wait: shortly });
  open.push(client);
  await until(client.thread(thread.id), state => state !== null);
  await first.close();
  await until(client.connection, ({ state }) => state === 'connecting');
  client.send(thread.id, { text: 'into the gap' });
  const second = await startApp(database.url, { PORT: new URL(first.url).port });
  try {
    await second.post(seller, '/api/chat/send/', { thread_id: thread.id, text: 'while you were away' });
    await client.connect();
    const state = await until(client.thread(thread.id), now => now?.messages.length === 2 && now.messages.every(one => one.message)); // biome-ignore format: one line reads better
    expect(state!.messages.map(one => one.text).sort()).toEqual(['into the gap', 'while you were away']);
    client.disconnect();
  } finally {
    await second.close();
    await database.drop();
  }
});

test('an answer that breaks off is none', async () => {
  const broken: typeof fetch = async (input, init) => {
    const whole = await (await fetch(input, init)).text();
    const body = new ReadableStream({
      start: stream => stream.enqueue(new TextEncoder().encode(whole.slice(0, -1))),
      pull: stream => stream.error(new TypeError('terminated')),
    });
    return new Response(body);
  };
  const client = createClient({ url: app.url, fetch: broken });
  await expect(client.rest.listPlans()).rejects.toMatchObject({ code: 'network', retryable: true });
});

test('REST alone can be used, and a refusal carries its code and details', async () => {
  const session = createSession({ store: memoryCredentials(), refresh: () => Promise.reject(), onEnded: () => {} });
  const rest = createRest({ url: `${app.url}/`, session: () => session, locale: () => 'en' });
  const refusal = await rest.requestOtp({ phone: '12' }).catch(error => error);
  expect(refusal).toBeInstanceOf(ParthubError);
  expect(refusal).toMatchObject({ code: 'invalid_phone', retryable: false, requestId: expect.any(String) });
});
