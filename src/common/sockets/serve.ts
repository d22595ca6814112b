import type { Logger } from 'pino';
import { asAppError } from '../database.ts';
import { AppError, presentError } from '../errors.ts';
import type { Run } from '../execute.ts';
import { randomToken } from '../ids.ts';
import { describeError, type Locale } from '../messages.ts';
import type { Operation } from '../operations.ts';
import { isPlainObject, isTooComplex } from '../payload.ts';
import type { Cluster } from '../redis.ts';
import { PROTOCOL, RENEW_EVENT, sessionEvents, sessionLimits } from '../session.ts';
import type { ClientSocket } from './handshake.ts';
import { frameBytes } from './parser.ts';
import { createSocketQueue } from './queue.ts';
import type { SocketSessions } from './sessions.ts';

const ACK_TIMEOUT_MS = 10_000;

export type Handlers = Map<string, { operation: Operation; run: Run<Operation> }>;

interface Parts {
  log: Logger;
  cluster: Cluster;
  sessions: SocketSessions;
}

/** Greets a socket and serves its events, in their order; nothing thrown here ends the process. */
export function serve(parts: Parts, handlers: Handlers, socket: ClientSocket): void {
  const queue = createSocketQueue();
  // A malformed packet is reported here, and would be thrown if nobody listened.
  socket.on('error', () => {});
  greet(parts, socket);
  parts.sessions.watch(socket);
  // As a middleware that never calls `next`: the event names of clients never reach an EventEmitter, where `error`
  // or `connect` have a meaning of their own.
  socket.use(packet => {
    const [name, ...args] = packet as [unknown, ...unknown[]];
    const ack = typeof args.at(-1) === 'function' ? (args.pop() as (reply: object) => void) : null;
    const asked = { raw: args[0], requestId: randomToken(), locale: socket.data.locale, ack };
    const handler = typeof name === 'string' ? handlers.get(name) : undefined;
    if (!handler && name !== RENEW_EVENT) return refuse(parts, asked, new AppError('unknown_event'));
    const wrong = wrongPayload(packet, args);
    if (wrong) return refuse(parts, asked, wrong);
    if (!handler) return void answer(parts, socket, asked, () => parts.sessions.renew(socket, asked.raw));
    const task = () => answer(parts, socket, asked, () => handler.run(callOf(socket, asked)));
    if (handler.operation.volatile) return void task();
    if (!queue.add(handler.operation, task))
      refuse(parts, asked, new AppError('rate_limited', { retry_after_ms: 1_000 }));
  });
}

function greet({ cluster }: Parts, socket: ClientSocket): void {
  const { actor } = socket.data;
  socket.emit(sessionEvents.ready.name, {
    user_id: actor.userId,
    session_id: actor.sessionId,
    connection_id: socket.id,
    server_time: new Date().toISOString(),
    protocol: PROTOCOL.max,
    token_expires_at: actor.tokenExpiresAt.toISOString(),
    limits: sessionLimits,
    degraded: cluster.degraded(),
  });
}

function wrongPayload(packet: object, args: readonly unknown[]): AppError | null {
  if (frameBytes(packet) > sessionLimits.event_bytes)
    return new AppError('payload_too_large', { max_bytes: sessionLimits.event_bytes });
  const code =
    args.length !== 1 || !isPlainObject(args[0]) ? 'invalid_type' : isTooComplex(args[0]) ? 'too_complex' : null;
  return code && new AppError('validation_failed', { fields: [{ path: '', code }] });
}

interface Asked {
  raw: unknown;
  requestId: string;
  locale: Locale;
  ack: ((reply: object) => void) | null;
}

function callOf(socket: ClientSocket, { raw, requestId }: Asked) {
  const { address, headers } = socket.handshake;
  const userAgent = headers['user-agent']?.slice(0, 300) ?? null;
  return { actor: socket.data.actor, raw, requestId, now: new Date(), ip: address, userAgent, connection: socket.id };
}

/** Runs the operation and acknowledges; never rejects. */
async function answer(parts: Parts, socket: ClientSocket, asked: Asked, run: () => Promise<unknown>): Promise<void> {
  if (!socket.connected) return;
  try {
    const data = await within(ACK_TIMEOUT_MS, run());
    asked.ack?.({ ok: true, data });
  } catch (thrown) {
    refuse(parts, asked, asAppError(thrown));
  }
}

function refuse({ log }: Parts, { ack, requestId, locale }: Asked, error: AppError): void {
  if (error.code === 'internal' || error.code === 'unavailable')
    log.error({ request_id: requestId, err: error.cause ?? error }, error.code);
  ack?.({ ok: false, error: presentError(error, requestId, describeError(error.code, error.details, locale).detail) });
}

/** After the limit the outcome is unknown, so the caller is told `unavailable` and may repeat. */
async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new AppError('unavailable')), limitMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
