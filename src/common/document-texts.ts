import type { Limit, Operation } from './operations.ts';

const spans: [number, string][] = [
  [86_400, '24 hours'],
  [3_600, 'an hour'],
  [60, 'a minute'],
  [1, 'a second'],
];
const holders: Record<Limit['by'], string> = {
  user: 'user',
  connection: 'connection',
  ip: 'IP address',
  caller: 'user, or IP address without one',
};

function spanOf(windowSec: number): string {
  const whole = spans.find(([sec]) => sec === windowSec);
  return whole ? whole[1] : windowSec % 60 === 0 ? `${windowSec / 60} minutes` : `${windowSec} seconds`;
}

/** "60 in an hour per IP address", "5 in a second per user, 20 at once"; empty where only the general limits hold. */
export function describeLimits({ limits = [] }: Operation): string {
  const told = limits.map(({ points, windowSec, by, burst, field }) => `${points} in ${spanOf(windowSec)} per ${holders[by]}${burst ? `, ${burst} at once` : ''}${field ? `, if \`${field}\` is given` : ''}`); // biome-ignore format: one line reads better
  return told.length > 0 ? `Limits: ${told.join('; ')}.` : '';
}

/** The limits as data, for tools. */
export function limitsExtension({ limits }: Operation): { 'x-limits'?: object[] } {
  if (!limits) return {};
  const told = limits.map(({ name, by, points, windowSec, burst }) => ({
    name,
    by,
    points,
    window_s: windowSec,
    burst,
  }));
  return { 'x-limits': told };
}

/** What `format` and `type` say already is left out: patterns of ids and moments, bounds of every integer. */
export function shorten({ jsonSchema }: { jsonSchema: Record<string, unknown> }): void {
  if (jsonSchema['format'] !== undefined) delete jsonSchema['pattern'];
  if (jsonSchema['minimum'] === Number.MIN_SAFE_INTEGER) delete jsonSchema['minimum'];
  if (jsonSchema['maximum'] === Number.MAX_SAFE_INTEGER) delete jsonSchema['maximum'];
}
