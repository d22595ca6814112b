import type { Logger } from 'pino';
import type { Config } from '../../config.ts';
import type { Budgets } from '../budgets.ts';
import { asAppError } from '../database.ts';
import { AppError, presentError } from '../errors.ts';
import type { RawCall, Run } from '../execute.ts';
import type { LimitState } from '../limits.ts';
import { describeError } from '../messages.ts';
import type { Metrics } from '../metrics.ts';
import type { Operation } from '../operations.ts';
import { isPlainObject, isTooComplex } from '../payload.ts';
import type { Cluster } from '../redis.ts';
import { limitsInForce, PROTOCOL, RENEW_EVENT, sessionEvents, sessionLimits } from '../session.ts';
import type { Audience } from './audience.ts';
import { EventCall } from './call.ts';
import { stateOf } from './connections.ts';
import { type ClientSocket, endJoining } from './handshake.ts';
import { isTooLarge } from './parser.ts';
import { createSocketQueue, type SocketQueue } from './queue.ts';
import type { SocketSessions } from './sessions.ts';
import { noteRefusal, refusalOfTraffic } from './traffic.ts';

export interface Handler {
  operation: Operation;
  run: Run<Operation>;
  acked: ReturnType<Metrics['acked']>;
}
export type Handlers = Map<string, Handler>;

export interface Parts {
  config: Config;
  log: Logger;
  cluster: Cluster;
  audience: Audience;
  sessions: SocketSessions;
  budgets: Budgets;
  metrics: Metrics;
}

/** Greets a socket and serves its events, in their order; nothing thrown here ends the process. */
export function serve(parts: Parts, handlers: Handlers, socket: ClientSocket): void {
  // Most namespaces of most connections only listen.
  let queue: SocketQueue<Task> | null = null;
  // Never behind the others, but in an order of their own: the last of them says how it is.
  let volatileQueue: SocketQueue<Task> | null = null;
  const state = stateOf(socket.conn);
  const since = endJoining(socket);
  state.sockets.add(socket);
  parts.audience.add(socket);
  greet(parts, socket);
  parts.sessions.watch(socket, since);
  const run = ({ call, handler }: Task) => answer(parts, call, handler);
  const reportLimit = (state: LimitState) => {
    if (state.isRefused) noteRefusal(parts, socket.conn, state);
  };
  // As a middleware that never calls `next`: the event names of clients never reach an EventEmitter, where `error`
  // or `connect` have a meaning of their own.
  socket.use(packet => {
    const name = packet[0] as unknown;
    const handler = typeof name === 'string' ? handlers.get(name) : undefined;
    const call = new EventCall(socket, packet, reportLimit);
    const wrong = refusalOfTraffic(parts, call, handler?.operation.limits) ?? (handler || name === RENEW_EVENT ? wrongPayload(packet, call) : new AppError('unknown_event')); // biome-ignore format: one line reads better
    if (wrong) return refuse(parts, call, wrong);
    if (!handler) return void answer(parts, call, { run: () => parts.sessions.renew(socket, call.raw) });
    const { volatile } = handler.operation;
    const order = (volatile ? volatileQueue : queue) ?? createSocketQueue(run);
    if (volatile) volatileQueue = order;
    else queue = order;
    if (!order.add({ call, handler })) refuse(parts, call, new AppError('rate_limited', { retry_after_ms: 1_000 }));
  });
}

/** Its socket is gone. */
export function unserve({ audience, sessions }: Pick<Parts, 'audience' | 'sessions'>, socket: ClientSocket): void {
  stateOf(socket.conn).sockets.delete(socket);
  audience.remove(socket);
  sessions.unwatch(socket);
}

function greet({ cluster, config }: Parts, socket: ClientSocket): void {
  const { actor } = socket.data;
  socket.emit(sessionEvents.ready.name, {
    user_id: actor.userId,
    session_id: actor.sessionId,
    connection_id: socket.id,
    server_time: new Date().toISOString(),
    protocol: PROTOCOL.max,
    token_expires_at: actor.tokenExpiresAt.toISOString(),
    limits: limitsInForce(config),
    degraded: cluster.degraded(),
  });
}

function wrongPayload(packet: readonly unknown[], { raw, ack }: EventCall): AppError | null {
  if (isTooLarge(packet)) return new AppError('payload_too_large', { max_bytes: sessionLimits.event_bytes });
  const payloads = packet.length - (ack ? 2 : 1);
  const code = payloads !== 1 || !isPlainObject(raw) ? 'invalid_type' : isTooComplex(raw) ? 'too_complex' : null;
  return code && new AppError('validation_failed', { fields: [{ path: '', code }] });
}

interface Task {
  call: EventCall;
  handler: Handler;
}

/** Runs the operation and acknowledges; never rejects. */
async function answer(
  parts: Parts,
  call: EventCall,
  { run, acked }: { run: (call: RawCall) => Promise<unknown>; acked?: Handler['acked'] },
): Promise<void> {
  if (!call.socket.connected) return;
  const state = stateOf(call.socket.conn);
  state.running += 1;
  try {
    const data = await run(call);
    call.ack?.({ ok: true, data });
  } catch (thrown) {
    refuse(parts, call, asAppError(thrown));
  } finally {
    state.running -= 1;
    acked?.((performance.now() - call.arrivedAt) / 1000);
  }
}

function refuse({ log }: Parts, { socket, ack, requestId }: EventCall, error: AppError): void {
  if (error.code === 'internal' || error.code === 'unavailable')
    log.error({ request_id: requestId, err: error.cause ?? error }, error.code);
  const { detail } = describeError(error.code, error.details, socket.data.locale);
  ack?.({ ok: false, error: presentError(error, requestId, detail) });
}
