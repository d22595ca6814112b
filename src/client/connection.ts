import { Manager, type Socket } from 'socket.io-client';
import type { SessionEvents } from './contract.ts';
import type { Err } from './errors.ts';
import { type Observable, observe } from './observable.ts';
import { backoffMs, type Wait, wait } from './timers.ts';
import type { Session } from './tokens.ts';

export interface ConnectionState {
  /** `refused`: not with this account, protocol or origin; `error` says why. */
  state: 'offline' | 'connecting' | 'online' | 'refused';
  error: Err | null;
  /** What does not work at the moment: other instances, presence. */
  degraded: SessionEvents['session:ready']['degraded'];
}

export interface Connection {
  state: Observable<ConnectionState>;
  chat: Socket;
  presence: Socket;
  notifications: Socket;
  /** Also at once when it waits for its next try: the application came back to the front. */
  open(): void;
  close(): void;
}

interface Options {
  url: string;
  session: Session;
  handshake: () => Promise<object>;
  wait?: Wait | undefined;
  random?: (() => number) | undefined;
}

const RECONNECT_MS = 1_000;
/** When everything was away for long, nobody waits for longer once it is back. */
const RECONNECT_MOST_MS = 5_000;
/** Half as much more or less. */
const JITTER = 0.5;
const renewable = new Set<Err['code']>(['token_expired', 'token_invalid']);
const ended = new Set<Err['code']>(['session_revoked', 'session_expired', 'account_blocked', 'auth_required']);

