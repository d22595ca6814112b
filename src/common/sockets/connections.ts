import type { TLSSocket } from 'node:tls';
import type { Socket } from 'socket.io';
import type { Actor } from '../context.ts';
import type { Excess } from './excess.ts';

export type Connection = Socket['conn'];

/** What all namespaces of one connection share. */
export interface ConnectionState {
  /** The name of its budgets. */
  id: string;
  /** Sockets of namespaces that are joined. */
  sockets: Set<Pick<Socket, 'emit'>>;
  /** Namespaces that are being joined, with which token and since when. */
  joining: { namespace: string; token: unknown; since: number }[];
  /** Events being handled. */
  running: number;
  /** It is being closed: nothing more is begun. */
  isLeaving: boolean;
  refusedHandshakes: number;
  /** Who joined or renewed last, with the latest token of a session. */
  actor: Actor | null;
  /** Of all its namespaces, without the token. */
  handshake: Socket['handshake'] | null;
  /** Once it has asked for too much. */
  excess: Excess | null;
}

const states = new WeakMap<Connection, ConnectionState>();
let lastId = 0;

export function stateOf(connection: Connection): ConnectionState {
  let state = states.get(connection);
  if (!state) {
    lastId += 1;
    state = {
      ...{ id: String(lastId), sockets: new Set(), joining: [], running: 0, isLeaving: false },
      ...{ refusedHandshakes: 0, actor: null, handshake: null, excess: null },
    };
    states.set(connection, state);
  }
  return state;
}

/**
 * Of the request that has opened a connection each namespace looks at a few headers again; all the rest of it is let go. The
 * library refers to it as long as the connection lasts, so it is emptied as well.
 */
export function forgetRequest(connection: Connection): void {
  const { request } = connection;
  const { headers, url, socket } = request;
  const kept = ['origin', 'host', 'user-agent', 'x-forwarded-for'].flatMap(name =>
    name in headers ? [[name, headers[name]]] : [],
  );
  const { encrypted = false } = socket as TLSSocket;
  Object.assign(connection, { request: { url, headers: Object.fromEntries(kept), connection: { encrypted } } });
  for (const key of Reflect.ownKeys(request)) Reflect.deleteProperty(request, key);
}

/**
 * Ends a connection without asking the other side, whose reading may have stopped: `close` would wait until everything
 * is written. Its client comes back by itself.
 */
export function terminate(connection: Connection): void {
  const { socket } = connection.transport as unknown as { socket?: { terminate(): void } };
  if (socket) socket.terminate();
  else connection.close(true);
}
