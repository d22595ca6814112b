import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import { type DefaultEventsMap, type Namespace as IoNamespace, Server, type Socket } from 'socket.io';
import type { Config } from '../config.ts';
import type { Announcement, Push } from './announcements.ts';
import type { Authenticate } from './auth.ts';
import type { Actor, UseCase } from './context.ts';
import { asAppError } from './database.ts';
import { AppError, presentError } from './errors.ts';
import type { Executor, Run } from './execute.ts';
import { isAllowedHost } from './http.ts';
import { randomToken } from './ids.ts';
import type { Contract, Namespace, Operation } from './operations.ts';
import { isPlainObject, isTooComplex } from './payload.ts';
import type { Cluster } from './redis.ts';
import { Handshake, PROTOCOL, sessionEvents, sessionLimits } from './session.ts';
import { frameBytes, parser, refusalData } from './socket-parser.ts';
import { createSocketQueue } from './socket-queue.ts';

interface Parts {
  config: Config;
  log: Logger;
  executor: Executor;
  authenticate: Authenticate;
  cluster: Cluster;
}

interface SocketData {
  actor: Actor;
  deviceId: string | null;
}
type ClientSocket = Socket<DefaultEventsMap, DefaultEventsMap, DefaultEventsMap, SocketData>;

/** One namespace of the socket door. */
export interface Gateway {
  /** Serves an operation at its `socket` event. */
  handle<O extends Operation>(operation: O, useCase: UseCase<O>): void;
  /** Runs when a socket of this namespace is gone, with what its calls had as `connection`. */
  onDisconnect(listener: (connection: string, actor: Actor) => void | Promise<void>): void;
}

export interface SocketDoor {
  /** Opens the namespace of a contract: its operations come in there, its events go out there. */
  open(contract: Contract & { namespace: Namespace }): Gateway;
  push: Push;
  attach(server: HttpServer): void;
  /** Resolves once everything is done that disconnects have caused. */
  settled(): Promise<void>;
  /** Tells every client to come back elsewhere, then closes their connections spread over the window. */
  drain(windowMs: number): Promise<void>;
}

const ACK_TIMEOUT_MS = 10_000;
const MAX_FRAME_BYTES = 65_536;

/** The socket door (realtime.md, sections 2 and 3): handshake, acks, order. Nothing thrown here ends the process. */
export function createSocketDoor(parts: Parts): SocketDoor {
  const { config, cluster } = parts;
  const io: Server = new Server({
    transports: ['websocket'],
    maxHttpBufferSize: MAX_FRAME_BYTES,
    perMessageDeflate: false,
    httpCompression: false,
    serveClient: false,
    connectTimeout: 10_000 / config.TEST_TIME_SCALE,
    pingInterval: 25_000 / config.TEST_TIME_SCALE,
    pingTimeout: 20_000 / config.TEST_TIME_SCALE,
    parser,
    allowRequest: (request, done) => done(null, isAllowedUpgrade(config, request)),
    ...(cluster.adapter && { adapter: cluster.adapter }),
  });
  const namespaceOf = new Map<string, IoNamespace>();
  const connections = createConnectionCount(sessionLimits.connections);
  const leaving = new Set<Promise<void>>();
  let isDraining = false;
  io.of('/').use((_socket, next) => next(refusal(new AppError('namespace_unknown'))));

  return {
    open(contract) {
      const namespace = io.of(contract.namespace) as unknown as IoNamespace;
      for (const event of Object.values(contract.events ?? {})) namespaceOf.set(event.name, namespace);
      const handlers = new Map<string, { operation: Operation; run: Run<Operation> }>();
      namespace.use((socket, next) => {
        if (isDraining) return next(refusal(new AppError('server_draining')));
        admit(parts, connections, socket as ClientSocket).then(
          () => next(),
          error => next(refusal(asAppError(error))),
        );
      });
      namespace.on('connection', socket => serve(parts, handlers, socket as ClientSocket));
      return {
        handle(operation, useCase) {
          if (operation.socket)
            handlers.set(operation.socket, {
              operation,
              run: parts.executor.bind(operation, useCase) as Run<Operation>,
            });
        },
        onDisconnect(listener) {
          namespace.on('connection', socket =>
            socket.once('disconnect', () => {
              const { actor } = socket.data as SocketData;
              const done = Promise.try(listener, socket.id, actor)
                .catch(error => parts.log.warn({ err: error }, 'disconnect'))
                .finally(() => leaving.delete(done));
              leaving.add(done);
            }),
          );
        },
      };
    },
    push: announcements => {
      for (const one of announcements) pushOne(one, namespaceOf.get(one.name), cluster.isShared);
    },
    attach: server => void io.attach(server),
    settled: async () => void (await Promise.all(leaving)),
    async drain(windowMs) {
      isDraining = true;
      const reconnect = { min_delay_ms: 0, max_delay_ms: Math.min(windowMs, 5_000) };
      for (const namespace of new Set(namespaceOf.values()))
        namespace.local.emit(sessionEvents.draining.name, { reconnect });
      await closeStaggered(io, windowMs);
    },
  };
}

function isAllowedUpgrade(config: Config, request: IncomingMessage): boolean {
  const { host, origin } = request.headers;
  return isAllowedHost(config, host) && (origin === undefined || isAllowedOrigin(config, origin));
}

