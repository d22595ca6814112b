import { ParthubError } from './errors.ts';
import { backoffMs, type Wait, wait } from './timers.ts';
import { createVault } from './vault.ts';

export interface Tokens {
  access: string;
  refresh: string;
  /** Milliseconds by the clock of this device. */
  expiresAt: number;
}

/** What a device keeps between starts: give it a safe place (Keychain, Keystore; a browser has none better than localStorage). */
export interface Credentials {
  tokens: Tokens | null;
  /** Whose tokens these are; a login that is older than this field learns it from its next connection. */
  userId?: string | undefined;
  /** Which of the user's sessions this is; learned from its next tokens. */
  sessionId?: string | undefined;
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
  session_id?: string;
  device_token?: string;
}

export interface Session {
  /** A token that is good for a while yet; null: nobody is logged in. Rejects when it cannot be renewed now. */
  access(): Promise<string | null>;
  /** A newer token than `stale`; however many ask, one request is made. */
  renew(stale?: string | null): Promise<string | null>;
  /** Whose login is stored; null: nobody's, or it is not known. */
  user(): Promise<string | null>;
  /** Which login is stored, as `end` takes it; null: none, or it is not known. */
  login(): Promise<string | null>;
  keep(given: GivenTokens & { user?: { id: string } }): Promise<void>;
  /** A login that was stored without its user is this one's. */
  learn(userId: string): Promise<void>;
  /** Of this login or user, if one is given: who has logged in since then stays, the same user too. */
  end(reason: string, whose?: string | null): Promise<void>;
  device(): Promise<{ device_id: string; token?: string | undefined }>;
}

interface Options {
  store: CredentialStore;
  refresh: (refresh: string) => Promise<GivenTokens>;
  onEnded: (reason: string) => void;
  wait?: Wait | undefined;
  random?: (() => number) | undefined;
}

const EARLY_MS = 30_000;
const ANSWER_MS = 10_000;
/** 1, 2, 4, 8 s: an answer that was lost is given again for 30 s, and whoever asks later has copied the token. */
const REPEATS = 4;
/** Codes after which it is not known what a call did. */
export const unanswered = new Set<string>(['network', 'unavailable', 'internal']);
const final = new Set(['refresh_invalid', 'refresh_reused', 'session_expired', 'session_revoked', 'account_blocked', 'validation_failed']); // biome-ignore format: a list

/** The tokens of one login, renewed by a single flight and shared with other tabs through the store. */
export function createSession({ store, refresh, onEnded, wait: after = wait, random = Math.random }: Options): Session {
  const { load, change } = createVault(store);
  let flight: Promise<string | null> | undefined;
  let isRepeating = false;

  /** A network that has fallen silent may keep a request for minutes. */
  function answered(asked: Promise<GivenTokens>): Promise<GivenTokens> {
    return new Promise((resolve, reject) => {
      const cancel = after(ANSWER_MS, () => reject(new ParthubError('network', { message: 'no answer' })));
      asked.then(resolve, reject).finally(cancel);
    });
  }

  async function renewNow(stale: string | null | undefined): Promise<string | null> {
    const { tokens, userId } = await load();
    if (!tokens) return null;
    // another tab was faster
    if (stale && tokens.access !== stale && isGood(tokens)) return tokens.access;
    // Meanwhile the user may have signed out, and somebody else in: then this answer is nobody's.
    const isStill = (held: Credentials) => held.tokens?.refresh === tokens.refresh;
    let given: GivenTokens | undefined;
    try {
      const answer = await answered(refresh(tokens.refresh));
      given = answer;
      await change(held => (isStill(held) ? withTokens(held, answer) : held));
    } catch (error) {
      if (!(error instanceof ParthubError)) throw error;
      if (unanswered.has(error.code) && !isRepeating) repeatSoon(tokens.access);
      if (!final.has(error.code)) throw error;
      await endIf(isStill, error.code);
    }
    const now = await load();
    if (now.tokens && now.tokens.refresh !== given?.refresh && now.userId !== userId)
      throw new ParthubError('session_revoked');
    return now.tokens?.access ?? null;
  }

  /** What was not answered may have been done all the same: nobody may need a token again before it is too late to ask. */
  function repeatSoon(stale: string, tries = 0): void {
    isRepeating = tries < REPEATS;
    if (!isRepeating) return;
    const done = () => {
      isRepeating = false;
    };
    after(backoffMs(tries, random), () => {
      renew(stale).then(done, () => repeatSoon(stale, tries + 1));
    });
  }

  async function endIf(isMeant: (held: Credentials) => boolean, reason: string): Promise<void> {
    let hasEnded = false;
    const forgotten = change(held => {
      hasEnded = isMeant(held);
      return hasEnded && held.tokens ? { ...held, tokens: null, userId: undefined, sessionId: undefined } : held;
    });
    await forgotten.finally(() => hasEnded && onEnded(reason));
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
      return isGood(tokens) ? tokens.access : renew(tokens.access);
    },
    renew,
    async user() {
      const { tokens, userId = null } = await load();
      return tokens && userId;
    },
    async login() {
      const { tokens, userId = null, sessionId = userId } = await load();
      return tokens && sessionId;
    },
    keep: async given =>
      void (await change(held => withTokens({ ...held, userId: given.user?.id, sessionId: undefined }, given))),
    learn: async userId => void (await change(held => (held.tokens && !held.userId ? { ...held, userId } : held))),
    // Also when another tab has forgotten it before: this one still shows it.
    end: (reason, whose = null) =>
      endIf(held => !whose || !held.tokens || held.sessionId === whose || held.userId === whose, reason),
    async device() {
      const { deviceId, deviceToken } = await change(held => held);
      return { device_id: deviceId, token: deviceToken };
    },
  };
}

const isGood = (tokens: Tokens) => tokens.expiresAt - EARLY_MS > Date.now();

function withTokens(held: Credentials, given: GivenTokens): Credentials {
  const { access, refresh, expires_in, session_id = held.sessionId, device_token = held.deviceToken } = given;
  const tokens = { access, refresh, expiresAt: Date.now() + expires_in * 1_000 };
  return {
    ...held,
    tokens,
    ...(session_id && { sessionId: session_id }),
    ...(device_token && { deviceToken: device_token }),
  };
}
