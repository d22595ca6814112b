import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import express, { type RequestHandler } from 'express';
import { AppError } from '../common/errors.ts';
import type { Config } from '../config.ts';

const folder = join(import.meta.dirname, '../../static/admin');
const NONCE = '__CSP_NONCE__';
const assets = express.static(join(folder, 'assets'), {
  immutable: true,
  maxAge: '365d',
  index: false,
  redirect: false,
});

/**
 * The panel at /admin/: one page, whose scripts are ours alone, whose styles carry a nonce of this answer (S-57). The names of its
 * assets change with their content.
 */
export function servePanel(config: Config): RequestHandler {
  const file = join(folder, 'index.html');
  const page = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  return (req, res, next) => {
    if (req.method !== 'GET' && req.method !== 'HEAD') return next();
    if (req.path.startsWith('/assets/')) {
      req.url = req.url.replace(/^\/assets/, '');
      return assets(req, res, error => next(error ?? new AppError('not_found')));
    }
    if (req.path !== '/' || page === undefined) return next();
    const nonce = randomBytes(16).toString('base64');
    res.setHeader('Content-Security-Policy', policy(config, nonce));
    res.setHeader('Cache-Control', 'no-store');
    res.type('html').send(page.replaceAll(NONCE, nonce));
  };
}

function policy({ S3_ENDPOINT, S3_PUBLIC_URL }: Config, nonce: string): string {
  const images = [S3_PUBLIC_URL ?? S3_ENDPOINT].flatMap(url => (url ? [new URL(url).origin] : []));
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    ["img-src 'self' data:", ...images].join(' '),
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ');
}