/** One WebSocket with three namespaces that comes back by itself, with a fresh token, for as long as the session lives. */
export function createConnection(options: Options): Connection {
  const { session, handshake, random = Math.random, wait: after = wait } = options;
  const manager = new Manager(options.url, {
    transports: ['websocket'],
    autoConnect: false,
    // A cut between the upgrade and the handshake is noticed by this alone.
    timeout: 8_000,
    reconnectionDelay: RECONNECT_MS,
    reconnectionDelayMax: RECONNECT_MOST_MS,
  });
  let held: ConnectionState = { state: 'offline', error: null, degraded: [] };
  const state = observe(() => held);
  const cancels = new Set<() => void>();
  const failures = new Map<Socket, number>();
  let token: string | null = null;
  /** Of which login it is, if that is known. */
  let login: string | null = null;
  let isWanted = false;

  function become(changed: Partial<ConnectionState>): void {
    held = { ...held, error: null, ...changed };
    state.changed();
  }

  /** Without a token there is nothing to say: the transport is closed, and opened again later by its own back-off. */
  async function introduce(answer: (auth: object) => void): Promise<void> {
    const { engine } = manager;
    // The next transport has asked for itself.
    const isLate = () => manager.engine !== engine;
    try {
      const [origin, access] = [await session.login(), await session.access()];
      const about = access !== null && (await handshake());
      if (isLate()) return;
      if (!about) return void (await session.end('auth_required'));
      [token, login] = [access, origin];
      answer({ token, protocol: 1, ...about });
    } catch {
      if (!isLate()) engine.close();
    }
  }

  const sockets = ['/chat', '/presence', '/notifications'].map(namespace =>
    manager.socket(namespace, { auth: answer => void introduce(answer) }),
  ) as [Socket, Socket, Socket];

  /** Not one that comes by itself: who asks twice gets two sockets on one connection. */
  function join(socket: Socket): void {
    if (!socket.active) socket.connect();
  }

  function later(delayMs: number, then: () => void): void {
    const cancel = after(delayMs, () => {
      cancels.delete(cancel);
      if (isWanted) then();
    });
    cancels.add(cancel);
  }

  const again = (socket: Socket, delayMs: number) => later(delayMs, () => join(socket));

  function countFailure(socket: Socket): number {
    const count = (failures.get(socket) ?? 0) + 1;
    failures.set(socket, count);
    return count;
  }

  async function renewAndConnect(socket: Socket): Promise<void> {
    const next = await session.renew(token).catch(() => undefined);
    if (next === null) return end(socket, 'auth_required');
    const count = failures.get(socket) ?? 0;
    again(socket, next === undefined || count > 1 ? backoffMs(count, random) : 0);
  }

  async function end(socket: Socket, reason: string): Promise<void> {
    await session.end(reason, login).catch(() => {});
    // Still wanted: another tab has logged in since then.
    if (isWanted) again(socket, backoffMs(countFailure(socket), random));
  }

  function refused(socket: Socket, error: Err): void {
    const count = countFailure(socket);
    if (renewable.has(error.code)) void renewAndConnect(socket);
    else if (ended.has(error.code)) void end(socket, error.code);
    else if (error.retryable || error.code === 'internal')
      again(socket, error.retry_after_ms ?? backoffMs(count, random));
    else if (socket === sockets[0]) become({ state: 'refused', error });
  }

  function revoked(socket: Socket, reason: string): void {
    if (reason !== 'token_expired') void end(socket, reason);
    else void renewAndConnect(socket);
  }

  /** Counts for all namespaces of the connection; each of them asks, and one renewal serves them all. */
  async function renewInPlace(socket: Socket, stale: string | null, tries = 0): Promise<void> {
    const { id } = socket;
    // The next connection asks for a token of its own.
    const isStill = () => id !== undefined && socket.id === id;
    const next = await session.renew(stale).catch(() => undefined);
    if (next === null || !isStill()) return;
    if (next === undefined)
      return later(backoffMs(tries, random), () => isStill() && void renewInPlace(socket, stale, tries + 1));
    token = next;
    socket
      .timeout(10_000)
      .emitWithAck('auth:renew', { token })
      .catch(() => {});
  }

  function watch(socket: Socket): void {
    let isRevoked = false;
    socket.on('connect', () => {
      isRevoked = false;
    });
    socket.on('connect_error', error => {
      const { data } = error as Error & { data?: Err };
      if (data?.code) refused(socket, data);
    });
    socket.on('session:revoked', ({ reason }: SessionEvents['session:revoked']) => {
      isRevoked = true;
      revoked(socket, reason);
    });
    socket.on('session:ready', () => failures.delete(socket));
    socket.on('session:expiring', () => void renewInPlace(socket, token));
    socket.on('server:draining', ({ reconnect }: SessionEvents['server:draining']) => {
      // As announced, and not half as much more.
      manager.randomizationFactor(0);
      manager.reconnectionDelay(Math.max(1, reconnect.min_delay_ms + random() * (reconnect.max_delay_ms - reconnect.min_delay_ms))); // biome-ignore format: one line reads better
    });
    socket.on('disconnect', reason => {
      // Socket.IO comes back by itself but from this.
      if (reason === 'io server disconnect' && !isRevoked) again(socket, backoffMs(countFailure(socket) - 1, random));
    });
  }
  sockets.forEach(watch);
  sockets[0].on('session:ready', ({ degraded }: SessionEvents['session:ready']) => {
    manager.randomizationFactor(JITTER);
    manager.reconnectionDelay(RECONNECT_MS);
    become({ state: 'online', degraded });
  });
  sockets[0].on('disconnect', () => become({ state: isWanted ? 'connecting' : 'offline' }));

  function close(): void {
    isWanted = false;
    for (const cancel of cancels) cancel();
    cancels.clear();
    for (const socket of sockets) socket.disconnect();
    become({ state: 'offline' });
  }

  return {
    state,
    ...{ chat: sockets[0], presence: sockets[1], notifications: sockets[2] },
    open() {
      // A pending back-off ends with the sockets that wait for it.
      if (isWanted && held.state === 'connecting') for (const socket of sockets) socket.disconnect();
      isWanted = true;
      if (held.state === 'offline') become({ state: 'connecting' });
      sockets.forEach(join);
    },
    close,
  };
}
