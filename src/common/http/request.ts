import type { IncomingHttpHeaders } from 'node:http';
import { isIP, type Socket } from 'node:net';
import cors from 'cors';
import express, { type Request, type RequestHandler, type Response } from 'express';
import helmet from 'helmet';
import type { Logger } from 'pino';
import type { Config } from '../../config.ts';
import { AppError } from '../errors.ts';
import { randomToken } from '../ids.ts';
import { type Locale, readLocale } from '../messages.ts';
import { isTooComplex } from '../payload.ts';
import type { Tracing } from '../tracing.ts';

const BODY_LIMIT = '100kb';

/** What every request carries from door to use-case. */
export interface RequestState {
  requestId: string;
  now: Date;
  locale: Locale;
  /** The header names a language of ours, so the user's own does not matter. */
  isLocaleAsked: boolean;
}

export function stateOf(res: Response): RequestState {
  return res.locals as RequestState;
}

export function beginRequest({ config, log }: { config: Config; log: Logger }): RequestHandler {
  return (req, res, next) => {
    const given = req.get('x-request-id');
    const requestId = given && /^[A-Za-z0-9._-]{8,64}$/.test(given) ? given : randomToken();
    const testNow = config.NODE_ENV === 'test' ? Date.parse(req.get('x-test-now') ?? '') : Number.NaN;
    const now = Number.isNaN(testNow) ? new Date() : new Date(testNow);
    const asked = readLocale(req.get('accept-language'));
    const state: RequestState = { requestId, now, locale: asked ?? 'uz', isLocaleAsked: asked !== null };
    Object.assign(res.locals, state);
    res.setHeader('X-Request-Id', requestId);
    const startedAt = performance.now();
    res.on('finish', () => {
      const ms = Math.round((performance.now() - startedAt) * 10) / 10;
      // The path alone: queries may hold what people search for.
      const path = loggedPath(req.path);
      log.info({ request_id: requestId, method: req.method, path, status: res.statusCode, ms }, 'request');
    });
    next();
  };
}

/** The path without the secret that an unsigned callback carries in it. */
function loggedPath(path: string): string {
  return path.replace(/^(\/api\/webhooks\/\w+\/)[^/]+/, '$1***');
}

/** A request is told by its route: its address holds ids, and what people search for. */
export function traceRequests(tracing: Tracing): RequestHandler {
  return (req, res, next) => {
    if (probes.has(req.path) || req.path === '/metrics') return next();
    const attributes = { 'http.request.method': req.method, 'parthub.request_id': stateOf(res).requestId };
    void tracing.span(req.method, { kind: 'server', attributes }, async span => {
      const closed = new Promise(resolve => res.once('close', resolve));
      next();
      await closed;
      const route = req.route?.path as string | undefined;
      if (route) span.rename(`${req.method} ${route}`);
      span.set({ 'http.response.status_code': res.statusCode, ...(route && { 'http.route': route }) });
      if (res.statusCode >= 500) span.fail(String(res.statusCode));
    });
  };
}

/** Probes come by address, so they answer any host. */
const probes = new Set(['/healthz', '/readyz', '/healthz/', '/readyz/']);

export function isAllowedHost(config: Config, host: string | undefined): boolean {
  if (config.ALLOWED_HOSTS.includes('*')) return true;
  const name = /^(\[[0-9a-f:.]+\]|[^:]*)(:\d{1,5})?$/i.exec(host ?? '')?.[1];
  return name !== undefined && config.ALLOWED_HOSTS.includes(name.toLowerCase());
}

const MAX_URL_BYTES = 8_192;

export const ensureShortUrl: RequestHandler = (req, _res, next) => {
  if (req.url.length > MAX_URL_BYTES) throw new AppError('payload_too_large', { max_bytes: MAX_URL_BYTES });
  next();
};

export function ensureHost(config: Config): RequestHandler {
  return (req, _res, next) => {
    if (!probes.has(req.path) && !isAllowedHost(config, req.headers.host)) throw new AppError('invalid_host');
    next();
  };
}

export function securityHeaders(config: Config): RequestHandler {
  return helmet({
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
    referrerPolicy: { policy: 'no-referrer' },
    strictTransportSecurity: config.DEBUG ? false : { maxAge: 31_536_000, includeSubDomains: true },
  });
}

const ownHeaders = ['Idempotency-Key', 'If-Match', 'If-None-Match', 'X-Request-Id'];
const toldHeaders = [
  'ETag',
  'Location',
  'Retry-After',
  'RateLimit',
  'RateLimit-Policy',
  'X-Request-Id',
  'Idempotent-Replayed',
];

export function allowOrigins(config: Config): RequestHandler {
  const allow = cors({
    origin: (origin, done) => done(null, origin !== undefined && config.CORS_ALLOWED_ORIGINS.includes(origin)),
    methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowedHeaders: ['Authorization', 'Content-Type', 'Accept-Language', ...ownHeaders],
    exposedHeaders: toldHeaders,
    maxAge: 600,
  });
  return (req, res, next) => {
    // For foreign origins too: else a cache would give one origin what another was answered.
    res.vary('Origin');
    allow(req, res, next);
  };
}

/** Named with the charset too: who asks for exactly what is sent would else be refused. */
export function answerAs(type: string): RequestHandler {
  const offered = [type, 'application/problem+json'].flatMap(one => [one, `${one}; charset=utf-8`]);
  return (req, res, next) => {
    if (!req.accepts(offered)) throw new AppError('not_acceptable');
    res.setHeader('Vary', 'Accept-Language, Origin');
    next();
  };
}

const JSON_TYPE = 'application/json';
const parseJson = express.json({ limit: BODY_LIMIT, inflate: false, strict: false, type: JSON_TYPE });

/** A body that takes longer is cut, as the server cuts slow headers. */
const BODY_MS = 30_000;

export function inBodyTime({ TEST_TIME_SCALE }: Config, readBody: RequestHandler): RequestHandler {
  return (req, res, next) => {
    const late = setTimeout(() => cutSlow(req.socket), BODY_MS / TEST_TIME_SCALE);
    readBody(req, res, error => {
      clearTimeout(late);
      next(error);
    });
  };
}

export function jsonBody(config: Config): RequestHandler {
  const readJson = inBodyTime(config, parseJson);
  return (req, res, next) => {
    const hasBody = req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;
    if (!hasBody) return next();
    if (!req.is(JSON_TYPE)) return next(new AppError('unsupported_media_type'));
    readJson(req, res, error => {
      if (error) return next(error);
      if (isTooComplex(req.body))
        return next(new AppError('validation_failed', { fields: [{ path: '', code: 'too_complex' }] }));
      next();
    });
  };
}

function cutSlow(socket: Socket): void {
  socket.write('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n');
  socket.destroySoon();
}

/** Who asks; what stands in `X-Forwarded-For` without being an address counts as whoever is connected. */
export function addressOf({ ip = '', socket }: Request): string {
  return isIP(ip) === 0 ? (socket.remoteAddress ?? '') : ip;
}

/** As much of it as is worth keeping. */
export function userAgentOf(headers: IncomingHttpHeaders): string | null {
  return headers['user-agent']?.slice(0, 300) ?? null;
}
