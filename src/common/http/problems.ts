import type { ErrorRequestHandler, RequestHandler } from 'express';
import type { Logger } from 'pino';
import { asAppError } from '../database.ts';
import { AppError, errorCatalogue, presentError } from '../errors.ts';
import { describeError, type Locale } from '../messages.ts';
import { stateOf } from './request.ts';

const bodyErrors: Record<string, AppError['code']> = {
  'entity.parse.failed': 'bad_json',
  'entity.too.large': 'payload_too_large',
  'encoding.unsupported': 'unsupported_media_type',
  'charset.unsupported': 'unsupported_media_type',
  'request.size.invalid': 'bad_json',
  'request.aborted': 'bad_json', // nobody hears the answer
};

function refusalOf(error: unknown): AppError {
  const type = (error as { type?: string })?.type;
  if (type !== undefined && bodyErrors[type]) return new AppError(bodyErrors[type]);
  // A path that is no valid percent-encoding.
  if (error instanceof URIError) return new AppError('not_found');
  return asAppError(error);
}

/** Of every 401 (RFC 9110, 11.6.1). */
export const challenge = { 'WWW-Authenticate': 'Bearer' };

/** RFC 9457, with the fields of the socket's error beside it. */
export function presentProblem(
  error: AppError,
  about: { requestId: string; locale: Locale; path: string; isConditional?: boolean },
): { status: number; problem: object } {
  const status = error.code === 'conflict' && about.isConditional ? 412 : errorCatalogue[error.code].status;
  const { title, detail } = describeError(error.code, error.details, about.locale);
  const { code, message: _, ...rest } = presentError(error, about.requestId);
  return { status, problem: { type: `/problems/${code}`, title, status, detail, instance: about.path, code, ...rest } };
}

/** What a file that is served answers to a condition or a range that does not fit it: the status says it all. */
function statusOfFile(thrown: unknown): 412 | 416 | undefined {
  const status = (thrown as { status?: unknown }).status;
  return status === 412 || status === 416 ? status : undefined;
}

export function answerError(log: Logger): ErrorRequestHandler {
  return (thrown, req, res, _next) => {
    // In any case: a file may be kept for a year, and its headers are set already.
    if (!res.headersSent) res.setHeader('Cache-Control', 'private, no-store');
    const ofFile = statusOfFile(thrown);
    if (ofFile && !res.headersSent) return void res.status(ofFile).end();
    const error = refusalOf(thrown);
    const { requestId, locale } = stateOf(res);
    if (error.code === 'internal' || error.code === 'unavailable')
      log.error({ request_id: requestId, err: error.cause ?? error }, error.code);
    if (res.headersSent) return void res.destroy();
    const { status, problem } = presentProblem(error, {
      ...{ requestId, locale, path: req.path },
      isConditional: req.headers['if-match'] !== undefined,
    });
    const retryAfterMs = error.details?.retry_after_ms;
    if (status === 401) res.set(challenge);
    if (retryAfterMs !== undefined) res.setHeader('Retry-After', Math.ceil(retryAfterMs / 1000));
    res.setHeader('Content-Language', locale);
    res.status(status).type('application/problem+json').send(JSON.stringify(problem));
  };
}

export function refuseMethod(methods: ReadonlySet<string>): RequestHandler {
  return (_req, res) => {
    res.setHeader('Allow', [...methods].join(', '));
    throw new AppError('method_not_allowed');
  };
}
