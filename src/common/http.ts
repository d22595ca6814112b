import cors from 'cors';
import express, { type ErrorRequestHandler, type Express, type RequestHandler, type Response } from 'express';
import helmet from 'helmet';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { Authenticate } from './auth.ts';
import type { Actor, UseCase } from './context.ts';
import { asAppError } from './database.ts';
import { AppError, errorCatalogue, presentError } from './errors.ts';
import type { Executor, Run } from './execute.ts';
import { type ReadRaw, rawInputOf } from './http-input.ts';
import { randomToken } from './ids.ts';
import { describeError, type Locale, readLocale } from './messages.ts';
import type { HttpPath, Operation, Output } from './operations.ts';
import { isTooComplex } from './payload.ts';

interface Parts {
  config: Config;
  log: Logger;
  executor: Executor;
  authenticate: Authenticate;
}

export interface HandleOptions<O extends Operation> {
  /** Headers that come from the answer: Location, ETag. */
  headers?: (output: Output<O>) => Record<string, string>;
}

export interface HttpDoor {
  app: Express;
  /** Serves an operation at its `http` paths. */
  handle<O extends Operation>(operation: O, useCase: UseCase<O>, options?: HandleOptions<O>): void;
  /** Routes that are no operation: probes, documents, callbacks. */
  raw(path: HttpPath, ...handlers: RequestHandler[]): void;
  /** Closes the list of routes; whatever matches none of them is `not_found` or `method_not_allowed`. */
  seal(): void;
}

/** What every request carries from door to use-case. */
export interface RequestState {
  requestId: string;
  now: Date;
  locale: Locale;
  /** The header names a language of ours, so the user's own does not matter. */
  isLocaleAsked: boolean;
}

const BODY_LIMIT = '100kb';

/** The HTTP door: who asks, what they ask, how to answer (rest.md, section 1). It holds no rule of the product. */
export function createHttpDoor(parts: Parts): HttpDoor {
  const { config, executor } = parts;
  const methodsByPath = new Map<string, Set<string>>();
  const app = express();
  app.set('case sensitive routing', true);
  app.set('query parser', 'simple');
  app.set('trust proxy', config.TRUST_PROXY);
  app.set('etag', false);
  app.use(beginRequest(parts), ensureHost(config), securityHeaders(config), allowOrigins(config));

  function route(path: HttpPath, handlers: RequestHandler[]): void {
    const [method, template] = path.split(' ') as [string, string];
    const expressPath = template.replace(/\{(\w+)\}/g, ':$1');
    methodsByPath.set(expressPath, (methodsByPath.get(expressPath) ?? new Set()).add(method));
    app[method.toLowerCase() as 'get'](expressPath, ...handlers);
  }

  return {
    app,
    handle(operation, useCase, options = {}) {
      const run = executor.bind(operation, useCase);
      for (const path of [operation.http ?? []].flat()) {
        const handler = operationHandler(
          parts,
          operation,
          path,
          run as Run<Operation>,
          options as HandleOptions<Operation>,
        );
        route(path, [acceptJson, jsonBody, handler]);
      }
    },
    raw: (path, ...handlers) => route(path, handlers),
    seal() {
      for (const [path, methods] of methodsByPath) app.all(path, refuseMethod(methods));
      app.use(() => {
        throw new AppError('not_found');
      });
      app.use(answerError(parts));
    },
  };
}

