import { afterEach } from 'vitest';
import {
  type Client,
  type ClientOptions,
  createClient,
  type KeyValue,
  memoryCredentials,
  type Observable,
  type OutboxStore,
  type Unsent,
} from '../../src/client/index.ts';
import type { CredentialStore, Credentials } from '../../src/client/tokens.ts';
import { eventually, type TestApp, type TestUser } from './app.ts';

/** Somebody who has logged in earlier: the token of the test user, and nothing to renew it with unless given. */
export function credentialsOf(user: TestUser, more: Partial<Credentials['tokens']> = {}) {
  const store = memoryCredentials();
  store.save({
    tokens: { access: user.token, refresh: 'none', expiresAt: Date.now() + 600_000, ...more },
    userId: user.id,
    deviceId: `device of ${user.id}`,
  });
  return store;
}

/** A connected client of a user, past its first pull; its waiting is 20 times as short. */
export async function startClient(app: TestApp, user: TestUser, more: Partial<ClientOptions> = {}): Promise<Client> {
  const client = createClient({ url: app.url, credentials: credentialsOf(user), wait: shortly, ...more });
  await client.connect();
  await until(client.connection, ({ state }) => state === 'online');
  return client;
}

export const shortly = (ms: number, then: () => void): (() => void) => {
  const timer = setTimeout(then, ms / 20);
  return () => clearTimeout(timer);
};

/** As `startClient`; `clients` are disconnected after each test. */
export function useClients() {
  const clients: Client[] = [];
  afterEach(() => {
    for (const client of clients.splice(0)) client.disconnect();
  });
  async function start(...given: Parameters<typeof startClient>): Promise<Client> {
    const client = await startClient(...given);
    clients.push(client);
    return client;
  }
  return { clients, start };
}

/** A store of unsent messages, as a device keeps it over several starts. */
export function keepOutbox() {
  const unsent = new Map<string, Unsent>();
  const outbox: OutboxStore = {
    load: () => [...unsent.values()],
    put: one => void unsent.set(one.message.client_id, one),
    remove: clientId => void unsent.delete(clientId),
  };
  return { outbox, unsent };
}

/** A browser's storage with these entries. */
export function storageOf(entries: Record<string, string>): KeyValue {
  const kept = new Map(Object.entries(entries));
  return {
    get length() {
      return kept.size;
    },
    key: index => [...kept.keys()][index] ?? null,
    getItem: key => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: key => void kept.delete(key),
  };
}

/** Resolves with the first snapshot that passes. */
export function until<T>(observable: Observable<T>, passes: (value: T) => boolean): Promise<T> {
  return eventually(() => {
    const value = observable.getSnapshot();
    if (!passes(value)) throw new Error(`still ${JSON.stringify(value)}`);
    return value;
  });
}

let last = 0;
export const newPhone = () => `+99893${String(4_000_000 + ++last)}`;

/** Somebody new who has logged in by code, and is online; the server tells its codes. */
export async function logIn(url: string, credentials: CredentialStore = memoryCredentials()) {
  const phone = newPhone();
  const client = createClient({ url, credentials, wait: shortly });
  const { dev_code } = await client.requestCode(phone);
  await client.signIn({ phone, code: dev_code! });
  await until(client.connection, ({ state }) => state === 'online');
  return { client, credentials, phone };
}

/** Its access token has expired. */
export async function age(credentials: CredentialStore): Promise<void> {
  const held = (await credentials.load())!;
  await credentials.save({ ...held, tokens: { ...held.tokens!, expiresAt: 0 } });
}

/** A network over which a path is asked, or answered, no sooner than the test lets it. */
export function slowOn(path: string, held: 'asked' | 'answered' = 'answered') {
  const [reached, given] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const hold = () => {
    reached.resolve();
    return given.promise;
  };
  const slowly: typeof fetch = async (input, init) => {
    if (!String(input).endsWith(path)) return fetch(input, init);
    if (held === 'asked') await hold();
    const response = await fetch(input, init);
    if (held === 'answered') await hold();
    return response;
  };
  return { fetch: slowly, reached: reached.promise, answer: given.resolve };
}
