import { createHash, hash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Request, RequestHandler, Response } from 'express';
import type { Config } from '../../config.ts';
import type { Authenticate } from '../auth.ts';
import type { Actor } from '../context.ts';
import { asAppError } from '../database.ts';
import { AppError } from '../errors.ts';
import type { RawCall, Run } from '../execute.ts';
import { type Attempt, type Idempotency, idOf, readIdempotencyKey, type StoredAnswer } from '../idempotency.ts';
import { newId } from '../ids.ts';
import type { LimitState, Limits } from '../limits.ts';
import type { HttpPath, Operation, Output } from '../operations.ts';
import { actorOf } from './actor.ts';
import type { FormGate } from './form-gate.ts';
import { type ReadRaw, rawInputOf } from './input.ts';
import { challenge, presentProblem } from './problems.ts';
import { addressOf, stateOf, userAgentOf } from './request.ts';

export interface HandleOptions<O extends Operation> {
  /** Headers that come from the answer: Location, ETag. */
  headers?: (output: Output<O>) => Record<string, string>;
  /** Reads a form into `req.body`, once it is known who asks and few enough are under way. */
  readForm?: (req: Request) => Promise<void>;
}

interface Parts {
  config: Config;
  authenticate: Authenticate;
  limits: Pick<Limits, 'spendRequest'>;
  enterForm: FormGate;
  idempotency: Idempotency;
}

interface Bound {
  operation: Operation;
  path: HttpPath;
  run: Run<Operation>;
  options: HandleOptions<Operation>;
}

/** Who asks, what they ask, how to answer: one operation at one path. */
export function operationHandler(parts: Parts, bound: Bound): RequestHandler {
  const { operation, path, run, options } = bound;
  const readRaw = rawInputOf(operation, path);

  async function answer(req: Request, res: Response, call: Omit<RawCall, 'raw'>): Promise<void> {
    const { actor } = call;
    const attempt = attemptOf(operation, req, res, actor);
    const stored = attempt && (await parts.idempotency.begin(attempt));
    if (stored) return replay(res, stored);
    const makeId = (field: string) => (attempt ? idOf(attempt, field) : newId());
    const answerTo = (output: Output<Operation>) => answerOf(bound, req, res, parts.config, output);
    const keeper = attempt && keeperOf(parts.idempotency, attempt, answerTo);
    const ask = () => answerPathErrors(readRaw, () => run({ ...call, raw: readRaw(req, makeId), keep: keeper?.keep }));
    if (operation.stream) {
      const output = await ask();
      return stream(res, operation.stream, options.headers?.(output) ?? {}, output as AsyncIterable<string>);
    }
    const produce = async () => answerTo(await ask());
    const made = keeper ? await remember(keeper, req, res, produce) : await produce();
    if (isPublic(operation, req)) res.setHeader('Cache-Control', 'public, max-age=30');
    send(res, operation.isTagged ? tagged(req, made) : made);
  }
  return async (req, res) => {
    const actor = await readActor(parts, operation, req, res);
    beginAnswer(res, actor);
    const call = callOf(req, res, actor);
    parts.limits.spendRequest(call);
    if (!options.readForm) return answer(req, res, call);
    const leave = parts.enterForm(actor?.userId ?? call.ip);
    try {
      await options.readForm(req);
      await answer(req, res, call);
    } finally {
      leave();
    }
  };
}

function callOf(req: Request, res: Response, actor: Actor | null): Omit<RawCall, 'raw'> {
  const { requestId, now, locale } = stateOf(res);
  const [ip, userAgent] = [addressOf(req), userAgentOf(req.headers)];
  return { requestId, now, locale, actor, ip, userAgent, reportLimit: state => tellLimit(res, state) };
}

/** The tightest budget that the call has spent of. */
function tellLimit(res: Response, { name, points, windowSec, remaining, resetSec }: LimitState): void {
  const told = res.locals['remaining'] as number | undefined;
  if (told !== undefined && told <= remaining) return;
  res.locals['remaining'] = remaining;
  res.setHeader('RateLimit-Policy', `"${name}";q=${points};w=${windowSec}`);
  res.setHeader('RateLimit', `"${name}";r=${Math.max(0, remaining)};t=${resetSec}`);
}

function beginAnswer(res: Response, actor: Actor | null): void {
  const state = stateOf(res);
  if (actor && !state.isLocaleAsked) state.locale = actor.locale;
  res.setHeader('Content-Language', state.locale);
  res.setHeader('Cache-Control', 'private, no-store');
}

/** Whether caches may give the answer to others too. A refusal never: it may be of this caller alone. */
function isPublic({ access, kind }: Operation, { headers }: Request): boolean {
  const isForAll = access === 'public' || access === 'lenient';
  return isForAll && kind === 'query' && headers.authorization === undefined;
}

function answerOf(
  { operation, options }: Bound,
  req: Request,
  res: Response,
  config: Config,
  output: Output<Operation>,
): StoredAnswer {
  const status = operation.status === 201 && operation.isRepeat?.(output) ? 200 : (operation.status ?? 200);
  const view = operation.paged ? withPageLinks(output, req.originalUrl, config) : output;
  const headers = { ...languageOf(res), ...options.headers?.(output) };
  return { status, headers, body: status === 204 ? null : JSON.stringify(view) };
}

/** Kept with an answer: a repeat may ask for another language, and gets the words of the first. */
const languageOf = (res: Response) => ({ 'Content-Language': stateOf(res).locale });

function send(res: Response, { status, headers, body }: StoredAnswer): void {
  // Express would compare tags by itself. That of a revision is for If-Match: counts and favourites change without it.
  delete res.req.headers['if-none-match'];
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
  if (body === null) res.status(status).end();
  else
    res
      .status(status)
      .type(status < 400 ? 'application/json' : 'application/problem+json')
      .send(body);
}

