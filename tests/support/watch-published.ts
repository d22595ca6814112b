import { WebSocket } from 'ws';
import { complainOfAck, complainOfAnswer, complainOfMessage, isPublishedEvent } from './published.ts';

/**
 * Every answer and every event that a test hears, by whatever client, is compared with the published documents: by another
 * validator than that of the contracts, and after the wire.
 */
const complaints = new Set<string>();
const exempt = new Set<string>();

/** A server with a contract of its own, or one that breaks ours on purpose. */
export function exemptFromPublished(url: string): void {
  exempt.add(new URL(url).host);
}

function note(complaint: string | null): void {
  if (complaint !== null) complaints.add(complaint);
}

function watchAnswers(): void {
  const { fetch } = globalThis;
  globalThis.fetch = async (input, init) => {
    const response = await fetch(input, init);
    const { url, status, headers } = response;
    const { host, pathname } = new URL(url);
    // A header of ours: a fake of other people's servers has none.
    if (!headers.has('x-request-id') || exempt.has(host)) return response;
    const method = init?.method ?? (input instanceof Request ? input.method : 'GET');
    const text = await response.clone().text();
    note(complainOfAnswer(method, pathname, { status, type: headers.get('content-type') ?? '', text }));
    return response;
  };
}

/** Events by the id of the ack that they wait for. */
const asked = new WeakMap<object, Map<string, string>>();
const framePattern = /^4([23])(\/[^,]*),(\d*)(\[.*)$/s;

interface ClientSocket {
  _isServer: boolean;
  url: string;
}

function watchSent(socket: ClientSocket, data: unknown): void {
  if (socket._isServer || typeof data !== 'string') return;
  const [, kind, namespace, id, body] = framePattern.exec(data) ?? [];
  const name = /^\["((?:[^"\\]|\\.)*)"/.exec(body ?? '')?.[1];
  if (kind !== '2' || !id || name === undefined) return;
  const waiting = asked.get(socket) ?? new Map<string, string>();
  asked.set(socket, waiting.set(`${namespace},${id}`, name));
}

function watchHeard(socket: ClientSocket, data: unknown): void {
  if (socket._isServer || exempt.has(new URL(socket.url).host)) return;
  const [, kind, namespace, id, body] = framePattern.exec(String(data)) ?? [];
  if (kind === undefined) return;
  const [first, second] = JSON.parse(body!) as [unknown, unknown];
  if (kind === '2') {
    note(complainOfMessage(namespace!, String(first), second));
    return;
  }
  const waiting = asked.get(socket);
  const name = waiting?.get(`${namespace},${id}`);
  waiting?.delete(`${namespace},${id}`);
  if (name !== undefined && isPublishedEvent(namespace!, name)) note(complainOfAck(namespace!, name, first));
}

function watchSockets(): void {
  const { emit, send } = WebSocket.prototype;
  WebSocket.prototype.emit = function (this: WebSocket, event: string | symbol, ...args: unknown[]) {
    if (event === 'message') watchHeard(this as unknown as ClientSocket, args[0]);
    return (emit as (...all: unknown[]) => boolean).call(this, event, ...args);
  } as typeof emit;
  WebSocket.prototype.send = function (this: WebSocket, ...args: unknown[]) {
    watchSent(this as unknown as ClientSocket, args[0]);
    return (send as (...all: unknown[]) => void).apply(this, args);
  } as typeof send;
}

watchAnswers();
watchSockets();

/** What was heard since the last time that is not as published. */
export function takeComplaints(): string[] {
  const heard = [...complaints];
  complaints.clear();
  return heard;
}
