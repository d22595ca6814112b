import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface TakenSpan {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  kind: number;
  links?: { traceId: string; spanId: string }[];
  status: { code?: number };
  attributes: Record<string, string | number>;
}

export interface Collector {
  url: string;
  /** What has arrived, by span. */
  spans: TakenSpan[];
  /** As it was sent. */
  bodies: string[];
  services: Set<string>;
  authorizations: Set<string | undefined>;
  stop(): Promise<void>;
}

type Attributes = { key: string; value: { stringValue?: string; intValue?: number; doubleValue?: number } }[];

/** An OpenTelemetry collector: takes traces by OTLP over HTTP (JSON) and decodes them. */
export async function startCollector(): Promise<Collector> {
  const taken: Omit<Collector, 'url' | 'stop'> = {
    ...{ spans: [], bodies: [], services: new Set(), authorizations: new Set() },
  };
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', chunk => chunks.push(chunk));
    req.on('end', () => {
      if (req.url === '/v1/traces') take(taken, Buffer.concat(chunks).toString(), req.headers.authorization);
      res.writeHead(req.url === '/v1/traces' ? 200 : 404, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const stop = async () => void (await new Promise(resolve => server.close(resolve).closeAllConnections()));
  onTestFinished(stop);
  return { ...taken, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop };
}

function take(taken: Omit<Collector, 'url' | 'stop'>, body: string, authorization: string | undefined): void {
  taken.bodies.push(body);
  taken.authorizations.add(authorization);
  for (const { resource, scopeSpans } of JSON.parse(body).resourceSpans) {
    taken.services.add(String(read(resource.attributes)['service.name']));
    for (const { spans } of scopeSpans)
      for (const span of spans) taken.spans.push({ ...span, attributes: read(span.attributes) });
  }
}

function read(attributes: Attributes): Record<string, string | number> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue ?? value.doubleValue)]),
  );
}
