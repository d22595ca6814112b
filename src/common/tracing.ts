import type { Context } from '@opentelemetry/api';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';

/** Words of ours and ids of requests alone: nothing that people write, own or are called by (security.md, row 60). */
export type Attributes = Record<string, string | number>;

export interface Span {
  rename(name: string): void;
  set(attributes: Attributes): void;
  /** It ended by a fault; refusals are none. */
  fail(type: string): void;
}

/** A span that others may stand below. */
export type Place = Context;

export interface SpanOptions {
  kind?: 'server' | 'client' | 'internal';
  attributes?: Attributes;
  /** Whose work it is: it stands below the first and is linked with the others. Default: the span it runs in. */
  causes?: readonly Place[];
  /** What nobody asked for is not traced. */
  isOnlyInside?: true;
}

/** Traces of calls, for whoever collects them by OpenTelemetry; without such a collector each is only a function call. */
export interface Tracing {
  isOn: boolean;
  span<T>(name: string, options: SpanOptions, work: (span: Span) => Promise<T>): Promise<T>;
  /** The span that this runs in, for what will be done about it elsewhere. */
  here(): Place | undefined;
  /** Sends what is left. */
  close(): Promise<void>;
}

/** Of what is not traced. */
export const silent: Span = { rename() {}, set() {}, fail() {} };

export const untraced: Tracing = {
  isOn: false,
  span: (_name, _options, work) => work(silent),
  here: () => undefined,
  close: async () => {},
};

/** The SDK is not even loaded while no collector is named. */
export async function openTracing(config: Config, log: Logger): Promise<Tracing> {
  if (config.OTEL_EXPORTER_OTLP_ENDPOINT === undefined) return untraced;
  const { traceTo } = await import('./tracing/otlp.ts');
  return traceTo(config.OTEL_EXPORTER_OTLP_ENDPOINT, config, log);
}