/** The first piece is awaited, so that what fails at once is still a problem and no half of a file. */
async function stream(
  res: Response,
  type: string,
  headers: Record<string, string>,
  pieces: AsyncIterable<string>,
): Promise<void> {
  const iterator = pieces[Symbol.asyncIterator]();
  const first = await iterator.next();
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
  res.status(200).type(type);
  async function* all() {
    if (!first.done) yield first.value;
    yield* { [Symbol.asyncIterator]: () => iterator };
  }
  // Who goes away in the middle has what they have.
  await pipeline(Readable.from(all()), res).catch(() => res.destroy());
}

/** `If-None-Match` compares weakly (RFC 9110, 13.1.2). */
function tagged(req: Request, answer: StoredAnswer): StoredAnswer {
  const tag = `"${createHash('sha256')
    .update(answer.body ?? '')
    .digest('base64url')
    .slice(0, 22)}"`;
  const held = (req.get('if-none-match') ?? '').split(',').map(one => one.trim().replace(/^W\//, ''));
  const headers = { ...answer.headers, ETag: tag };
  return held.includes(tag) || held.includes('*') ? { status: 304, headers, body: null } : { ...answer, headers };
}

function replay(res: Response, stored: StoredAnswer): void {
  res.setHeader('Idempotent-Replayed', 'true');
  send(res, stored);
}

function attemptOf(operation: Operation, req: Request, res: Response, actor: Actor | null): Attempt | null {
  const header = req.get('idempotency-key');
  if (header === undefined && operation.needsKey) throw new AppError('idempotency_key_required');
  if (header === undefined || req.method !== 'POST' || !actor || operation.isSecret) return null;
  const target = `POST ${req.path.replace(/\/?$/, '/')}`.slice(0, 200);
  const body = askedBy(operation, req);
  return { userId: actor.userId, target, key: readIdempotencyKey(header), body, now: stateOf(res).now };
}

/** What tells a repeat from another request. A file counts by its hash: as JSON it would be many times as long. */
function askedBy({ isForm, query = [] }: Operation, req: Request): unknown {
  if (isForm) {
    const { file, ...fields } = req.body as { file?: { name: string; content: Buffer } };
    return { ...fields, ...(file && { file: [file.name, hash('sha256', file.content)] }) };
  }
  const given = query.filter(name => Object.hasOwn(req.query, name));
  return given.length === 0 ? req.body : [req.body ?? null, given.map(name => [name, req.query[name]])];
}

interface Keeper {
  keep: NonNullable<RawCall['keep']>;
  isKept(): boolean;
  finish(answer: StoredAnswer | null): Promise<void>;
}

function keeperOf(
  idempotency: Idempotency,
  attempt: Attempt,
  answerTo: (output: Output<Operation>) => StoredAnswer,
): Keeper {
  let isKept = false;
  return {
    async keep(em, output) {
      await idempotency.keep(em, attempt, answerTo(output as Output<Operation>));
      isKept = true;
    },
    isKept: () => isKept,
    finish: answer => idempotency.finish(attempt, answer),
  };
}

/**
 * Keeps what the first request was answered, refusals too; but not that it was too early, or that we failed. What was given
 * may have been kept with its work, and what was kept with work that failed is gone with it.
 */
async function remember(
  keeper: Keeper,
  req: Request,
  res: Response,
  produce: () => Promise<StoredAnswer>,
): Promise<StoredAnswer> {
  try {
    const answer = await produce();
    if (!keeper.isKept()) await keeper.finish(answer);
    return answer;
  } catch (thrown) {
    const { requestId, locale } = stateOf(res);
    const { status, problem } = presentProblem(asAppError(thrown), { requestId, locale, path: req.path });
    const isFinal = status < 500 && status !== 429;
    const headers = { ...languageOf(res), ...(status === 401 && challenge) };
    await keeper.finish(isFinal ? { status, headers, body: JSON.stringify(problem) } : null);
    throw thrown;
  }
}

/** Bodies are read before it is known who asks: one that is refused spends of its address. */
export function countRefused({ limits }: Pick<Parts, 'limits'>, readBody: RequestHandler): RequestHandler {
  return (req, res, next) =>
    readBody(req, res, error => {
      if (!error) return next();
      try {
        limits.spendRequest(callOf(req, res, null));
        next(error);
      } catch (refused) {
        next(refused);
      }
    });
}

/** Who is let in by no token spends of their address, so that guessing one is no cheaper than any other request. */
async function readActor(parts: Parts, operation: Operation, req: Request, res: Response): Promise<Actor | null> {
  try {
    return await actorOf(parts.authenticate, operation, req.headers.authorization, stateOf(res).now);
  } catch (error) {
    parts.limits.spendRequest(callOf(req, res, null));
    throw error;
  }
}

/** An id in the path that is no id at all is answered like one that does not exist. */
async function answerPathErrors<T>({ pathFields }: ReadRaw, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const isInvalid = error instanceof AppError && error.code === 'validation_failed';
    const fields = isInvalid ? (error.details?.['fields'] as { path: string }[]) : [];
    if (fields.some(field => pathFields.has(field.path))) throw new AppError('not_found');
    throw error;
  }
}

function withPageLinks(output: { next_cursor: string | null }, originalUrl: string, config: Config): object {
  const { next_cursor, ...rest } = output;
  const url = new URL(originalUrl, config.PUBLIC_URL);
  if (next_cursor !== null) url.searchParams.set('cursor', next_cursor);
  return { ...rest, next: next_cursor === null ? null : url.pathname + url.search, next_cursor, previous: null };
}
