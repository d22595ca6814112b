import type { Config } from '../../config.ts';
import type { Budgets } from '../budgets.ts';
import { AppError } from '../errors.ts';
import { type LimitState, relaxed } from '../limits.ts';
import type { Metrics } from '../metrics.ts';
import type { Limit } from '../operations.ts';
import { eventLimit, sessionEvents } from '../session.ts';
import type { EventCall } from './call.ts';
import { type Connection, stateOf } from './connections.ts';
import { createExcess, type Excess } from './excess.ts';

interface Parts {
  config: Config;
  budgets: Budgets;
  metrics: Metrics;
}

/** Above three times a limit for so long: no mistake any more. */
const PATIENCE_MS = 30_000;

/** All events of a connection have one budget, whatever they are. `limits`: what else the event counts for. */
export function refusalOfTraffic(parts: Parts, call: EventCall, limits: readonly Limit[] = []): AppError | null {
  const { conn } = call.socket;
  const { id, isLeaving, excess } = stateOf(conn);
  if (isLeaving) return new AppError('server_draining', { retry_after_ms: 1_000 });
  if (excess) countAsked(excess, call, limits);
  const { isRefused, retryAfterMs } = parts.budgets.spend(eventLimit, id);
  if (!isRefused) return null;
  noteRefusal(parts, conn, { ...eventLimit, points: relaxed(parts.config, eventLimit.points) });
  return new AppError('rate_limited', { retry_after_ms: retryAfterMs });
}

/** A limit of a field counts only calls that have it. */
function countAsked(excess: Excess, { raw, arrivedAt }: EventCall, limits: readonly Limit[]): void {
  excess.ask(eventLimit.name, arrivedAt);
  for (const { name, field } of limits)
    if (field === undefined || Object.hasOwn(Object(raw), field)) excess.ask(name, arrivedAt);
}

/** After 30 s above three times a limit: told and cut. It may come back, and has its limits then too. */
export function noteRefusal(
  { config, metrics }: Pick<Parts, 'config' | 'metrics'>,
  connection: Connection,
  limit: Pick<LimitState, 'name' | 'points' | 'windowSec'>,
): void {
  const state = stateOf(connection);
  state.excess ??= createExcess();
  const isTooMuch = state.excess.refuse(limit, performance.now(), PATIENCE_MS / config.TEST_TIME_SCALE);
  if (!isTooMuch || state.isLeaving) return;
  state.isLeaving = true;
  metrics.cut('flood');
  for (const socket of state.sockets) socket.emit(sessionEvents.exceeded.name, { retry_after_ms: 30_000 });
  connection.close();
}
