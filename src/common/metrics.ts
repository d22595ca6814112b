import type { RequestHandler } from 'express';
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Config } from '../config.ts';
import { AppError } from './errors.ts';
import { registerHistogram } from './histogram.ts';
import { sameBytes } from './keys.ts';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256];

export type CutReason = 'slow_reader' | 'flood' | 'silent' | 'no_namespace';

/** What an instance tells of itself. Children of labels are looked up once and kept: counting is an addition. */
export interface Metrics {
  /** `ok` or the code of the refusal. */
  handshake(result: string): void;
  cut(reason: CutReason): void;
  /** Of one event: from its arrival, the wait in the socket's queue included, to its ack. */
  acked(event: string): (seconds: number) => void;
  /** Of one operation on both doors; `ok`, a code, or what the operation tells its calls apart by. */
  operation(name: string): (result: string, seconds: number) => void;
  batch(operation: string): (size: number, seconds: number) => void;
  /** From the arrival of a call to its pushes. */
  pushed(count: number, seconds: number): void;
  /** One more of what modules tell of themselves; words are few and fixed. */
  count(name: string, help: string, labels: readonly string[]): (words: Record<string, string>) => void;
  /** A state that is asked for when the metrics are read. */
  watch(name: string, help: string, label: string, read: () => Record<string, number>): void;
  text(): Promise<string>;
}

export function createMetrics(): Metrics {
  const registers = [new Registry()];
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name: `parthub_${name}`, help, labelNames, registers });
  const histogram = (name: string, help: string, labelNames: string[], buckets = SECONDS) =>
    registerHistogram(registers[0]!, { name: `parthub_${name}`, help, labelNames, buckets });

  const handshakes = counter('handshakes_total', 'Namespaces joined or refused, by result.', ['result']);
  const cuts = counter('connections_cut_total', 'Connections closed by the server, by reason.', ['reason']);
  const acks = histogram('ack_seconds', 'From the arrival of an event to its ack.', ['event']);
  const operations = counter('operations_total', 'Calls of both doors, by result.', ['operation', 'result']);
  const durations = histogram('operation_seconds', 'Time of calls of both doors.', ['operation']);
  const batchSizes = histogram('batch_size', 'Calls that shared a transaction.', ['operation'], SIZES);
  const commits = histogram('batch_seconds', 'Time of a batch until it was committed.', ['operation']);
  const pushes = counter('pushes_total', 'Announcements pushed to the devices of users.');
  const pushTimes = histogram('push_seconds', 'From the arrival of a call to its pushes.', []).labels();

  return {
    handshake: result => handshakes.inc({ result }),
    cut: reason => cuts.inc({ reason }),
    acked: event => acks.labels(event),
    operation(name) {
      const time = durations.labels(name);
      const byResult = new Map<string, Counter.Internal>();
      return (result, seconds) => {
        time(seconds);
        const child = byResult.get(result) ?? operations.labels(name, result);
        byResult.set(result, child);
        child.inc();
      };
    },
    batch(operation) {
      const [size, commit] = [batchSizes.labels(operation), commits.labels(operation)];
      return (calls, seconds) => {
        size(calls);
        commit(seconds);
      };
    },
    pushed(count, seconds) {
      pushes.inc(count);
      pushTimes(Math.max(0, seconds));
    },
    count(name, help, labels) {
      const counted = counter(name, help, [...labels]);
      return words => counted.inc(words);
    },
    watch: (name, help, label, read) =>
      void new Gauge({
        ...{ name: `parthub_${name}`, help, labelNames: [label], registers },
        collect() {
          for (const [key, value] of Object.entries(read())) this.set({ [label]: key }, value);
        },
      }),
    text: async () => (await Promise.all([registers[0]!.metrics(), processRegistry().metrics()])).join('\n'),
  };
}

let ofProcess: Registry | undefined;

/** CPU, memory, event loop, collections of garbage: one for the process, from its first reading on. */
function processRegistry(): Registry {
  if (ofProcess) return ofProcess;
  ofProcess = new Registry();
  collectDefaultMetrics({ register: ofProcess, prefix: 'parthub_' });
  return ofProcess;
}

/** For Prometheus: METRICS_TOKEN as Bearer, open with DEBUG; to everybody else there is nothing here. */
export function serveMetrics({ METRICS_TOKEN, DEBUG }: Config, metrics: Metrics): RequestHandler {
  return async (req, res) => {
    const isOpen = DEBUG && METRICS_TOKEN === undefined;
    if (!isOpen && !isToken(METRICS_TOKEN, req.headers.authorization)) throw new AppError('not_found');
    res.setHeader('Cache-Control', 'no-store');
    res.type(Registry.PROMETHEUS_CONTENT_TYPE).send(await metrics.text());
  };
}

function isToken(expected: string | undefined, header: string | undefined): boolean {
  if (expected === undefined || header === undefined) return false;
  return sameBytes(Buffer.from(header), Buffer.from(`Bearer ${expected}`));
}
