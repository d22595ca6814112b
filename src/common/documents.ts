import { readFileSync } from 'node:fs';
import type { RequestHandler } from 'express';
import type { Contract } from './operations.ts';

type Build = (contracts: Record<string, Contract>, version: string) => object;

/** A document of the contracts, made when it is first asked for; until then what makes it is not even loaded. */
export function serveDocument(contracts: Record<string, Contract>, load: () => Promise<Build>): RequestHandler {
  let document: Promise<string> | undefined;
  return async (_req, res) => {
    document ??= load().then(build => JSON.stringify(build(contracts, packageVersion())));
    res.setHeader('Cache-Control', 'public, max-age=30');
    res.type('application/json').send(await document);
  };
}

export const openApi = async (): Promise<Build> => (await import('./openapi.ts')).buildOpenApi;
export const asyncApi = async (): Promise<Build> => (await import('./asyncapi.ts')).buildAsyncApi;

export function packageVersion(): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version;
}
