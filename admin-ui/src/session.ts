interface Tokens {
  sessionId: string;
  access: string;
  refresh: string;
  expiresAt: number;
  idleMs: number;
}

export interface Pair {
  session_id: string;
  access: string;
  refresh: string;
  expires_in: number;
  refresh_expires_in: number;
}

const KEY = 'parthub.admin';

/** In the tab alone: closing it is a logout for whoever sits down next. */
export const stored = (): Tokens | null => JSON.parse(sessionStorage.getItem(KEY) ?? 'null') as Tokens | null;

export function keepTokens({ session_id: sessionId, access, refresh, expires_in, refresh_expires_in }: Pair) {
  const [expiresAt, idleMs] = [Date.now() + (expires_in - 30) * 1000, refresh_expires_in * 1000];
  sessionStorage.setItem(KEY, JSON.stringify({ sessionId, access, refresh, expiresAt, idleMs } satisfies Tokens));
  siblings.postMessage(stored());
}
export const dropTokens = () => sessionStorage.removeItem(KEY);
export const isLoggedIn = () => stored() !== null;

/** As the token says; nobody's is empty. */
export function userId(): string {
  const claims = stored()?.access.split('.')[1]?.replace(/-/g, '+').replace(/_/g, '/');
  return claims ? String((JSON.parse(atob(claims)) as { sub?: string }).sub) : '';
}

/**
 * A tab that is duplicated takes a copy of the session with it. A refresh token counts once, and who shows an old one ends the
 * session for all: so whoever renews it tells the others, and asks them before.
 */
const siblings = new BroadcastChannel(KEY);
const ASK = 'ask';
const ANSWER_MS = 100;

siblings.onmessage = ({ data }: MessageEvent<Tokens | typeof ASK>) => {
  const own = stored();
  if (!own) return;
  if (data === ASK) siblings.postMessage(own);
  else if (data.sessionId === own.sessionId && data.expiresAt > own.expiresAt)
    sessionStorage.setItem(KEY, JSON.stringify(data));
};

/** Resolves once those that are awake have told what they hold. */
export function hearSiblings(): Promise<void> {
  siblings.postMessage(ASK);
  return new Promise(resolve => setTimeout(resolve, ANSWER_MS));
}
