import type { Busboy } from 'busboy';
import type { Request } from 'express';
import { AppError } from '../errors.ts';

/**
 * Reads a form of one `file` and a few short fields into `req.body`: `{ file: { name, content }, … }`. The file is read as it
 * comes and never beyond its limit. Throws unsupported_media_type, validation_failed, payload_too_large.
 */
export async function readForm(req: Request, maxBytes: number): Promise<void> {
  if (!req.is('multipart/form-data')) throw new AppError('unsupported_media_type');
  const form = await openForm(req, maxBytes);
  const fields: Record<string, unknown> = {};
  form.on('field', (name, value) => {
    if (/^[a-z_]{1,40}$/.test(name)) fields[name] = value;
  });
  try {
    await new Promise<void>((resolve, reject) => {
      form.on('file', (name, stream, { filename }) => {
        const chunks: Buffer[] = [];
        stream.on('data', chunk => chunks.push(chunk));
        stream.on('limit', () => reject(new AppError('payload_too_large', { max_bytes: maxBytes })));
        stream.on('end', () => {
          if (name === 'file') fields['file'] = { name: filename ?? '', content: Buffer.concat(chunks) };
        });
      });
      form.on('error', () => reject(invalidForm()));
      form.on('close', resolve);
      req.once('close', () => req.complete || reject(invalidForm()));
      req.pipe(form);
    });
  } finally {
    req.unpipe(form);
    req.resume();
  }
  req.body = fields;
}

async function openForm(req: Request, maxBytes: number): Promise<Busboy> {
  const { default: busboy } = await import('busboy');
  try {
    // Of a file that is exactly as long as its limit it says that it is too long.
    const limits = { files: 1, fileSize: maxBytes + 1, fields: 10, fieldSize: 1_000 };
    return busboy({ headers: req.headers, defParamCharset: 'utf8', limits });
  } catch {
    throw invalidForm();
  }
}

function invalidForm(): AppError {
  return new AppError('validation_failed', { fields: [{ path: '', code: 'invalid_form' }] });
}