function operationHandler(
  { config, authenticate }: Parts,
  operation: Operation,
  path: HttpPath,
  run: Run<Operation>,
  options: HandleOptions<Operation>,
): RequestHandler {
  const readRaw = rawInputOf(operation, path);
  const access = operation.access ?? 'user';
  return async (req, res) => {
    const { requestId, now } = stateOf(res);
    const actor =
      access === 'public' ? null : await readActor(authenticate, req.headers.authorization, now, access === 'optional');
    if (actor && !stateOf(res).isLocaleAsked) stateOf(res).locale = actor.locale;
    res.setHeader('Content-Language', stateOf(res).locale);
    res.setHeader('Cache-Control', cacheRule(operation, req.method, actor));
    const call = { requestId, now, actor, ip: req.ip ?? '', userAgent: req.get('user-agent')?.slice(0, 300) ?? null };
    const output = await answerPathErrors(readRaw, () => run({ ...call, raw: readRaw(req) }));
    for (const [name, value] of Object.entries(options.headers?.(output) ?? {})) res.setHeader(name, value);
    const status = operation.status === 201 && operation.isRepeat?.(output) ? 200 : (operation.status ?? 200);
    if (status === 204) res.status(204).end();
    else res.status(status).json(operation.paged ? withPageLinks(output, req.originalUrl, config) : output);
  };
}

async function readActor(
  authenticate: Authenticate,
  header: string | undefined,
  now: Date,
  optional: boolean,
): Promise<Actor | null> {
  if (header === undefined && optional) return null;
  const token = /^Bearer +(\S+)$/i.exec(header ?? '')?.[1];
  if (header === undefined || header.trim() === '') throw new AppError('auth_required');
  if (!token) throw new AppError('token_invalid');
  return authenticate(token, now);
}

/** An id in the path that is no id at all is answered like one that does not exist. */
async function answerPathErrors<T>({ pathFields }: ReadRaw, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const fields =
      error instanceof AppError && error.code === 'validation_failed'
        ? (error.details?.fields as { path: string }[])
        : [];
    if (fields.some(field => pathFields.has(field.path))) throw new AppError('not_found');
    throw error;
  }
}

function cacheRule(operation: Operation, method: string, actor: Actor | null): string {
  return operation.access === 'public' && method === 'GET' && !actor ? 'public, max-age=30' : 'private, no-store';
}

function withPageLinks(output: { next_cursor: string | null }, originalUrl: string, config: Config): object {
  const { next_cursor, ...rest } = output;
  const url = new URL(originalUrl, config.PUBLIC_URL);
  if (next_cursor !== null) url.searchParams.set('cursor', next_cursor);
  return { ...rest, next: next_cursor === null ? null : url.pathname + url.search, next_cursor, previous: null };
}

function stateOf(res: Response): RequestState {
  return res.locals as RequestState;
}

/** The path without the secret that an unsigned callback carries in it. */
function loggedPath(path: string): string {
  return path.replace(/^(\/api\/webhooks\/\w+\/)[^/]+/, '$1***');
}

function beginRequest({ config, log }: Parts): RequestHandler {
  return (req, res, next) => {
    const given = req.get('x-request-id');
    const requestId = given && /^[A-Za-z0-9._-]{8,64}$/.test(given) ? given : randomToken();
    const testNow = config.NODE_ENV === 'test' ? Date.parse(req.get('x-test-now') ?? '') : Number.NaN;
    const now = Number.isNaN(testNow) ? new Date() : new Date(testNow);
    const asked = readLocale(req.get('accept-language'));
    Object.assign(res.locals, {
      requestId,
      now,
      locale: asked ?? 'uz',
      isLocaleAsked: asked !== null,
    } satisfies RequestState);
    res.setHeader('X-Request-Id', requestId);
    const startedAt = performance.now();
    res.on('finish', () => {
      const ms = Math.round((performance.now() - startedAt) * 10) / 10;
      // The path alone: queries may hold what people search for.
      log.info(
        { request_id: requestId, method: req.method, path: loggedPath(req.path), status: res.statusCode, ms },
        'request',
      );
    });
    next();
  };
}

/** Probes come by address, so they answer any host. */
const probes = new Set(['/healthz', '/readyz', '/healthz/', '/readyz/']);

export function isAllowedHost(config: Config, host: string | undefined): boolean {
  if (config.ALLOWED_HOSTS.includes('*')) return true;
  const name = /^(\[[0-9a-f:.]+\]|[^:]*)(:\d{1,5})?$/i.exec(host ?? '')?.[1];
  return name !== undefined && config.ALLOWED_HOSTS.includes(name.toLowerCase());
}

