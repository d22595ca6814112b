import type { Logger } from 'pino';
import type { Config } from '../../config.ts';
import type { Authenticate } from '../auth.ts';
import { AppError } from '../errors.ts';
import type { Cluster } from '../redis.ts';
import { Renewal, type RevokeReason, sessionEvents } from '../session.ts';
import type { ClientSocket } from './handshake.ts';

/** Which of these sessions have ended, and why; accounts reads it from their rows. */
export type FindEnded = (sessionIds: readonly string[]) => Promise<{ id: string; reason: RevokeReason }[]>;

/** The sessions behind the sockets of this instance (realtime.md, section 10). */
export interface SocketSessions {
  /** Watches a socket until it closes: warns before its token expires, and ends it after that. */
  watch(socket: ClientSocket): void;
  /** `auth:renew`: the same user and session with a newer token, for all namespaces of the connection. */
  renew(socket: ClientSocket, raw: unknown): Promise<{ token_expires_at: string }>;
  /** Tells and cuts every socket of these sessions, here at once and on all other instances within a second. */
  end(sessionIds: readonly string[], reason: RevokeReason): void;
  close(): void;
}

interface Parts {
  config: Config;
  log: Logger;
  authenticate: Authenticate;
  cluster: Cluster;
  findEnded: FindEnded;
  /** What is remembered of a session holds no more: with it a new socket would be let in that nobody cuts. */
  forgetSession(sessionId: string): void;
}

const WARNING_MS = 60_000;
const GRACE_MS = 30_000;
/** A lost word of another instance, or a change that no instance made (the CLI), is noticed by then. */
const SWEEP_MS = 15_000;
const MAX_TIMER_MS = 2 ** 31 - 1;
const CHANNEL = 'parthub:sessions-ended';

export function createSocketSessions(parts: Parts): SocketSessions {
  const { config, cluster } = parts;
  const scale = config.TEST_TIME_SCALE;
  const bySession = new Map<string, Set<ClientSocket>>();
  const { arm, disarm } = createDeadlines(scale);

  function endHere(sessionIds: readonly string[], reason: RevokeReason): void {
    for (const id of sessionIds) {
      parts.forgetSession(id);
      for (const socket of [...(bySession.get(id) ?? [])]) cut(socket, reason);
    }
  }

  async function sweep(): Promise<void> {
    if (bySession.size === 0) return;
    try {
      for (const { id, reason } of await parts.findEnded([...bySession.keys()])) endHere([id], reason);
    } catch (error) {
      parts.log.warn({ err: error }, 'sessions of sockets not checked');
    }
  }

  cluster.subscribe(CHANNEL, message => {
    const { ids, reason } = JSON.parse(message) as { ids: string[]; reason: RevokeReason };
    endHere(ids, reason);
  });
  const sweeper = setInterval(() => void sweep(), SWEEP_MS / scale).unref();

  return {
    watch(socket) {
      const { sessionId } = socket.data.actor;
      const sockets = bySession.get(sessionId) ?? new Set();
      bySession.set(sessionId, sockets.add(socket));
      arm(socket);
      socket.once('disconnect', () => {
        disarm(socket);
        sockets.delete(socket);
        if (sockets.size === 0) bySession.delete(sessionId);
      });
    },
    async renew(socket, raw) {
      const given = Renewal.safeParse(raw);
      if (!given.success)
        throw new AppError('validation_failed', { fields: [{ path: 'token', code: 'invalid_type' }] });
      const { userId, sessionId } = socket.data.actor;
      const actor = await parts.authenticate(given.data.token, new Date());
      if (actor.userId !== userId || actor.sessionId !== sessionId) throw new AppError('identity_mismatch');
      for (const sibling of bySession.get(sessionId) ?? []) {
        if (sibling.conn !== socket.conn) continue;
        sibling.data.actor = actor;
        arm(sibling);
      }
      return { token_expires_at: actor.tokenExpiresAt.toISOString() };
    },
    end(ids, reason) {
      endHere(ids, reason);
      cluster.publish(CHANNEL, JSON.stringify({ ids, reason }));
    },
    close: () => clearInterval(sweeper),
  };
}

/** The warning and the end that a socket's present token brings about. */
function createDeadlines(scale: number): { arm(socket: ClientSocket): void; disarm(socket: ClientSocket): void } {
  const timers = new WeakMap<ClientSocket, NodeJS.Timeout>();
  const warn = (socket: ClientSocket) => {
    const { tokenExpiresAt } = socket.data.actor;
    const leftMs = tokenExpiresAt.getTime() - Date.now();
    socket.emit(sessionEvents.expiring.name, { expires_at: tokenExpiresAt.toISOString(), in_ms: Math.max(0, leftMs) });
    timers.set(
      socket,
      later(leftMs + GRACE_MS / scale, () => cut(socket, 'token_expired')),
    );
  };
  const disarm = (socket: ClientSocket) => clearTimeout(timers.get(socket));
  return {
    disarm,
    arm(socket) {
      disarm(socket);
      const leftMs = socket.data.actor.tokenExpiresAt.getTime() - Date.now();
      timers.set(
        socket,
        later(leftMs - WARNING_MS / scale, () => warn(socket)),
      );
    },
  };
}

/** From here on nothing of the socket is served, queued events included, and nothing reaches it. */
function cut(socket: ClientSocket, reason: RevokeReason): void {
  socket.emit(sessionEvents.revoked.name, { reason });
  socket.disconnect(true);
}

function later(ms: number, run: () => void): NodeJS.Timeout {
  return setTimeout(run, Math.min(Math.max(0, ms), MAX_TIMER_MS)).unref();
}
