import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { WebSocket, WebSocketServer } from 'ws';

export interface Front {
  url: string;
  close(): Promise<void>;
}

/** In front of a server: passes every call and every frame on, but what the server says goes through `spoil`; null swallows it. */
export async function startFront(target: string, spoil: (frame: string) => string | null): Promise<Front> {
  const http = createServer(async (request, response) => {
    const answer = await passOn(target, request);
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
  });
  const sockets = new WebSocketServer({ server: http });
  sockets.on('connection', (near, request) => {
    const far = new WebSocket(target.replace('http', 'ws') + request.url);
    const waiting: [WebSocket.RawData, boolean][] = [];
    near.on('message', (data, isBinary) => (far.readyState === WebSocket.OPEN ? far.send(data, { binary: isBinary }) : waiting.push([data, isBinary]))); // biome-ignore format: one line reads better
    far.on('open', () => {
      for (const [data, binary] of waiting) far.send(data, { binary });
    });
    far.on('message', data => {
      const frame = spoil(String(data));
      if (frame !== null) near.send(frame);
    });
    far.on('close', () => near.terminate()).on('error', () => near.terminate());
    near.on('close', () => far.terminate()).on('error', () => far.terminate());
  });
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    async close() {
      for (const one of sockets.clients) one.terminate();
      await new Promise(resolve => http.close(resolve).closeAllConnections());
    },
  };
}

async function passOn(target: string, request: IncomingMessage): Promise<Response> {
  const { authorization } = request.headers;
  const body = request.method === 'GET' ? null : await buffer(request);
  return fetch(target + request.url, {
    method: request.method!,
    headers: { 'content-type': 'application/json', ...(authorization && { authorization }) },
    body,
  });
}
