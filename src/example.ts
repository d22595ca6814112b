import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import express, { type RequestHandler } from 'express';
import { seedLoadUsers } from './accounts/service/load.ts';
import { seedLoadPosts, seedLoadProfiles } from './b2b/service/load.ts';
import { seedLoadThreads } from './chat/service/load.ts';
import type { Context } from './common/context.ts';
import type { Executor } from './common/execute.ts';
import { stateOf } from './common/http/request.ts';
import type { HttpDoor } from './common/http.ts';
import { loadId } from './common/load-ids.ts';

const folder = join(import.meta.dirname, '../example');
/** Only where the packages of developers are installed. */
const socketIoFolder = join(import.meta.dirname, '../node_modules/socket.io-client/dist');
const clientFolder = join(import.meta.dirname, 'client');
/** Of the import map, which must stand in the page itself. */
const IMPORT_MAP = '{"imports":{"parthub/client":"/example/client/index.ts","socket.io-client":"/example/socket.io-client.js"}}'; // biome-ignore format: its hash is taken

/** `/example/`: a buyer and a seller side by side, on nothing but the client package. Only with DEBUG: it logs both in. */
export function serveExample(http: HttpDoor, executor: Executor): void {
  const page = readFile(join(folder, 'index.html'), 'utf8').then(html => html.replace('{}', IMPORT_MAP));
  page.catch(() => {});
  http.raw('GET /example/', withPolicy, async (_req, res) => void res.type('html').send(await page));
  http.raw('POST /example/world/', async (_req, res) => {
    const request = { now: stateOf(res).now, requestId: stateOf(res).requestId, ip: '', userAgent: null };
    res.json(await executor.transaction(request, buildWorld));
  });
  http.raw('GET /example/client/{name}', async (req, res, next) => {
    const name = /^([\w-]+)\.ts$/.exec(String(req.params['name']))?.[1];
    const source = name && (await readFile(join(clientFolder, `${name}.ts`), 'utf8').catch(() => null));
    if (!source) return next();
    res.type('text/javascript').send(stripTypeScriptTypes(source));
  });
  http.raw('GET /example/socket.io-client.js', (_req, res, next) => {
    res.sendFile('socket.io.esm.min.js', { root: socketIoFolder, cacheControl: false }, error => error && next());
  });
  http.app.use('/example', express.static(folder, { index: false, redirect: false, cacheControl: false }));
}

const withPolicy: RequestHandler = (_req, res, next) => {
  const hash = createHash('sha256').update(IMPORT_MAP).digest('base64');
  const policy = [
    "default-src 'none'",
    `script-src 'self' 'sha256-${hash}'`,
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
  ];
  res.setHeader('Content-Security-Policy', policy.join('; '));
  next();
};

/** Far from the numbers of load tests. */
const BUYER = 9_000_001;
const SELLER = 9_000_002;
const TOKEN_TTL_SEC = 600;

/** Always the same two, with new sessions: nothing piles up, and what was said stays. */
async function buildWorld(ctx: Context<null>): Promise<object> {
  const [buyer, seller] = await seedLoadUsers(ctx, [BUYER, SELLER], TOKEN_TTL_SEC);
  await seedLoadProfiles(ctx, [buyer!, seller!]);
  const ids = { post_id: loadId('post', SELLER), buyer_id: buyer!.user_id, seller_id: seller!.user_id };
  await seedLoadPosts(ctx, [[SELLER]], () => ({ id: ids.post_id, author_id: ids.seller_id }));
  const [thread] = await seedLoadThreads(ctx, [{ n: SELLER, ...ids }]);
  return { buyer, seller, thread_id: thread!.thread_id, expires_in: TOKEN_TTL_SEC };
}
