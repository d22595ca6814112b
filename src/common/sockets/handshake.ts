import { isIP } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import type { DefaultEventsMap, Socket } from 'socket.io';
import type { Config } from '../../config.ts';
import type { Authenticate } from '../auth.ts';
import type { Budgets } from '../budgets.ts';
import type { Actor } from '../context.ts';
import { AppError } from '../errors.ts';
import { type Locale, readLocale } from '../messages.ts';
import { isPlainObject } from '../payload.ts';
import { eventLimit, Handshake, PROTOCOL } from '../session.ts';
import type { ConnectionCount } from './connection-count.ts';
import { stateOf } from './connections.ts';
import type { Gate } from './gate.ts';
import { refusalData } from './parser.ts';
import { isAllowedOrigin } from './upgrades.ts';

export interface SocketData {
  /** Replaced by auth:renew. */
  actor: Actor;
  deviceId: string | null;
  locale: Locale;
  ip: string;
  /** Its session has ended. */
  isRevoked?: true;
}
export type ClientSocket = Socket<DefaultEventsMap, DefaultEventsMap, DefaultEventsMap, SocketData>;

/** As Express reads it: of `X-Forwarded-For` only what the trusted proxies have appended counts, if it is an address. */
export function addressOf(
  proxies: number,
  { address, headers }: Pick<Socket['handshake'], 'address' | 'headers'>,
): string {
  const forwarded = [headers['x-forwarded-for'] ?? []].flat().join(',').split(',').map(one => one.trim()).filter(Boolean); // biome-ignore format: one line reads better
  const chain = [...forwarded, address];
  const seen = chain.at(-1 - proxies) ?? chain[0]!;
  return isIP(seen) === 0 ? address : seen;
}

/** What Socket.IO turns into a `connect_error`. */
export function refusal(error: AppError): Error {
  const { message, data } = refusalData(error);
  return Object.assign(new Error(message), { data });
}

export interface Doorkeeper {
  config: Config;
  authenticate: Authenticate;
  budgets: Budgets;
  gate: Gate;
  connections: ConnectionCount;
}

/** A connection that is refused so often does not learn: it is closed. */
const MAX_REFUSED = 20;

/**
 * False when this namespace is being joined already: clients ask twice when their token was fetched over a reconnect. To
 * them the answer to the first request is the answer to both; a refusal of the second would be as well, and they would no
 * more listen. One who is somebody else by now is closed instead and comes back by itself, as from one that is joined.
 */
export function startJoining(socket: ClientSocket): boolean {
  const { joining } = stateOf(socket.conn);
  const [namespace, token] = [socket.nsp.name, socket.handshake.auth['token']];
  const first = joining.find(one => one.namespace === namespace);
  if (!first) joining.push({ namespace, token, since: performance.now() });
  else {
    if (first.token !== token) socket.conn.close();
    socket._cleanup();
  }
  return !first;
}

/** It is joined, or was refused and may be asked for again. Returns when it was asked for. */
export function endJoining({ conn, nsp }: ClientSocket): number {
  const state = stateOf(conn);
  const since = state.joining.find(({ namespace }) => namespace === nsp.name)!.since;
  state.joining = state.joining.filter(({ namespace }) => namespace !== nsp.name);
  return since;
}

/** Who connects, and may they? What is pushed from the moment on in which `connect` is said is heard. */
export async function admit(keeper: Doorkeeper, socket: ClientSocket): Promise<void> {
  try {
    await ensureWelcome(keeper, socket);
  } catch (error) {
    const state = stateOf(socket.conn);
    state.refusedHandshakes += 1;
    if (state.refusedHandshakes >= MAX_REFUSED) setImmediate(() => socket.conn.close());
    throw error;
  }
}

async function ensureWelcome(keeper: Doorkeeper, socket: ClientSocket): Promise<void> {
  const { config, budgets, gate } = keeper;
  const { auth, headers } = socket.handshake;
  const { origin, host } = headers;
  if (origin !== undefined && !isAllowedOrigin(config, origin, host)) throw new AppError('origin_forbidden');
  if (!isPlainObject(auth) || auth['token'] === undefined || auth['token'] === null || auth['token'] === '')
    throw new AppError('auth_required');
  const { token, protocol } = auth;
  if (typeof token !== 'string') throw new AppError('token_invalid');
  if (protocol !== undefined && protocol !== PROTOCOL.max) throw new AppError('protocol_unsupported', { ...PROTOCOL });
  // Joining and leaving is work like any event.
  const { isRefused, retryAfterMs } = budgets.spend(eventLimit, stateOf(socket.conn).id);
  if (isRefused) throw new AppError('rate_limited', { retry_after_ms: retryAfterMs });
  const actor = await gate.pass(() => keeper.authenticate(token, new Date()));
  await keeper.connections.take(actor.userId, socket.conn);
  // Each by itself: one that is wrong is as good as missing, and takes no other with it.
  const deviceId = Handshake.shape.device_id.safeParse(auth['device_id']).data ?? null;
  const locale = readLocale(Handshake.shape.locale.safeParse(auth['locale']).data) ?? actor.locale;
  const ip = addressOf(config.TRUST_PROXY, socket.handshake);
  socket.data = { actor: sharedActor(socket, actor), deviceId, locale, ip };
  forgetToken(socket);
}

/** It is not looked at again, and must not lie about; nor need each namespace have a handshake of its own. */
function forgetToken(socket: ClientSocket): void {
  const state = stateOf(socket.conn);
  state.handshake ??= { ...socket.handshake, auth: {} };
  Object.assign(socket, { handshake: state.handshake });
}

/** Namespaces of one connection that came with the same token have one actor; a later token of their session counts for all. */
export function sharedActor({ conn }: ClientSocket, actor: Actor): Actor {
  const state = stateOf(conn);
  if (!isDeepStrictEqual(state.actor, actor) && !isLater(state.actor, actor)) state.actor = actor;
  return state.actor!;
}

function isLater(known: Actor | null, { userId, sessionId, tokenExpiresAt }: Actor): boolean {
  return known?.userId === userId && known.sessionId === sessionId && known.tokenExpiresAt > tokenExpiresAt;
}
