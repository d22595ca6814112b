import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { type CredentialStore, createClient, type OutboxStore, type Unsent } from '../../src/client/index.ts';
import { eventually, useApp } from '../support/app.ts';
import { layCable } from '../support/cable.ts';
import {
  age,
  credentialsOf,
  logIn,
  newPhone,
  shortly,
  slowOn,
  startClient,
  until,
  useClients,
} from '../support/client.ts';
import { buildTalk } from '../support/talk.ts';

const app = useApp({ DEV_OTP: '1' });
const { clients: open } = useClients();
const signIn = async (credentials?: CredentialStore) => {
  const signed = await logIn(app.url, credentials);
  open.push(signed.client);
  return signed;
};

test.each(['answered', 'asked'] as const)('a renewal that is %s after the next login leaves it alone', async held => {
  const { client, credentials } = await signIn();
  client.disconnect();
  await age(credentials);
  const slow = slowOn('/api/auth/token/refresh/', held);
  const late = createClient({ url: app.url, credentials, fetch: slow.fetch });
  const asked = late.rest.getMe();
  await slow.reached;
  // in another tab
  await createClient({ url: app.url, credentials }).signOut();
  const next = await signIn(credentials);
  slow.answer();
  await expect(asked).rejects.toMatchObject({ code: 'session_revoked' });
  expect(await next.client.rest.getMe()).toMatchObject({ phone: next.phone });
});

test('what one user has asked is not done as the next one', async () => {
  const { client, credentials } = await signIn();
  client.disconnect();
  const held = (await credentials.load())!;
  await credentials.save({ ...held, tokens: { ...held.tokens!, access: 'an.old.token' } });
  const slow = slowOn('/api/auth/me/');
  const asked = createClient({ url: app.url, credentials, fetch: slow.fetch }).rest.updateMe({ full_name: 'Ali' });
  await slow.reached;
  const next = await signIn(credentials);
  slow.answer();
  await expect(asked).rejects.toMatchObject({ code: 'token_invalid' });
  expect(await next.client.rest.getMe()).toMatchObject({ full_name: null });
});

test('what one user asks is not done as the next one, who has logged in in another tab', async () => {
  const { client, credentials, phone } = await signIn();
  await until(client.account, ({ user }) => user?.phone === phone);
  const next = await signIn(credentials);
  await expect(client.rest.updateMe({ full_name: 'Ali' })).rejects.toMatchObject({ code: 'session_revoked' });
  expect(await next.client.rest.getMe()).toMatchObject({ full_name: null });
  // and this tab follows
  await until(client.account, ({ user }) => user?.phone === next.phone);
});

test('who has signed out is not shown again by an answer that comes late', async () => {
  const { client, credentials } = await signIn();
  client.disconnect();
  const slow = slowOn('/api/auth/me/');
  const again = createClient({ url: app.url, credentials, wait: shortly, fetch: slow.fetch });
  await again.connect();
  await slow.reached;
  await again.signOut();
  slow.answer();
  await expect(again.rest.getMe()).rejects.toMatchObject({ code: 'auth_required' });
  expect(again.account.getSnapshot()).toEqual({ user: null, ended: 'signed_out' });
});

test('with one tab all are signed out, also one that was not connected', async () => {
  const { buyer, thread } = await buildTalk(app);
  const credentials = credentialsOf(buyer);
  const tabs = [await startClient(app, buyer, { credentials }), await startClient(app, buyer, { credentials })];
  open.push(...tabs);
  for (const tab of tabs) await until(tab.thread(thread.id), state => state !== null);
  tabs[1]!.disconnect();
  await tabs[0]!.signOut();
  expect(await tabs[1]!.connect()).toBe(false);
  for (const tab of tabs) {
    expect(tab.account.getSnapshot()).toMatchObject({ user: null });
    expect(tab.threads.getSnapshot()).toEqual([]);
  }
});

/** Signs out and in again as the same user. */
async function signInAgain({ client, phone }: Awaited<ReturnType<typeof signIn>>, password: string): Promise<void> {
  await client.signOut();
  await client.signIn({ phone, password });
  await until(client.connection, ({ state }) => state === 'online');
}

test('who has signed out and in again stays, whenever another tab hears of the end of the session before', async () => {
  const signed = await signIn();
  const { credentials, client } = signed;
  const password = 'correct horse battery';
  await client.rest.setPassword({ password });
  const cable = await layCable();
  cable.leadTo(app.url);
  const slow = slowOn('/api/auth/sessions/', 'asked');
  const tab = createClient({ url: cable.url, credentials, wait: shortly, fetch: slow.fetch });
  open.push(tab);
  try {
    await tab.connect();
    await until(tab.account, ({ user }) => user !== null);
    const asked = tab.rest.listSessions();
    await slow.reached;
    // as of a tab that the browser has put to sleep
    const wake = cable.hold();
    await signInAgain(signed, password);
    const states: string[] = [];
    tab.connection.subscribe(() => states.push(tab.connection.getSnapshot().state));
    wake();
    await eventually(() => expect(states).toEqual(expect.arrayContaining(['connecting', 'online'])));
    slow.answer();
    await expect(asked).rejects.toMatchObject({ code: 'session_revoked' });
    expect(await client.rest.listSessions()).toMatchObject({ results: [{ current: true }] });
    for (const one of [client, tab]) expect(one.account.getSnapshot()).toMatchObject({ user: { phone: signed.phone } });
  } finally {
    tab.disconnect();
    await cable.close();
  }
});

test('who logs in over somebody else sees nothing of them', async () => {
  const { buyer, thread } = await buildTalk(app);
  const client = await startClient(app, buyer);
  open.push(client);
  await until(client.thread(thread.id), state => state !== null);
  const phone = newPhone();
  const { dev_code } = await client.requestCode(phone);
  const user = await client.signIn({ phone, code: dev_code! });
  await until(client.connection, ({ state }) => state === 'online');
  expect(client.threads.getSnapshot()).toEqual([]);
  expect(await client.ask('thread:list', {})).toMatchObject({ results: [] });
  expect(client.account.getSnapshot().user).toMatchObject({ id: user.id });
});

test('what nobody is known to have written is not sent by who logs in next', async () => {
  const phone = newPhone();
  const message = { thread_id: randomUUID(), client_id: randomUUID(), text: 'a secret' };
  const unsent = new Map<string, Unsent>([[message.client_id, { message, queuedAt: 1, error: null, userId: null }]]);
  const outbox: OutboxStore = {
    load: () => [...unsent.values()],
    put: one => void unsent.set(one.message.client_id, one),
    remove: clientId => void unsent.delete(clientId),
  };
  const client = createClient({ url: app.url, outbox });
  open.push(client);
  const { dev_code } = await client.requestCode(phone);
  await client.signIn({ phone, code: dev_code! });
  await until(client.connection, ({ state }) => state === 'online');
  // sent, it would have been refused, and kept for its author
  await eventually(() => expect(unsent.size).toBe(0));
});
