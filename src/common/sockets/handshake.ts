import type { IncomingMessage } from 'node:http';
import type { DefaultEventsMap, Socket } from 'socket.io';
import type { Config } from '../../config.ts';
import type { Authenticate } from '../auth.ts';
import type { Actor } from '../context.ts';
import { AppError } from '../errors.ts';
import { isAllowedHost } from '../http/request.ts';
import { type Locale, readLocale } from '../messages.ts';
import { isPlainObject } from '../payload.ts';
import type { Cluster } from '../redis.ts';
import { Handshake, PROTOCOL } from '../session.ts';
import { refusalData } from './parser.ts';

export interface SocketData {
  /** Replaced by auth:renew. */
  actor: Actor;
  deviceId: string | null;
  locale: Locale;
}
export type ClientSocket = Socket<DefaultEventsMap, DefaultEventsMap, DefaultEventsMap, SocketData>;

export function isAllowedUpgrade(config: Config, request: IncomingMessage): boolean {
  const { host, origin } = request.headers;
  return isAllowedHost(config, host) && (origin === undefined || isAllowedOrigin(config, origin));
}

/** Socket.IO's `cors` option does not look at upgrades; a page of a foreign origin must not open one (row 70). */
function isAllowedOrigin(config: Config, origin: string): boolean {
  return config.CORS_ALLOWED_ORIGINS.includes(origin) || origin === new URL(config.PUBLIC_URL).origin;
}

/** What Socket.IO turns into a `connect_error`. */
export function refusal(error: AppError): Error {
  const { message, data } = refusalData(error);
  return Object.assign(new Error(message), { data });
}

export interface Doorkeeper {
  config: Config;
  authenticate: Authenticate;
  cluster: Cluster;
  connections: ConnectionCount;
}

/** Who connects, and may they? Joins the user's rooms before `connect` is said. */
export async function admit(
  { config, authenticate, cluster, connections }: Doorkeeper,
  socket: ClientSocket,
): Promise<void> {
  const { auth, headers } = socket.handshake;
  if (headers.origin !== undefined && !isAllowedOrigin(config, headers.origin)) throw new AppError('origin_forbidden');
  if (!isPlainObject(auth) || auth['token'] === undefined || auth['token'] === null || auth['token'] === '')
    throw new AppError('auth_required');
  if (typeof auth['token'] !== 'string') throw new AppError('token_invalid');
  if (auth['protocol'] !== undefined && auth['protocol'] !== PROTOCOL.max)
    throw new AppError('protocol_unsupported', { ...PROTOCOL });
  const actor = await authenticate(auth['token'], new Date());
  connections.take(actor.userId, socket);
  const { device_id, locale } = Handshake.partial().safeParse(auth).data ?? {};
  socket.data = { actor, deviceId: device_id ?? null, locale: readLocale(locale) ?? actor.locale };
  await socket.join([`user:${actor.userId}`, `session:${actor.sessionId}`]);
  await cluster.subscribed();
}

export interface ConnectionCount {
  /** Counts the connection of this socket once, however many namespaces it joins; freed when it closes. */
  take(userId: string, socket: ClientSocket): void;
}

export function createConnectionCount(max: number): ConnectionCount {
  const byUser = new Map<string, Set<object>>();
  return {
    take(userId, { conn }) {
      const open = byUser.get(userId) ?? new Set();
      if (open.has(conn)) return;
      if (open.size >= max) throw new AppError('too_many_connections', { max, retry_after_ms: 5_000 });
      byUser.set(userId, open.add(conn));
      conn.once('close', () => {
        open.delete(conn);
        if (open.size === 0) byUser.delete(userId);
      });
    },
  };
}
