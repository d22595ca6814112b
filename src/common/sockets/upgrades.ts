import type { IncomingMessage, RequestListener, Server } from 'node:http';
import type { RequestHandler } from 'express';
import type { Config } from '../../config.ts';
import { AppError } from '../errors.ts';
import { isAllowedHost } from '../http/request.ts';

export const SOCKETS_PATH = '/socket.io/';

/**
 * Whether a request that asks for another protocol gets it. Any other is answered as if it had not asked: clients of HTTP/2
 * ask for that with every request, and who is refused hears why.
 */
export function mayUpgrade(config: Config, request: IncomingMessage): boolean {
  const { url = '', headers } = request;
  if (!url.startsWith(SOCKETS_PATH) || headers.upgrade?.toLowerCase() !== 'websocket') return false;
  const query = new URLSearchParams(url.slice(url.indexOf('?') + 1));
  return query.get('EIO') === '4' && query.get('transport') === 'websocket' && isAllowedUpgrade(config, request);
}

export function isAllowedUpgrade(config: Config, { headers: { host, origin } }: IncomingMessage): boolean {
  return isAllowedHost(config, host) && (origin === undefined || isAllowedOrigin(config, origin, host));
}

/** Socket.IO's `cors` option does not look at upgrades; a page of a foreign origin must not open one (row 70). */
export function isAllowedOrigin(config: Config, origin: string, host: string | undefined): boolean {
  // Whoever develops opens pages of this server by any of its names.
  if (config.DEBUG && origin === `http://${host}`) return true;
  return config.CORS_ALLOWED_ORIGINS.includes(origin) || origin === new URL(config.PUBLIC_URL).origin;
}

/** What is no upgrade, or none that is allowed; a foreign host has been refused before. */
export function refuseUpgrade(config: Config): RequestHandler {
  return ({ headers: { origin, host } }) => {
    throw new AppError(origin && !isAllowedOrigin(config, origin, host) ? 'origin_forbidden' : 'protocol_unsupported');
  };
}

/** The library takes requests of its path too, for transports that are not served. */
export function leaveRequests(server: Server, attach: () => void): void {
  const answering = server.listeners('request') as RequestListener[];
  attach();
  server.removeAllListeners('request');
  for (const listener of answering) server.on('request', listener);
}
