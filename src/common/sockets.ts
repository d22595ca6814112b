import type { Server as HttpServer } from 'node:http';
import type { Logger } from 'pino';
import { type Namespace as IoNamespace, type Socket as IoSocket, Server } from 'socket.io';
import { type ServerOptions, WebSocketServer } from 'ws';
import type { z } from 'zod';
import type { Config } from '../config.ts';
import type { Push } from './announcements.ts';
import type { Authenticate } from './auth.ts';
import type { Budgets } from './budgets.ts';
import type { Actor, UseCase } from './context.ts';
import { asAppError } from './database.ts';
import { AppError } from './errors.ts';
import type { Executor, Run } from './execute.ts';
import type { Metrics } from './metrics.ts';
import type { Contract, EventDeclaration, Namespace, Operation } from './operations.ts';
import type { Cluster } from './redis.ts';
import { sessionEvents } from './session.ts';
import { ensureShape } from './shapes.ts';
import { createAudience } from './sockets/audience.ts';
import { createConnectionCount } from './sockets/connection-count.ts';
import { forgetRequest } from './sockets/connections.ts';
import { createDelivery } from './sockets/delivery.ts';
import { closeAll, letGo } from './sockets/drain.ts';
import { countElsewhere } from './sockets/elsewhere.ts';
import { createGate } from './sockets/gate.ts';
import { createGuard } from './sockets/guard.ts';
import { admit, type ClientSocket, endJoining, refusal, startJoining } from './sockets/handshake.ts';
import { parser } from './sockets/parser.ts';
import { type Handlers, serve, unserve } from './sockets/serve.ts';
import { createSocketSessions, type FindEnded, type SocketSessions } from './sockets/sessions.ts';
import { isAllowedUpgrade, leaveRequests } from './sockets/upgrades.ts';
import { writeOncePerTurn } from './sockets/writes.ts';

interface Parts {
  config: Config;
  log: Logger;
  executor: Executor;
  authenticate: Authenticate;
  cluster: Cluster;
  findEnded: FindEnded;
  forgetSession(sessionId: string): void;
  budgets: Budgets;
  metrics: Metrics;
}

/** `connection` is what the calls of the socket have under this name. */
type SocketListener = (connection: string, actor: Actor) => void | Promise<void>;

/** One namespace of the socket door. */
export interface Gateway {
  /** Serves an operation at its `socket` event. */
  handle<O extends Operation>(operation: O, useCase: UseCase<O>): void;
  /** Runs when a socket of this namespace has been greeted. */
  onConnect(listener: SocketListener): void;
  /** Runs when a socket of this namespace is gone. */
  onDisconnect(listener: SocketListener): void;
  /** Users with a socket of this namespace on this instance. */
  users(): Iterable<string>;
  /** Whether this user has one. */
  has(userId: string): boolean;
  /** To one socket of this instance; nothing if it is gone. */
  emitTo<Schema extends z.ZodType>(
    connection: string,
    event: EventDeclaration<Schema>,
    payload: z.output<Schema>,
  ): void;
  /** Like `push`, to sockets of this instance alone. */
  pushHere: Push;
}

export interface SocketDoor {
  /** Opens the namespace of a contract: its operations come in there, its events go out there. */
  open(contract: Contract & { namespace: Namespace }): Gateway;
  push: Push;
  /** Whether this user has a connection to any instance. Asks Redis, so it is nothing for the path of a request. */
  isConnected(userId: string): Promise<boolean>;
  /** Tells and cuts the sockets of sessions that have ended. */
  endSessions: SocketSessions['end'];
  attach(server: HttpServer): void;
  /** Resolves once everything is done that connects and disconnects have caused. */
  settled(): Promise<void>;
  /** Sockets of each namespace, and connections. */
  counts(): Record<string, number>;
  /** Tells every client to come back elsewhere, then closes their connections spread over the window. */
  drain(windowMs: number): Promise<void>;
}

const MAX_FRAME_BYTES = 65_536;
/** A message of the largest size in pieces of half a kilobyte; the library takes 16,384 empty ones and more. */
const MAX_FRAGMENTS = 128;

