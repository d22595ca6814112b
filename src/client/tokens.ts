import { ParthubError } from './errors.ts';
import { newId } from './ids.ts';

export interface Tokens {
  access: string;
  refresh: string;
  /** Milliseconds by the clock of this device. */
  expiresAt: number;
}

/** What a device keeps between starts: give it a safe place (Keychain, Keystore; a browser has none better than localStorage). */
export interface Credentials {
  tokens: Tokens | null;
  deviceId: string;
  /** Lets a known device log in while strangers have locked the number. */
  deviceToken?: string | undefined;
}

export interface CredentialStore {
  load(): Credentials | null | Promise<Credentials | null>;
  save(credentials: Credentials): unknown;
}

export interface GivenTokens {
  access: string;
  refresh: string;
  expires_in: number;
  device_token?: string;
}

export interface Session {
  /** A token that is good for a while yet; null: nobody is logged in. Rejects when it cannot be renewed now. */
  access(): Promise<string | null>;
  /** A newer token than `stale`; however many ask, one request is made. */
  renew(stale?: string | null): Promise<string | null>;
  keep(given: GivenTokens): Promise<void>;
  end(reason: string): Promise<void>;
  device(): Promise<{ device_id: string; token?: string | undefined }>;
}

interface Options {
  store: CredentialStore;
  refresh: (refresh: string) => Promise<GivenTokens>;
  onEnded: (reason: string) => void;
}

const EARLY_MS = 30_000;
const final = new Set(['refresh_invalid', 'refresh_reused', 'session_expired', 'session_revoked', 'account_blocked', 'validation_failed']); // biome-ignore format: a list

/** The tokens of one login, renewed by a single flight and shared with other tabs through the store. */
export function createSession({ store, refresh, onEnded }: Options): Session {
  let flight: Promise<string | null> | undefined;

  const load = async (): Promise<Credentials> => (await store.load()) ?? { tokens: null, deviceId: newId() };

  async function renewNow(stale: string | null | undefined): Promise<string | null> {
    const credentials = await load();
    const { tokens } = credentials;
    if (!tokens) return null;
    // another tab was faster
    if (stale && tokens.access !== stale && tokens.expiresAt - EARLY_MS > Date.now()) return tokens.access;
    try {
      return await save(credentials, await refresh(tokens.refresh));
    } catch (error) {
      if (!(error instanceof ParthubError) || !final.has(error.code)) throw error;
      await end(error.code);
      return null;
    }
  }

  async function save(credentials: Credentials, given: GivenTokens): Promise<string> {
    const { access, refresh: next, expires_in, device_token = credentials.deviceToken } = given;
    const tokens = { access, refresh: next, expiresAt: Date.now() + expires_in * 1_000 };
    await store.save({ ...credentials, tokens, ...(device_token && { deviceToken: device_token }) });
    return access;
  }

  async function end(reason: string): Promise<void> {
    const credentials = await load();
    if (!credentials.tokens) return;
    await store.save({ ...credentials, tokens: null });
    onEnded(reason);
  }

  function renew(stale?: string | null): Promise<string | null> {
    flight ??= renewNow(stale).finally(() => {
      flight = undefined;
    });
    return flight;
  }

  return {
    async access() {
      const { tokens } = await load();
      if (!tokens) return null;
      return tokens.expiresAt - EARLY_MS > Date.now() ? tokens.access : renew(tokens.access);
    },
    renew,
    async keep(given) {
      await save(await load(), given);
    },
    end,
    async device() {
      const credentials = await load();
      await store.save(credentials);
      return { device_id: credentials.deviceId, token: credentials.deviceToken };
    },
  };
}
