import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import express, { type CookieOptions, type RequestHandler, type Response } from 'express';
import type { Config } from '../config.ts';
import type { Authenticate } from './auth.ts';
import { AppError } from './errors.ts';
import { stateOf } from './http/request.ts';
import type { HttpDoor } from './http.ts';

const DOCS_PATH = '/api/docs/';
const COOKIE = 'parthub_docs';
const pages = join(import.meta.dirname, 'docs-pages');

/** No script but our own files, no connection but to this server; Swagger UI draws its icons as data. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/**
 * The pages of the documents: open with DEBUG, else to staff alone; for others they do not exist. A browser cannot send a
 * token with a page, so the first request with one opens them in that browser for as long as the token lives.
 */
export function serveDocs(http: HttpDoor, config: Config, authenticate: Authenticate): void {
  const guard = config.DEBUG ? passOn : staffOnly(config, authenticate);
  http.raw(`GET ${DOCS_PATH}`, guard, page('rest.html'));
  http.raw(`GET ${DOCS_PATH}events/`, guard, page('events.html'));
  http.app.use(`${DOCS_PATH}assets`, guard, files(pages), files(swaggerFolder()));
}

const passOn: RequestHandler = (_req, _res, next) => next();

function staffOnly({ PUBLIC_URL }: Config, authenticate: Authenticate): RequestHandler {
  const secure = PUBLIC_URL.startsWith('https:');
  const cookie: CookieOptions = { path: DOCS_PATH, httpOnly: true, sameSite: 'strict', secure };
  return async (req, res, next) => {
    const given = /^Bearer +(\S+)$/i.exec(req.get('authorization') ?? '')?.[1];
    const kept = new RegExp(`(?:^|; )${COOKIE}=([^;]+)`).exec(req.get('cookie') ?? '')?.[1];
    const actor = await authenticate(given ?? kept ?? '', stateOf(res).now).catch(() => null);
    // as everywhere for staff: with the second step of their login
    if (!actor?.isStaff || !actor.amr.includes('otp') || !actor.amr.includes('pwd')) throw new AppError('not_found');
    if (given) res.cookie(COOKIE, given, { ...cookie, expires: actor.tokenExpiresAt });
    next();
  };
}

function page(name: string): RequestHandler {
  return (_req, res) => {
    openPolicy(res);
    res.sendFile(name, { root: pages, cacheControl: false });
  };
}

function openPolicy(res: Response): void {
  res.setHeader('Content-Security-Policy', POLICY);
  res.setHeader('Cache-Control', 'private, no-store');
}

/** Scripts and styles alone: neither source maps nor other people's pages. */
function files(root: string): RequestHandler {
  const serve = express.static(root, { index: false, redirect: false, cacheControl: false });
  return (req, res, next) => (/\.(js|css)$/.test(req.path) ? serve(req, res, next) : next());
}

const swaggerFolder = () => dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
