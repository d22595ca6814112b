import express, { type Express, type RequestHandler } from 'express';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { Authenticate } from './auth.ts';
import type { UseCase } from './context.ts';
import { AppError } from './errors.ts';
import type { Executor, Run } from './execute.ts';
import { createFormGate } from './http/form-gate.ts';
import { countRefused, type HandleOptions, operationHandler } from './http/operation.ts';
import { answerError, refuseMethod } from './http/problems.ts';
import {
  allowOrigins,
  answerAs,
  beginRequest,
  ensureHost,
  ensureShortUrl,
  jsonBody,
  securityHeaders,
  traceRequests,
} from './http/request.ts';
import type { Idempotency } from './idempotency.ts';
import type { Limits } from './limits.ts';
import type { HttpPath, Operation } from './operations.ts';
import type { Tracing } from './tracing.ts';

interface Parts {
  config: Config;
  log: Logger;
  executor: Executor;
  authenticate: Authenticate;
  limits: Pick<Limits, 'spendRequest'>;
  idempotency: Idempotency;
  tracing: Tracing;
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

/** The HTTP door: who asks, what they ask, how to answer (rest.md, section 1). It holds no rule of the product. */
export function createHttpDoor(parts: Parts): HttpDoor {
  const { config, executor } = parts;
  const methodsByPath = new Map<string, Set<string>>();
  const readJson = countRefused(parts, jsonBody(config));
  const means = { ...parts, enterForm: createFormGate(config) };
  const app = express();
  app.set('case sensitive routing', true);
  app.set('query parser', 'simple');
  app.set('trust proxy', config.TRUST_PROXY);
  app.set('etag', false);
  app.use(beginRequest(parts));
  if (parts.tracing.isOn) app.use(traceRequests(parts.tracing));
  app.use(ensureShortUrl, ensureHost(config), securityHeaders(config), allowOrigins(config));

  function route(path: HttpPath, handlers: RequestHandler[]): void {
    const [method, template] = path.split(' ') as [string, string];
    const expressPath = template.replace(/\{(\w+)\}/g, ':$1');
    methodsByPath.set(expressPath, (methodsByPath.get(expressPath) ?? new Set()).add(method));
    app[method.toLowerCase() as 'get'](expressPath, ...handlers);
  }

  return {
    app,
    handle(operation, useCase, options = {}) {
      const run = executor.bind(operation, useCase) as Run<Operation>;
      for (const path of [operation.http ?? []].flat()) {
        const handler = operationHandler(means, { operation, path, run, options: options as HandleOptions<Operation> });
        const accept = answerAs(operation.stream ?? 'application/json');
        route(path, options.readForm ? [accept, handler] : [accept, readJson, handler]);
      }
    },
    raw: (path, ...handlers) => route(path, handlers),
    seal() {
      // `app.all` would add one for each method there is.
      for (const [path, methods] of methodsByPath) app.route(path).all(refuseMethod(methods));
      app.use(() => {
        throw new AppError('not_found');
      });
      app.use(answerError(parts.log));
    },
  };
}
