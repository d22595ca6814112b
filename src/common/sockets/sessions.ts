import type { Logger } from 'pino';
import type { Config } from '../../config.ts';
import type { Authenticate } from '../auth.ts';
import { AppError } from '../errors.ts';
import { fieldsOf } from '../input-issues.ts';
import type { Cluster } from '../redis.ts';
import { Renewal, type RevokeReason, sessionEvents } from '../session.ts';
import { type ClientSocket, sharedActor } from './handshake.ts';

/** Which of these sessions have ended, and why; accounts reads it from their rows. */
export type FindEnded = (sessionIds: readonly string[]) => Promise<{ id: string; reason: RevokeReason }[]>;

/** The sessions behind the sockets of this instance (realtime.md, section 10). */
export interface SocketSessions {
  /**
   * Watches a socket until it is gone: warns before its token expires, and ends it after that; at once, when its session
   * has ended since it asked to be let in.
   */
  watch(socket: ClientSocket, since: number): void;
  unwatch(socket: ClientSocket): void;
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
const LOOK_EVERY_MS = 1_000;
/** Longer than anybody waits to be let in. */
const REMEMBER_MS = 60_000;
const CHANNEL = 'parthub:sessions-ended';

export function createSocketSessions(parts: Parts): SocketSessions {
  const { config, cluster } = parts;
  const scale = config.TEST_TIME_SCALE;
  /** Of each socket whether it was warned. */
  const bySession = new Map<string, Map<ClientSocket, boolean>>();

  /** Whose rows may have been read before that by those who are being let in. */
  const endedLately = new Map<string, { reason: RevokeReason; at: number }>();

  function endHere(sessionIds: readonly string[], reason: RevokeReason): void {
    for (const id of sessionIds) {
      parts.forgetSession(id);
      endedLately.set(id, { reason, at: performance.now() });
      cut([...(bySession.get(id)?.keys() ?? [])], reason);
    }
  }

  async function sweep(): Promise<void> {
    for (const [id, { at }] of endedLately) if (performance.now() - at > REMEMBER_MS) endedLately.delete(id);
    if (bySession.size === 0) return;
    try {
      for (const { id, reason } of await parts.findEnded([...bySession.keys()])) endHere([id], reason);
    } catch (error) {
      parts.log.warn({ err: error }, 'sessions of sockets not checked');
    }
  }

  /** All sockets together: timers of their own would cost each of them more memory than everything else here. */
  function look(): void {
    const now = Date.now();
    for (const sockets of bySession.values()) {
      let hasExpired = false;
      for (const [socket, isWarned] of sockets) {
        const leftMs = leftMsOf(socket, now);
        if (leftMs <= -GRACE_MS / scale) hasExpired = true;
        else if (leftMs <= WARNING_MS / scale && !isWarned) {
          sockets.set(socket, true);
          warn(socket, leftMs);
        }
      }
      if (hasExpired) cutExpired([...sockets.keys()], now);
    }
  }

  /** With a socket ends its connection, and there the others of its session, though their tokens may be newer. */
  function cutExpired(sockets: readonly ClientSocket[], now: number): void {
    const expired = sockets.filter(socket => leftMsOf(socket, now) <= -GRACE_MS / scale);
    const ended = new Set(expired.map(({ conn }) => conn));
    cut(
      sockets.filter(({ conn }) => ended.has(conn)),
      'token_expired',
    );
  }

  cluster.subscribe(CHANNEL, message => {
    const { ids, reason } = JSON.parse(message) as { ids: string[]; reason: RevokeReason };
    endHere(ids, reason);
  });
  const timers = [setInterval(() => void sweep(), SWEEP_MS / scale), setInterval(look, LOOK_EVERY_MS / scale)];
  for (const timer of timers) timer.unref();

  return {
    watch(socket, since) {
      const { sessionId } = socket.data.actor;
      const sockets = bySession.get(sessionId) ?? new Map();
      bySession.set(sessionId, sockets.set(socket, false));
      const end = endedLately.get(sessionId);
      // Once all that its connecting begins has been begun, so that it is ended too.
      if (end && end.at >= since) setImmediate(cut, [socket], end.reason);
    },
    unwatch(socket) {
      const { sessionId } = socket.data.actor;
      const sockets = bySession.get(sessionId);
      sockets?.delete(socket);
      if (sockets?.size === 0) bySession.delete(sessionId);
    },
    async renew(socket, raw) {
      const given = Renewal.safeParse(raw);
      if (!given.success) throw new AppError('validation_failed', { fields: fieldsOf(given.error.issues, raw) });
      const { userId, sessionId } = socket.data.actor;
      const renewed = await parts.authenticate(given.data.token, new Date());
      if (renewed.userId !== userId || renewed.sessionId !== sessionId) throw new AppError('identity_mismatch');
      const actor = sharedActor(socket, renewed);
      const sockets = bySession.get(sessionId);
      for (const sibling of sockets?.keys() ?? []) {
        if (sibling.conn !== socket.conn) continue;
        sibling.data.actor = actor;
        sockets!.set(sibling, false);
      }
      return { token_expires_at: actor.tokenExpiresAt.toISOString() };
    },
    end(ids, reason) {
      endHere(ids, reason);
      cluster.publish(CHANNEL, JSON.stringify({ ids, reason }));
    },
    close() {
      for (const timer of timers) clearInterval(timer);
    },
  };
}

const leftMsOf = ({ data }: ClientSocket, now: number) => data.actor.tokenExpiresAt.getTime() - now;

function warn(socket: ClientSocket, leftMs: number): void {
  const expiresAt = socket.data.actor.tokenExpiresAt.toISOString();
  socket.emit(sessionEvents.expiring.name, { expires_at: expiresAt, in_ms: Math.max(0, leftMs) });
}

/**
 * From here on nothing of the sockets is served, queued events included, and nothing reaches them. All are told before the
 * first is cut, since that ends the connection which it may share with others.
 */
function cut(sockets: readonly ClientSocket[], reason: RevokeReason): void {
  for (const socket of sockets) {
    socket.data.isRevoked = true;
    socket.emit(sessionEvents.revoked.name, { reason });
  }
  for (const socket of sockets) socket.disconnect(true);
}
