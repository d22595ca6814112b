import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import querystring from 'node:querystring';
import { type Context, type Span as OtelSpan, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Logger } from 'pino';
import type { Config } from '../../config.ts';
import { type Span, type SpanOptions, silent, type Tracing } from '../tracing.ts';

const kinds = { server: SpanKind.SERVER, client: SpanKind.CLIENT, internal: SpanKind.INTERNAL };
const SEND_EVERY_MS = 5_000;
/** A collector that is away must not hold up a shutdown for longer. */
const SEND_TIMEOUT_MS = 3_000;

/** Sends spans to a collector by OTLP over HTTP, a batch every few seconds; what it does not take is dropped. */
export function traceTo(endpoint: string, config: Config, log: Logger): Tracing {
  const provider = createProvider(endpoint, config, log);
  const tracer = provider.getTracer('parthub');
  const places = new AsyncLocalStorage<Context>();

  function begin(name: string, { kind = 'internal', attributes = {}, causes = [] }: SpanOptions, parent?: Context) {
    const links = causes.slice(1).map(cause => ({ context: trace.getSpanContext(cause)! }));
    const place = parent ?? ROOT_CONTEXT;
    const span = tracer.startSpan(name, { kind: kinds[kind], attributes, links }, place);
    return { span, place: trace.setSpan(place, span) };
  }

  return {
    isOn: true,
    here: () => places.getStore(),
    span(name, options, work) {
      const parent = options.causes?.[0] ?? places.getStore();
      if (options.isOnlyInside && !parent) return work(silent);
      const { span, place } = begin(name, options, parent);
      return places.run(place, () => work(spanOf(span))).finally(() => span.end());
    },
    // Why something was not sent is logged already.
    close: () => provider.shutdown().catch(() => {}),
  };
}

function spanOf(span: OtelSpan): Span {
  return {
    rename: name => void span.updateName(name),
    set: attributes => void span.setAttributes(attributes),
    // Never the message: that of a database holds values.
    fail: type => void span.setAttribute('error.type', type).setStatus({ code: SpanStatusCode.ERROR }),
  };
}

function createProvider(endpoint: string, config: Config, log: Logger): TracerProvider {
  const exporter = loud(
    new OTLPTraceExporter({
      url: `${endpoint.replace(/\/$/, '')}/v1/traces`,
      headers: Object.fromEntries(config.OTEL_EXPORTER_OTLP_HEADERS.map(readHeader)),
      timeoutMillis: SEND_TIMEOUT_MS,
    }),
    log,
  );
  return new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': config.OTEL_SERVICE_NAME,
      'service.instance.id': randomUUID(),
    }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(config.OTEL_TRACES_SAMPLER_ARG) }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter,
        exportTimeoutMillis: SEND_TIMEOUT_MS,
        scheduledDelayMillis: SEND_EVERY_MS / config.TEST_TIME_SCALE,
      }),
    ],
  });
}

/** `name=value`, the value percent-encoded where it must be, as every exporter reads it. */
function readHeader(header: string): [string, string] {
  const at = header.indexOf('=');
  return [header.slice(0, at).trim(), querystring.unescape(header.slice(at + 1).trim())];
}

/** The SDK drops what could not be sent without a word. */
function loud(exporter: SpanExporter, log: Logger): SpanExporter {
  return {
    export: (spans, done) =>
      exporter.export(spans, result => {
        if (result.error) log.warn({ err: result.error, spans: spans.length }, 'traces not sent');
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  };
}
