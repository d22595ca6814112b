import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import express, { type RequestHandler } from 'express';
import type { Config } from '../config.ts';

export const UPLOADS_PATH = '/uploads';

/** Where images are kept. */
export interface Storage {
  write(fileName: string, content: Buffer): Promise<void>;
  remove(fileName: string): Promise<void>;
}

export function diskStorage(config: Config): Storage {
  const folder = config.UPLOAD_DIR;
  return {
    async write(fileName, content) {
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, fileName), content, { flag: 'wx' });
    },
    remove: fileName => rm(join(folder, fileName), { force: true }),
  };
}

/** Serves images as nothing but images: their names are random and never change, scripts in them never run. */
export function serveUploads(config: Config): RequestHandler {
  const serve = express.static(config.UPLOAD_DIR, {
    index: false,
    dotfiles: 'deny',
    immutable: true,
    maxAge: '365d',
    redirect: false,
  });
  return (req, res, next) => {
    if (!/^\/[\w-]{22}(\.thumb)?\.webp$/.test(req.path)) return next();
    res.setHeader('X-Content-Type-Options', 'nosniff');
    res.setHeader('Content-Security-Policy', "default-src 'none'; sandbox");
    res.setHeader('Cross-Origin-Resource-Policy', 'cross-origin');
    serve(req, res, next);
  };
}
