import { monitorEventLoopDelay } from 'node:perf_hooks';
import { build, type Histogram } from 'hdr-histogram-js';

export interface Latency {
  count: number;
  p50: number;
  p95: number;
  p99: number;
  p999: number;
  max: number;
}

/** One second of the run. */
export interface Second {
  at: number;
  target: number;
  sent: number;
  acked: number;
  delivered: number;
  refused: number;
  connections: number;
  delivery: Latency;
  /** Of this process: share of a core, worst delay of its loop. */
  generatorCpu: number;
  generatorLagMs: number;
}

/** Counts and times of a run. Latencies run from the moment a message was due, so a late sender hides nothing. */
export interface Meter {
  connected(ms: number): void;
  /** With a reason: nobody meant it to happen. */
  disconnected(reason: string | null): void;
  refused(code: string): void;
  sent(clientId: string, dueAt: number, devices: number): void;
  acked(dueAt: number): void;
  failed(code: string): void;
  delivered(clientId: string): void;
  forget(clientId: string): void;
  recovered(ms: number): void;
  /** Closes a second; called once in each. */
  tick(target: number): Second;
  summary(): Summary;
  /** Messages whose deliveries are not all seen yet. */
  pending(): number;
}

export interface Summary {
  sent: number;
  acked: number;
  delivered: number;
  /** Made in the whole run, those that came back included. */
  connections: number;
  failures: Record<string, number>;
  disconnects: Record<string, number>;
  ack: Latency;
  delivery: Latency;
  connect: Latency;
  recovery: Latency;
  seconds: Second[];
}

/** Microseconds, three digits, up to a minute. */
const histogram = (): Histogram =>
  build({ lowestDiscernibleValue: 1, highestTrackableValue: 60_000_000, numberOfSignificantValueDigits: 3 });
const record = (into: Histogram, ms: number) => into.recordValue(Math.min(60_000_000, Math.max(1, Math.round(ms * 1_000)))); // biome-ignore format: one line reads better

function latencyOf(from: Histogram): Latency {
  const at = (percent: number) => Math.round(from.getValueAtPercentile(percent) / 10) / 100;
  return { count: from.totalCount, p50: at(50), p95: at(95), p99: at(99), p999: at(99.9), max: from.totalCount === 0 ? 0 : at(100) }; // biome-ignore format: one line reads better
}

const countUp = (counts: Record<string, number>, key: string): void => {
  counts[key] = (counts[key] ?? 0) + 1;
};

export function createMeter(): Meter {
  const waiting = new Map<string, { dueAt: number; left: number }>();
  const [ack, delivery, connect, recovery] = [histogram(), histogram(), histogram(), histogram()];
  const lately = histogram();
  const total = { sent: 0, acked: 0, delivered: 0 };
  const failures: Record<string, number> = {};
  const disconnects: Record<string, number> = {};
  const seconds: Second[] = [];
  const loop = monitorEventLoopDelay({ resolution: 5 });
  loop.enable();
  const beganAt = performance.now();
  let now = { sent: 0, acked: 0, delivered: 0, refused: 0 };
  let connections = 0;
  let cpu = process.cpuUsage();
  let tickedAt = beganAt;

  return {
    connected(ms) {
      connections += 1;
      record(connect, ms);
    },
    disconnected(reason) {
      connections -= 1;
      if (reason) countUp(disconnects, reason);
    },
    refused(code) {
      now.refused += 1;
      countUp(failures, `connect: ${code}`);
    },
    sent(clientId, dueAt, devices) {
      waiting.set(clientId, { dueAt, left: devices });
      now.sent += 1;
      total.sent += 1;
    },
    acked(dueAt) {
      record(ack, performance.now() - dueAt);
      now.acked += 1;
      total.acked += 1;
    },
    failed(code) {
      now.refused += 1;
      countUp(failures, code);
    },
    delivered(clientId) {
      const message = waiting.get(clientId);
      now.delivered += 1;
      total.delivered += 1;
      if (!message) return;
      const ms = performance.now() - message.dueAt;
      record(delivery, ms);
      record(lately, ms);
      message.left -= 1;
      if (message.left <= 0) waiting.delete(clientId);
    },
    forget: clientId => void waiting.delete(clientId),
    recovered: ms => record(recovery, ms),
    tick(target) {
      const [at, used] = [performance.now(), process.cpuUsage(cpu)];
      const generatorCpu = (used.user + used.system) / 1_000 / (at - tickedAt);
      const second = {
        ...{ at: Math.round(at - beganAt), target, ...now, connections, delivery: latencyOf(lately) },
        generatorCpu: Math.round(generatorCpu * 100) / 100,
        generatorLagMs: Math.round(loop.max / 1e4) / 100,
      };
      seconds.push(second);
      now = { sent: 0, acked: 0, delivered: 0, refused: 0 };
      lately.reset();
      loop.reset();
      cpu = process.cpuUsage();
      tickedAt = at;
      return second;
    },
    summary: () => ({
      ...total,
      ...{ failures, disconnects, seconds, connections: connect.totalCount },
      ...{ ack: latencyOf(ack), delivery: latencyOf(delivery), connect: latencyOf(connect), recovery: latencyOf(recovery) }, // biome-ignore format: one line reads better
    }),
    pending: () => waiting.size,
  };
}
