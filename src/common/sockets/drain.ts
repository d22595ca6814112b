import { setTimeout as pause } from 'node:timers/promises';
import type { Server } from 'socket.io';
import { type Connection, stateOf, terminate } from './connections.ts';
import { connectionsOf } from './guard.ts';

const FINISH_MS = 5_000;
const CLOSE_MS = 2_000;
const LOOK_EVERY_MS = 10;
/** What is on its way when a connection begins to leave is still answered. */
const GRACE_MS = 100;

/**
 * Closes all connections, spread over the window. Each is let finish what it has begun, and begins nothing more: what is
 * sent meanwhile is answered `server_draining` and sent again elsewhere. What does not end within 5 s, or is not taken by
 * its reader within 2 s more, is cut.
 */
export async function closeAll(io: Server, windowMs: number): Promise<void> {
  const open = connectionsOf(io);
  const pauseMs = windowMs / Math.max(open.length, 1);
  const leaving: Promise<void>[] = [];
  for (const connection of open) {
    leaving.push(letGo(connection, windowMs > 0 ? GRACE_MS : 0));
    if (pauseMs > 0) await pause(pauseMs);
  }
  await Promise.all(leaving);
  // Those who came meanwhile, and were refused.
  for (const connection of connectionsOf(io)) terminate(connection);
}

/** `close` and not `disconnect`: a client then comes back by itself. */
export async function letGo(connection: Connection, graceMs = GRACE_MS): Promise<void> {
  const state = stateOf(connection);
  state.isLeaving = true;
  const deadline = performance.now() + FINISH_MS;
  if (graceMs > 0) await pause(graceMs);
  while (state.running > 0 && performance.now() < deadline) await pause(LOOK_EVERY_MS);
  connection.close();
  // A reader that has stopped never takes what is still to be written.
  const patience = performance.now() + CLOSE_MS;
  while (isOpen(connection) && performance.now() < patience) await pause(LOOK_EVERY_MS);
  if (isOpen(connection)) terminate(connection);
}

const isOpen = ({ readyState }: Connection) => readyState !== 'closed';