/** The socket door (realtime.md, sections 2, 3 and 10): handshake, acks, order, sessions. */
export function createSocketDoor(parts: Parts): SocketDoor {
  const { cluster, config, executor, budgets, metrics } = parts;
  const io = createServer(parts);
  const namespaces = new Map<Namespace, IoNamespace>();
  const namespaceOf = new Map<string, Namespace>();
  const audience = createAudience();
  const delivery = createDelivery(audience, namespaceOf, cluster);
  const elsewhere = countElsewhere(config, cluster);
  const connections = createConnectionCount(config, budgets, elsewhere, delivery);
  const gate = createGate();
  const guard = createGuard(io, config, metrics.cut);
  const sessions = createSocketSessions(parts);
  const served = { ...parts, audience, sessions };
  const isChecked = parts.config.NODE_ENV === 'test';
  const settling = new Set<Promise<void>>();
  let isDraining = false;
  io.of('/').use((_socket, next) => next(refusal(new AppError('namespace_unknown'))));

  function letIn(socket: ClientSocket, next: (error?: Error) => void): void {
    if (isDraining) {
      // What it asks for it gets elsewhere alone, so its turn is now: it would be refused for the whole window.
      void letGo(socket.conn);
      return void refuse(next, new AppError('server_draining', { retry_after_ms: 1_000 }));
    }
    if (!startJoining(socket)) return;
    admit({ ...parts, connections, gate }, socket).then(
      () => {
        metrics.handshake('ok');
        next();
      },
      error => {
        endJoining(socket);
        refuse(next, asAppError(error));
      },
    );
  }

  function refuse(next: (error: Error) => void, error: AppError): void {
    metrics.handshake(error.code);
    next(refusal(error));
  }

  function tell(listener: SocketListener, { id, data }: ClientSocket): void {
    const done = Promise.try(listener, id, data.actor)
      .catch(error => parts.log.warn({ err: error }, 'connect or disconnect'))
      .finally(() => settling.delete(done));
    settling.add(done);
  }

  return {
    open(contract) {
      const namespace = io.of(contract.namespace) as unknown as IoNamespace;
      namespaces.set(contract.namespace, namespace);
      for (const event of Object.values(contract.events ?? {})) namespaceOf.set(event.name, contract.namespace);
      const handlers: Handlers = new Map();
      namespace.use((socket, next) => letIn(socket as ClientSocket, next));
      const [arriving, leaving]: [SocketListener[], SocketListener[]] = [[], []];
      // One function for all sockets, since there may be very many.
      const leave = function (this: IoSocket): void {
        unserve(served, this as ClientSocket);
        for (const listener of leaving) tell(listener, this as ClientSocket);
      };
      namespace.on('connection', socket => {
        serve(served, handlers, socket as ClientSocket);
        socket.on('disconnect', leave);
        for (const listener of arriving) tell(listener, socket as ClientSocket);
      });
      return {
        handle(operation, useCase) {
          const run = executor.bind(operation, useCase) as Run<Operation>;
          const { socket } = operation;
          if (socket) handlers.set(socket, { operation, run, acked: metrics.acked(socket) });
        },
        onConnect: listener => void arriving.push(listener),
        onDisconnect: listener => void leaving.push(listener),
        emitTo(connection, event, payload) {
          if (isChecked) ensureShape(event.schema, payload, event.name);
          namespace.sockets.get(connection)?.emit(event.name, payload);
        },
        has: userId => audience.has(contract.namespace, userId),
        users: () => audience.users(contract.namespace),
        pushHere: announcements => delivery.pushHere(contract.namespace, announcements),
      };
    },
    push: delivery.push,
    isConnected: async userId => connections.has(userId) || delivery.isFollowed(userId),
    endSessions: sessions.end,
    attach(server) {
      leaveRequests(server, () => io.attach(server));
      io.engine.prependListener('connection', forgetRequest);
      io.engine.prependListener('connection', writeOncePerTurn);
    },
    counts: () => ({
      connection: guard.connections(),
      ...Object.fromEntries([...namespaces].map(([name, { sockets }]) => [name, sockets.size])),
    }),
    settled: async () => void (await Promise.all(settling)),
    async drain(windowMs) {
      isDraining = true;
      tellDraining(namespaces.values());
      await closeAll(io, windowMs);
      sessions.close();
      elsewhere.close();
      guard.close();
      gate.close();
    },
  };
}

function createServer({ config }: Parts): Server {
  return new Server({
    transports: ['websocket'],
    maxHttpBufferSize: MAX_FRAME_BYTES,
    perMessageDeflate: false,
    httpCompression: false,
    serveClient: false,
    wsEngine: boundedWebSockets,
    pingInterval: 25_000 / config.TEST_TIME_SCALE,
    pingTimeout: 20_000 / config.TEST_TIME_SCALE,
    parser,
    allowRequest: (request, done) => done(null, isAllowedUpgrade(config, request)),
  });
}

function boundedWebSockets(options: ServerOptions): WebSocketServer {
  return new WebSocketServer({ ...options, maxFragments: MAX_FRAGMENTS });
}

/** Connections are closed spread over the window: who is closed need not wait long as well. */
const RECONNECT_WITHIN_MS = 1_000;

function tellDraining(namespaces: Iterable<IoNamespace>): void {
  const reconnect = { min_delay_ms: 0, max_delay_ms: RECONNECT_WITHIN_MS };
  for (const namespace of namespaces) namespace.emit(sessionEvents.draining.name, { reconnect });
}
