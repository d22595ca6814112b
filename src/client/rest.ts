import { type RestCalls, routes } from './contract.ts';
import { type Err, ParthubError } from './errors.ts';
import { newId } from './ids.ts';
import { type Session, unanswered } from './tokens.ts';

export interface CallOptions {
  /** The same key and payload get the same answer, so a call may be repeated when its answer was lost. */
  idempotencyKey?: string | undefined;
  signal?: AbortSignal | undefined;
}

type Name = keyof RestCalls;
type Arguments<P> =
  Record<never, never> extends P ? [payload?: P, options?: CallOptions] : [payload: P, options?: CallOptions];

/** `rest.createPost({ title: … })`: every REST call by the name of its operation. Throws `ParthubError`. */
export type Rest = { [N in Name]: (...given: Arguments<RestCalls[N]['payload']>) => Promise<RestCalls[N]['result']> };

interface Route {
  path: string;
  query?: readonly string[];
  headers?: Readonly<Record<string, string>>;
  isForm?: true;
  needsKey?: true;
}

export interface RestOptions {
  url: string;
  session: () => Session;
  locale?: (() => string | undefined) | undefined;
  fetch?: typeof fetch | undefined;
}

const withoutToken = new Set<Name>(['requestOtp', 'refreshTokens']);
/** These say who somebody is: with a token of the same user they renew its session, without one they begin another. */
const logins = new Set<Name>(['verifyOtp', 'login']);
const renewing = new Set<Name>([...logins, 'setPassword']);
const ofToken = new Set<string>(['token_expired', 'token_invalid', 'session_revoked', 'session_expired']);

export function createRest(given: RestOptions): Rest {
  const options = { ...given, url: given.url.replace(/\/$/, '') };
  const callOf =
    (name: Name, route: Route) =>
    (payload: Record<string, unknown> = {}, how: CallOptions = {}) => {
      const request = (token: string | null) => send(options, route, token, payload, how);
      if (withoutToken.has(name)) return request(null);
      const answer = logins.has(name) ? asWhoever(options.session(), request) : asUser(options.session(), request);
      return renewing.has(name) ? keepingTokens(options.session(), answer) : answer;
    };
  return Object.fromEntries(
    Object.entries(routes).map(([name, route]) => [name, callOf(name as Name, route)]),
  ) as unknown as Rest;
}

/** A token that was refused as too old is renewed, and the call made once more. */
async function asUser<T>(session: Session, request: (token: string | null) => Promise<T>): Promise<T> {
  const [user, login, token] = [await session.user(), await session.login(), await session.access()];
  try {
    return await request(token);
  } catch (error) {
    if (!(error instanceof ParthubError) || token === null) throw error;
    if (error.code === 'session_revoked' || error.code === 'session_expired') await session.end(error.code, login);
    if (error.code !== 'token_expired' && error.code !== 'token_invalid') throw error;
    const next = await session.renew(token);
    // What one user has asked is not done as another.
    if (next !== null && (await session.user()) !== user) throw error;
    return request(next);
  }
}

async function asWhoever<T>(session: Session, request: (token: string | null) => Promise<T>): Promise<T> {
  const token = await session.access().catch(() => null);
  try {
    return await request(token);
  } catch (error) {
    if (token === null || !(error instanceof ParthubError) || !ofToken.has(error.code)) throw error;
    return request(null);
  }
}

/** Of the same user, the answer replaces the tokens of the session: with the old ones it would end later. */
async function keepingTokens(session: Session, asked: Promise<unknown>): Promise<unknown> {
  try {
    const given = (await asked) as RestCalls['login' | 'verifyOtp' | 'setPassword']['result'];
    if ('user' in given && given.user.id === (await session.user())) await session.keep(given);
    return given;
  } catch (error) {
    // What was not answered may have renewed it all the same: the next tokens are given for 30 s.
    if (error instanceof ParthubError && unanswered.has(error.code)) session.renew().catch(() => {});
    throw error;
  }
}

async function send(
  { url, locale, fetch: fetchIt = fetch }: RestOptions,
  route: Route,
  token: string | null,
  payload: Record<string, unknown>,
  { idempotencyKey = route.needsKey && newId(), signal }: CallOptions,
): Promise<never> {
  const [method, template] = route.path.split(' ') as [string, string];
  const rest = { ...payload };
  const take = (name: string) => {
    const value = rest[name];
    delete rest[name];
    return value;
  };
  const path = template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(take(name))));
  const headers: Record<string, string> = { Accept: 'application/json' };
  for (const [name, header] of Object.entries(route.headers ?? {})) {
    const value = take(name);
    if (value !== undefined) headers[header] = String(value);
  }
  const query = queryOf((method === 'GET' ? Object.keys(rest) : (route.query ?? [])).map(name => [name, take(name)]));
  const language = locale?.();
  if (language) headers['Accept-Language'] = language;
  if (token) headers['Authorization'] = `Bearer ${token}`;
  if (idempotencyKey) headers['Idempotency-Key'] = idempotencyKey;
  const body = method === 'GET' ? undefined : route.isForm ? formOf(rest) : JSON.stringify(rest);
  if (typeof body === 'string') headers['Content-Type'] = 'application/json';
  const response = await fetchIt(url + path + query, { method, headers, ...(body !== undefined && { body }), ...(signal && { signal }) }).catch(refuseNetwork(signal)); // biome-ignore format: one line reads better
  // Headers came: what follows them may still be lost.
  const text = await response.text().catch(refuseNetwork(signal));
  return answerOf(response, text) as never;
}

const refuseNetwork =
  (signal: AbortSignal | undefined) =>
  (error: unknown): never => {
    if (signal?.aborted) throw error;
    throw new ParthubError('network', { message: String(error) });
  };

function queryOf(fields: (readonly [string, unknown])[]): string {
  const given = fields.filter(([, value]) => value !== undefined && value !== null);
  const text = given.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join('&');
  return text && `?${text}`;
}

function formOf(fields: Record<string, unknown>): FormData {
  const form = new FormData();
  // Fields before the file: a server that streams knows then what it is for.
  const isFile = (value: unknown) => typeof value === 'object';
  for (const [name, value] of Object.entries(fields).sort(([, a], [, b]) => Number(isFile(a)) - Number(isFile(b))))
    if (value !== undefined) form.append(name, isFile(value) ? (value as Blob) : String(value));
  return form;
}

function answerOf(response: Response, text: string): unknown {
  if (response.status === 204) return undefined;
  const body = parsed(text);
  if (response.ok && body !== null) return body;
  const problem = body as (Err & { detail?: string }) | null;
  // Not an answer of ours: a proxy in between.
  if (!problem?.code)
    throw new ParthubError(response.status < 500 ? 'internal' : 'network', { message: `HTTP ${response.status}` });
  throw new ParthubError(problem.code, { ...problem, message: problem.detail ?? problem.code });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
