import { p99, wholeMs } from '../conformance/stage.ts';
import type { Device } from './device.ts';
import type { Reach } from './fault.ts';
import type { Talk } from './history.ts';
import type { Attempt, Ledger } from './ledger.ts';
import type { Site } from './site.ts';

/** When what happened, by the monotonic clock. */
export interface Times {
  measuredFrom: number;
  inflictedAt: number;
  healedAt: number;
  endedAt: number;
}

/** What was measured; null where nothing of the kind happened. */
export interface Figures {
  acked: number;
  gapMs: number | null;
  reconnectMs: number | null;
  reconnects: number;
  answerMs: number | null;
  ackAgainMs: number | null;
  /** p99 of acks before the fault, and while it lasts. */
  ackBeforeMs: number | null;
  ackDuringMs: number | null;
  behindMs: number | null;
  notReadyMs: number | null;
  /** How often attempts were refused, by code. */
  refusals: Record<string, number>;
}

interface Measured {
  site: Site;
  talks: readonly Talk[];
  hit: ReadonlySet<Device>;
  ledger: Ledger;
  times: Times;
}

/** What fails in the moment of the end is still of the fault. */
export const AFTERMATH_MS = 2_000;

export function readFigures({ site, talks, hit, ledger, times }: Measured): Figures {
  const { measuredFrom, inflictedAt, healedAt, endedAt } = times;
  const { attempts, wanted } = ledger;
  const during = attempts.filter(one => one.answeredAt >= inflictedAt && one.at <= healedAt);
  const standing = during.filter(one => one.result !== 'cut');
  const own = attempts.filter(one => wanted.has(one.clientId) && !hit.has(one.device!));
  const absences = ledger.absences.filter(one => one.from >= inflictedAt && one.from < endedAt).map(one => one.ms);
  return {
    acked: attempts.filter(one => one.result === 'ok').length,
    gapMs: worst(talks.map(talk => longestGap(talk, hit, attempts, [inflictedAt, healedAt + AFTERMATH_MS]))),
    reconnectMs: p99(absences),
    reconnects: absences.length,
    answerMs: worst(standing.map(one => one.answeredAt - one.at)),
    ackAgainMs: worst(site.instances.map(one => firstAck(attempts.filter(({ instance, device }) => instance === one && !device), healedAt))), // biome-ignore format: one line reads better
    ackBeforeMs: p99(latencies(own, wanted, [measuredFrom, inflictedAt])),
    ackDuringMs: p99(latencies(own, wanted, [inflictedAt, healedAt])),
    behindMs: worst(talks.map(talk => furthestBehind(talk, attempts, [inflictedAt, healedAt + AFTERMATH_MS]))),
    notReadyMs: worst(site.instances.map(one => firstRefusal(site, one, inflictedAt, healedAt))),
    refusals: countRefusals(ledger),
  };
}

type Span = [from: number, to: number];

/** From the moment its user wrote a message until its ack. */
function latencies(attempts: readonly Attempt[], wanted: Ledger['wanted'], [from, to]: Span): number[] {
  return attempts
    .filter(one => one.result === 'ok')
    .map(one => [wanted.get(one.clientId)!.at, one.answeredAt] as const)
    .filter(([at]) => at >= from && at < to)
    .map(([at, answeredAt]) => answeredAt - at);
}

/** What is for a thread of others must be refused. */
function countRefusals({ attempts, wanted }: Ledger): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { result, clientId } of attempts)
    if (result !== 'ok' && result !== 'cut' && !wanted.get(clientId)?.isForbidden)
      counts[result] = (counts[result] ?? 0) + 1;
  return counts;
}

const worst = (values: readonly (number | null)[]): number | null => {
  const known = values.filter(value => value !== null);
  return known.length === 0 ? null : Math.max(...known);
};

/** Between two acks to devices that are not hit. */
function longestGap(
  { room, devices }: Talk,
  hit: ReadonlySet<Device>,
  attempts: readonly Attempt[],
  [from, to]: Span,
): number | null {
  if (devices.length < 3 || devices.every(one => hit.has(one))) return null;
  const acks = attempts
    .filter(one => one.result === 'ok' && one.threadId === room.threadId && !hit.has(one.device!))
    .map(one => one.answeredAt)
    .filter(at => at > from && at < to)
    .sort((a, b) => a - b);
  const marks = [from, ...acks, to];
  return Math.max(...marks.slice(1).map((at, index) => at - marks[index]!));
}

/** The first ack of an attempt that began, or was open, when the fault ended. */
function firstAck(attempts: readonly Attempt[], healedAt: number): number {
  const acked = attempts.filter(one => one.result === 'ok' && one.answeredAt >= healedAt);
  return Math.min(...acked.map(one => one.answeredAt)) - healedAt;
}

/** How long after its ack a message was shown by the last device that was connected all the time. */
function furthestBehind({ room, devices }: Talk, attempts: readonly Attempt[], [from, to]: Span): number {
  const acked = attempts.filter(one => one.result === 'ok' && one.threadId === room.threadId);
  const lags = acked
    .filter(one => one.answeredAt >= from && one.answeredAt <= to)
    .flatMap(one => devices.map(device => (device.shownAt.get(one.clientId) ?? Number.POSITIVE_INFINITY) - one.answeredAt)); // biome-ignore format: one line reads better
  return Math.max(0, ...lags);
}

function firstRefusal(site: Site, instance: unknown, inflictedAt: number, healedAt: number): number {
  const look = site.fleet.looks(inflictedAt).find(one => one.instance === instance && !one.isReady);
  return look && look.at < healedAt ? look.at - inflictedAt : Number.POSITIVE_INFINITY;
}

const limits = [
  ['gapMs', 'the others waited for an ack'],
  ['reconnectMs', 'clients were away'],
  ['answerMs', 'an attempt was unanswered for'],
  ['ackAgainMs', 'after the end acks came again only after'],
  ['behindMs', 'a reader was behind by'],
  ['notReadyMs', 'readiness said no only after'],
] as const;

/** Every line is a figure that was not reached. `slack` is for machines that do other things meanwhile. */
export function judge(figures: Figures, reach: Reach, slack: number): string[] {
  const missed: string[] = [];
  for (const [name, words] of limits) {
    const [limit, value] = [reach[name], figures[name]];
    if (limit !== undefined && value !== null && value > limit * slack) missed.push(`${words} ${msOrNever(value)} (at most ${limit} ms)`); // biome-ignore format: one line reads better
  }
  const { ackBeforeMs, ackDuringMs } = figures;
  if (
    reach.slowerMs !== undefined &&
    ackBeforeMs !== null &&
    ackDuringMs !== null &&
    ackDuringMs > ackBeforeMs + reach.slowerMs * slack
  )
    // biome-ignore format: one line reads better
    missed.push(`p99 of acks rose from ${wholeMs(ackBeforeMs)} to ${msOrNever(ackDuringMs)}`);
  const strange = Object.keys(figures.refusals).filter(code => !reach.refusals.includes(code));
  if (strange.length > 0) missed.push(`attempts were answered ${strange.map(code => `${code} (${figures.refusals[code]})`).join(', ')}`); // biome-ignore format: one line reads better
  return missed;
}

const msOrNever = (ms: number): string => (Number.isFinite(ms) ? wholeMs(ms) : 'never');
