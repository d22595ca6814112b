import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface Received {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  /** Form fields, JSON, or bytes. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into any request
  body: any;
}

export interface Answer {
  status?: number;
  body?: unknown;
  headers?: Record<string, string>;
}

export interface FakeProvider {
  url: string;
  received: Received[];
  /** The next answers, before the usual ones; `hang` never answers. */
  next: (Answer | 'hang')[];
}

/** Somebody else's server: records what it is asked, answers as its protocol says, or as a test wants. */
export async function fakeProvider(usual: (request: Received) => Answer | Promise<Answer>): Promise<FakeProvider> {
  const received: Received[] = [];
  const next: (Answer | 'hang')[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const asked = await read(request, Buffer.concat(chunks));
    received.push(asked);
    const answer = next.shift() ?? (await usual(asked));
    if (answer === 'hang') return;
    response.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers });
    response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body ?? {}));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => close(server));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received, next };
}

async function read(request: IncomingMessage, bytes: Buffer): Promise<Received> {
  const type = request.headers['content-type'] ?? '';
  const { method = '', url: path = '', headers } = request;
  if (type.includes('json')) return { method, path, headers, body: JSON.parse(bytes.toString()) };
  if (type === 'application/octet-stream') return { method, path, headers, body: bytes };
  if (!type.includes('form')) return { method, path, headers, body: bytes.toString() };
  const form = await new Response(new Uint8Array(bytes), { headers: { 'content-type': type } }).formData();
  return { method, path, headers, body: Object.fromEntries(form.entries()) };
}

async function close(server: Server): Promise<void> {
  await new Promise(resolve => server.close(resolve).closeAllConnections());
}
