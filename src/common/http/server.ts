import type { IncomingMessage, RequestListener, Server, ServerOptions, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Config } from '../../config.ts';
import { mayUpgrade } from '../sockets/upgrades.ts';

// Imported, it would load all that it exports, the clients of WebSocket and fetch among them: 4 MB.
const { createServer } = process.getBuiltinModule('node:http');

/** The server behind both doors; who is slow or silent holds no connection. */
export function openServer(config: Config, listener: RequestListener, onSilent: () => void): Server {
  const upgrades = { shouldUpgradeCallback: (request: IncomingMessage) => mayUpgrade(config, request) };
  const server = createServer({ ...slowness(config), ...upgrades }, listener);
  cutSilent(server, config, onSilent);
  return server;
}

/** Headers that take 10 s and requests that take two minutes, the time of an image, are cut; other bodies sooner. */
function slowness({ TEST_TIME_SCALE }: Config): ServerOptions {
  const scaled = (ms: number) => Math.round(ms / TEST_TIME_SCALE);
  const [headersTimeout, requestTimeout] = [scaled(10_000), scaled(120_000)];
  return { headersTimeout, requestTimeout, connectionsCheckingInterval: scaled(1_000) };
}

const SILENCE_MS = 10_000;
const LOOK_EVERY_MS = 500;

/** Node waits for ever for the first byte of a connection. */
function cutSilent(server: Server, { TEST_TIME_SCALE }: Config, onSilent: () => void): void {
  const silentSince = new Map<Socket, number>();
  server.on('connection', socket => void silentSince.set(socket, performance.now()));
  const look = () => {
    const before = performance.now() - SILENCE_MS / TEST_TIME_SCALE;
    for (const [socket, since] of silentSince) {
      const isSilent = socket.bytesRead === 0 && !socket.destroyed;
      if (isSilent && since > before) continue;
      silentSince.delete(socket);
      if (!isSilent) continue;
      onSilent();
      socket.destroy();
    }
  };
  const timer = setInterval(look, LOOK_EVERY_MS / TEST_TIME_SCALE).unref();
  server.once('close', () => clearInterval(timer));
}

/** Each answer closes its connection from now on: one that were kept could be cut at the end, with a request under way to it. */
export function endKeepAlive(server: Server): void {
  server.prependListener('request', (_request, response: ServerResponse) => response.setHeader('Connection', 'close'));
}

/** Waits 5 s for what runs. */
export async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>(resolve => server.close(() => resolve()));
  server.closeIdleConnections();
  const late = setTimeout(() => server.closeAllConnections(), 5_000);
  // An upgraded connection that came at the last moment is none of the server's any more, and must not hold it up.
  await Promise.race([closed, new Promise(resolve => setTimeout(resolve, 6_000).unref())]);
  clearTimeout(late);
}
