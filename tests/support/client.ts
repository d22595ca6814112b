import {
  type Client,
  type ClientOptions,
  createClient,
  memoryCredentials,
  type Observable,
} from '../../src/client/index.ts';
import type { Credentials } from '../../src/client/tokens.ts';
import { eventually, type TestApp, type TestUser } from './app.ts';

/** Somebody who has logged in earlier: the token of the test user, and nothing to renew it with unless given. */
export function credentialsOf(user: TestUser, more: Partial<Credentials['tokens']> = {}) {
  const store = memoryCredentials();
  store.save({
    tokens: { access: user.token, refresh: 'none', expiresAt: Date.now() + 600_000, ...more },
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

/** Resolves with the first snapshot that passes. */
export function until<T>(observable: Observable<T>, passes: (value: T) => boolean): Promise<T> {
  return eventually(() => {
    const value = observable.getSnapshot();
    if (!passes(value)) throw new Error(`still ${JSON.stringify(value)}`);
    return value;
  });
}