/** Socket.IO's `cors` option does not look at upgrades; a page of a foreign origin must not open one (row 70). */
function isAllowedOrigin(config: Config, origin: string): boolean {
  return config.CORS_ALLOWED_ORIGINS.includes(origin) || origin === new URL(config.PUBLIC_URL).origin;
}

function refusal(error: AppError): Error {
  const { message, data } = refusalData(error);
  return Object.assign(new Error(message), { data });
}

/** Who connects, and may they? Joins the user's rooms before `connect` is said. */
async function admit(
  { config, authenticate, cluster }: Parts,
  connections: ConnectionCount,
  socket: ClientSocket,
): Promise<void> {
  const { auth, headers } = socket.handshake;
  if (headers.origin !== undefined && !isAllowedOrigin(config, headers.origin)) throw new AppError('origin_forbidden');
  if (!isPlainObject(auth) || auth.token === undefined || auth.token === null || auth.token === '')
    throw new AppError('auth_required');
  if (typeof auth.token !== 'string') throw new AppError('token_invalid');
  if (auth.protocol !== undefined && auth.protocol !== PROTOCOL.max)
    throw new AppError('protocol_unsupported', { ...PROTOCOL });
  const actor = await authenticate(auth.token, new Date());
  connections.take(actor.userId, socket);
  const { device_id } = Handshake.partial().safeParse(auth).data ?? {};
  socket.data = { actor, deviceId: device_id ?? null };
  await socket.join([`user:${actor.userId}`, `session:${actor.sessionId}`]);
  await cluster.subscribed();
}

interface ConnectionCount {
  /** Counts the connection of this socket once, however many namespaces it joins; freed when it closes. */
  take(userId: string, socket: ClientSocket): void;
}

function createConnectionCount(max: number): ConnectionCount {
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

function serve(
  parts: Parts,
  handlers: ReadonlyMap<string, { operation: Operation; run: Run<Operation> }>,
  socket: ClientSocket,
): void {
  const { actor } = socket.data;
  const queue = createSocketQueue();
  // A malformed packet is reported here, and would be thrown if nobody listened.
  socket.on('error', () => {});
  socket.emit(sessionEvents.ready.name, {
    user_id: actor.userId,
    session_id: actor.sessionId,
    connection_id: socket.id,
    server_time: new Date().toISOString(),
    protocol: PROTOCOL.max,
    token_expires_at: actor.tokenExpiresAt.toISOString(),
    limits: sessionLimits,
    degraded: parts.cluster.degraded(),
  });
  // As a middleware that never calls `next`: the event names of clients never reach an EventEmitter, where `error`
  // or `connect` have a meaning of their own.
  socket.use(packet => {
    const [name, ...args] = packet as [unknown, ...unknown[]];
    const ack = typeof args.at(-1) === 'function' ? (args.pop() as (reply: object) => void) : null;
    const requestId = randomToken();
    const refuse = (error: AppError) => ack?.({ ok: false, error: presentError(error, requestId) });
    const handler = typeof name === 'string' ? handlers.get(name) : undefined;
    const wrong = !handler ? new AppError('unknown_event') : wrongPayload(packet, args);
    if (!handler || wrong) return refuse(wrong ?? new AppError('unknown_event'));
    const task = () => answer(parts, handler, socket, { raw: args[0], requestId, ack });
    if (handler.operation.volatile) return void task();
    if (!queue.add(handler.operation, task)) refuse(new AppError('rate_limited', { retry_after_ms: 1_000 }));
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
  ack: ((reply: object) => void) | null;
}

/** Runs the operation and acknowledges; never rejects. */
async function answer(
  { log }: Parts,
  { run }: { run: Run<Operation> },
  socket: ClientSocket,
  { raw, requestId, ack }: Asked,
): Promise<void> {
  if (!socket.connected) return;
  const { address, headers } = socket.handshake;
  const userAgent = headers['user-agent']?.slice(0, 300) ?? null;
  const call = {
    actor: socket.data.actor,
    raw,
    requestId,
    now: new Date(),
    ip: address,
    userAgent,
    connection: socket.id,
  };
  try {
    const data = await within(ACK_TIMEOUT_MS, run(call));
    ack?.({ ok: true, data });
  } catch (thrown) {
    const error = asAppError(thrown);
    if (error.code === 'internal' || error.code === 'unavailable')
      log.error({ request_id: requestId, err: error.cause ?? error }, error.code);
    ack?.({ ok: false, error: presentError(error, requestId) });
  }
}

/** After the limit the outcome is unknown, so the caller is told `unavailable` and may repeat. */
async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new AppError('unavailable')), limitMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** To the devices of each recipient. With several nodes one emit per user: only nodes that hold them then hear it. */
function pushOne({ name, payload, to }: Announcement, namespace: IoNamespace | undefined, isShared: boolean): void {
  if (!namespace || to.length === 0) return;
  const rooms = [...new Set(to)].map(userId => `user:${userId}`);
  if (isShared) for (const room of rooms) namespace.to(room).emit(name, payload);
  else namespace.to(rooms).emit(name, payload);
}

/** `conn.close()` and not `disconnect()`: a client then comes back by itself. */
async function closeStaggered(io: Server, windowMs: number): Promise<void> {
  const open = new Set(
    [...io._nsps.values()].flatMap(namespace => [...namespace.sockets.values()].map(socket => socket.conn)),
  );
  const pauseMs = windowMs / Math.max(open.size, 1);
  for (const conn of open) {
    conn.close();
    await new Promise(resolve => setTimeout(resolve, pauseMs));
  }
}
