import { painted } from '../conformance/report.ts';
import type { Figures } from './figures.ts';
import type { Result } from './try.ts';

const ms = (value: number | null) => (value !== null && Number.isFinite(value) ? `${Math.round(value)} ms` : '–');

/** One fault with its figures, and what is not as promised. */
export function tellResult({ name, sentence, figures, anomalies, missed, note, ms: took }: Result): string {
  const isKept = anomalies.length + missed.length === 0;
  const head = `${painted(`${isKept ? '✓' : '✗'} ${name}`, isKept ? 32 : 31)}  ${sentence}`;
  const wrong = [...anomalies.map(line => `anomaly: ${line}`), ...missed.map(line => `missed: ${line}`)];
  return [head, `    ${told(figures)}${note && ` · ${note}`} · ${(took / 1_000).toFixed(1)} s`, ...wrong.map(line => `    ${painted(line, 31)}`)].join('\n'); // biome-ignore format: one line reads better
}

function told(figures: Figures): string {
  const { acked, gapMs, reconnects, reconnectMs, answerMs, ackAgainMs, ackBeforeMs, ackDuringMs, behindMs, notReadyMs } = figures; // biome-ignore format: one line reads better
  const refused = Object.entries(figures.refusals).map(([code, count]) => `${count} ${code}`).join(', ') || 'none'; // biome-ignore format: one line reads better
  return [
    `${acked} acked`,
    `refused ${refused}`,
    `gap ${ms(gapMs)}`,
    `${reconnects} reconnects, p99 ${ms(reconnectMs)}`,
    `slowest answer ${ms(answerMs)}`,
    `acks again after ${ms(ackAgainMs)}`,
    `ack p99 ${ms(ackBeforeMs)} → ${ms(ackDuringMs)}`,
    `behind ${ms(behindMs)}`,
    ...(notReadyMs !== null && Number.isFinite(notReadyMs) ? [`not ready after ${ms(notReadyMs)}`] : []),
  ].join(' · ');
}

export function tellSum(results: readonly Result[], seconds: number): string {
  const acked = results.reduce((sum, one) => sum + one.figures.acked, 0);
  const anomalies = results.reduce((sum, one) => sum + one.anomalies.length, 0);
  const missed = results.reduce((sum, one) => sum + one.missed.length, 0);
  return `${results.length} faults, ${acked} acknowledged sends, ${anomalies} anomalies, ${missed} figures missed in ${Math.round(seconds)} s`; // biome-ignore format: one line reads better
}
