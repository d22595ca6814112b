import type { ClientSocket } from './handshake.ts';

/** The sockets that have joined a namespace of this instance, by user. */
export interface Audience {
  add(socket: ClientSocket): void;
  remove(socket: ClientSocket): void;
  of(namespace: string, userId: string): Iterable<ClientSocket>;
  users(namespace: string): Iterable<string>;
  has(namespace: string, userId: string): boolean;
}

const nobody: ReadonlyMap<string, Set<ClientSocket>> = new Map();
const none: Iterable<ClientSocket> = [];

export function createAudience(): Audience {
  const byNamespace = new Map<string, Map<string, Set<ClientSocket>>>();
  const usersOf = (namespace: string) => byNamespace.get(namespace) ?? nobody;
  return {
    add(socket) {
      const { userId } = socket.data.actor;
      const users = byNamespace.get(socket.nsp.name) ?? new Map<string, Set<ClientSocket>>();
      byNamespace.set(socket.nsp.name, users.set(userId, (users.get(userId) ?? new Set()).add(socket)));
    },
    remove(socket) {
      const { userId } = socket.data.actor;
      const users = byNamespace.get(socket.nsp.name);
      const sockets = users?.get(userId);
      sockets?.delete(socket);
      if (sockets?.size === 0) users!.delete(userId);
    },
    of: (namespace, userId) => usersOf(namespace).get(userId) ?? none,
    users: namespace => usersOf(namespace).keys(),
    has: (namespace, userId) => usersOf(namespace).has(userId),
  };
}
