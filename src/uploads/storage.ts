import { access, constants, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AwsClient } from 'aws4fetch';
import express, { type RequestHandler } from 'express';
import { AppError } from '../common/errors.ts';
import { type Config, ConfigError } from '../config.ts';

export const UPLOADS_PATH = '/uploads';

/** Where images are kept. */
export interface Storage {
  write(fileName: string, content: Buffer): Promise<void>;
  remove(fileName: string): Promise<void>;
}

/** A folder of this machine, or an S3-compatible bucket where one is set. */
export function openStorage(config: Config): Storage {
  return config.S3_ENDPOINT ? bucketStorage(config) : diskStorage(config);
}

/** What the address of an image begins with; the server itself serves no image of a bucket. */
export function imagesUrl({ S3_ENDPOINT, S3_BUCKET, S3_PUBLIC_URL }: Config): string {
  if (!S3_ENDPOINT) return UPLOADS_PATH;
  return S3_PUBLIC_URL?.replace(/\/$/, '') ?? bucketUrl({ S3_ENDPOINT, S3_BUCKET });
}

function bucketUrl({ S3_ENDPOINT, S3_BUCKET }: Pick<Config, 'S3_ENDPOINT' | 'S3_BUCKET'>): string {
  return `${S3_ENDPOINT!.replace(/\/$/, '')}/${S3_BUCKET}`;
}

const TIMEOUT_MS = 10_000;

/** Path-style addresses, which every S3-compatible store understands. Throws unavailable: nothing was stored, or may be again. */
function bucketStorage(config: Config): Storage {
  const client = new AwsClient({
    accessKeyId: config.S3_ACCESS_KEY_ID!,
    secretAccessKey: config.S3_SECRET_ACCESS_KEY!,
    ...{ region: config.S3_REGION, service: 's3', retries: 2 },
  });
  async function call(fileName: string, request: RequestInit): Promise<void> {
    const url = `${bucketUrl(config)}/${fileName}`;
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await client.fetch(url, { ...request, signal, redirect: 'error' }).catch((error: Error) => {
      throw new AppError('unavailable', undefined, error);
    });
    const text = await response.text();
    if (!response.ok)
      throw new AppError('unavailable', undefined, new Error(`S3: ${response.status} ${text.slice(0, 300)}`));
  }
  return {
    write: (fileName, content) =>
      call(fileName, {
        method: 'PUT',
        body: new Uint8Array(content),
        headers: { 'Content-Type': 'image/webp', 'Cache-Control': 'public, max-age=31536000, immutable' },
      }),
    // A name that is not there is no error of S3.
    remove: fileName => call(fileName, { method: 'DELETE' }),
  };
}

/** Before the server starts: otherwise the first upload would tell. Throws `ConfigError`. */
export async function ensureStorage({ S3_ENDPOINT, UPLOAD_DIR }: Config): Promise<void> {
  if (S3_ENDPOINT) return;
  try {
    await mkdir(UPLOAD_DIR, { recursive: true });
    await access(UPLOAD_DIR, constants.W_OK | constants.X_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigError(`UPLOAD_DIR: this folder cannot be written (${code})`);
  }
}

function diskStorage(config: Config): Storage {
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