function ensureHost(config: Config): RequestHandler {
  return (req, _res, next) => {
    if (!probes.has(req.path) && !isAllowedHost(config, req.headers.host)) throw new AppError('invalid_host');
    next();
  };
}

function securityHeaders(config: Config): RequestHandler {
  return helmet({
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
    referrerPolicy: { policy: 'no-referrer' },
    strictTransportSecurity: config.DEBUG ? false : { maxAge: 31_536_000, includeSubDomains: true },
  });
}

function allowOrigins(config: Config): RequestHandler {
  return cors({
    origin: (origin, done) => done(null, origin !== undefined && config.CORS_ALLOWED_ORIGINS.includes(origin)),
    methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowedHeaders: [
      'Authorization',
      'Content-Type',
      'Accept-Language',
      'Idempotency-Key',
      'If-Match',
      'If-None-Match',
      'X-Request-Id',
    ],
    exposedHeaders: [
      'ETag',
      'Location',
      'Retry-After',
      'RateLimit',
      'RateLimit-Policy',
      'X-Request-Id',
      'Idempotent-Replayed',
    ],
    maxAge: 600,
  });
}

const acceptJson: RequestHandler = (req, res, next) => {
  if (!req.accepts(['application/json', 'application/problem+json'])) throw new AppError('not_acceptable');
  res.vary('Accept-Language').vary('Origin');
  next();
};

const parseJson = express.json({
  limit: BODY_LIMIT,
  inflate: false,
  strict: false,
  type: ['application/json', 'application/*+json'],
});

const jsonBody: RequestHandler = (req, res, next) => {
  const hasBody = req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;
  if (!hasBody) return next();
  if (!req.is(['application/json', 'application/*+json'])) throw new AppError('unsupported_media_type');
  parseJson(req, res, error => {
    if (error) return next(error);
    if (isTooComplex(req.body))
      return next(new AppError('validation_failed', { fields: [{ path: '', code: 'too_complex' }] }));
    next();
  });
};

function refuseMethod(methods: ReadonlySet<string>): RequestHandler {
  return (_req, res) => {
    res.setHeader('Allow', [...methods].join(', '));
    throw new AppError('method_not_allowed');
  };
}

const bodyErrors: Record<string, AppError['code']> = {
  'entity.parse.failed': 'bad_json',
  'entity.too.large': 'payload_too_large',
  'encoding.unsupported': 'unsupported_media_type',
  'charset.unsupported': 'unsupported_media_type',
  'request.size.invalid': 'bad_json',
};

function refusalOf(error: unknown): AppError {
  const type = (error as { type?: string })?.type;
  if (type !== undefined && bodyErrors[type]) return new AppError(bodyErrors[type]);
  // A path that is no valid percent-encoding.
  if (error instanceof URIError) return new AppError('not_found');
  return asAppError(error);
}

function answerError({ log }: Parts): ErrorRequestHandler {
  return (thrown, req, res, _next) => {
    const error = refusalOf(thrown);
    const { requestId, locale } = stateOf(res);
    if (error.code === 'internal' || error.code === 'unavailable')
      log.error({ request_id: requestId, err: error.cause ?? error }, error.code);
    if (res.headersSent) return void res.destroy();
    const { status } = errorCatalogue[error.code];
    const { title, detail } = describeError(error.code, error.details, locale);
    const err = presentError(error, requestId, detail);
    res.setHeader('Content-Language', locale);
    if (status === 401) res.setHeader('WWW-Authenticate', 'Bearer');
    if (err.retry_after_ms !== undefined) res.setHeader('Retry-After', Math.ceil(err.retry_after_ms / 1000));
    if (!res.getHeader('Cache-Control')) res.setHeader('Cache-Control', 'private, no-store');
    const { code, message: _, ...rest } = err;
    const problem = {
      type: `/problems/${code}`,
      title,
      status,
      detail,
      instance: req.path,
      code,
      ...rest,
    };
    res.status(status).type('application/problem+json').send(JSON.stringify(problem));
  };
}
