import type { Server } from 'socket.io';
import type { Config } from '../../config.ts';
import type { CutReason } from '../metrics.ts';
import { type Connection, stateOf, terminate } from './connections.ts';

const LOOK_EVERY_MS = 1_000;
const SLOW_PACKETS = 1_000;
const SLOW_FOR_MS = 10_000;
const MAX_PACKETS = 5_000;
const MAX_BYTES = 4 * 1024 * 1024;
const NO_NAMESPACE_MS = 10_000;

interface Watched {
  slowSince?: number | undefined;
  lonelySince?: number | undefined;
}

export interface Guard {
  connections(): number;
  close(): void;
}

/**
 * Closes connections that would cost memory without end: readers that do not read (a paused one was seen to hold 71 MB),
 * and those that belong to no namespace.
 */
export function createGuard(io: Server, config: Config, onCut: (reason: CutReason) => void): Guard {
  const scale = config.TEST_TIME_SCALE;
  const watched = new WeakMap<Connection, Watched>();

  function reasonToCut(connection: Connection, now: number): CutReason | null {
    const packets = unwrittenOf(connection).length;
    const isLonely = stateOf(connection).sockets.size === 0;
    const bytes = bytesWaiting(connection);
    if (packets === 0 && bytes === 0 && !isLonely && !watched.has(connection)) return null;
    const seen = watched.get(connection) ?? {};
    watched.set(connection, seen);
    seen.slowSince = packets > SLOW_PACKETS ? (seen.slowSince ?? now) : undefined;
    seen.lonelySince = isLonely ? (seen.lonelySince ?? now) : undefined;
    const lasts = (since: number | undefined, limitMs: number) => since !== undefined && now - since > limitMs / scale;
    const isSlow = packets > MAX_PACKETS || bytes > MAX_BYTES || lasts(seen.slowSince, SLOW_FOR_MS);
    if (isSlow) return 'slow_reader';
    return lasts(seen.lonelySince, NO_NAMESPACE_MS) ? 'no_namespace' : null;
  }

  function look(): void {
    const now = performance.now();
    for (const connection of connectionsOf(io)) {
      const reason = reasonToCut(connection, now);
      if (!reason) continue;
      onCut(reason);
      terminate(connection);
    }
  }

  const timer = setInterval(look, LOOK_EVERY_MS / scale).unref();
  return { connections: () => io.engine?.clientsCount ?? 0, close: () => clearInterval(timer) };
}

export function connectionsOf(io: Server): Connection[] {
  const clients = (io.engine as unknown as { clients?: Record<string, Connection> } | undefined)?.clients;
  return Object.values(clients ?? {});
}

/** The engine's own list of what its transport has not taken yet. */
function unwrittenOf(connection: Connection): { data?: string | Buffer }[] {
  return (connection as unknown as { writeBuffer: { data?: string | Buffer }[] }).writeBuffer;
}

/** What waits in the engine, and what the operating system has not taken yet. */
function bytesWaiting(connection: Connection): number {
  const { socket } = connection.transport as unknown as { socket?: { bufferedAmount?: number } };
  let bytes = socket?.bufferedAmount ?? 0;
  for (const { data } of unwrittenOf(connection)) bytes += data?.length ?? 0;
  return bytes;
}
