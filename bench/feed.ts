/**
 * The board against a bare node:http and pg that runs the same SQL, on one durable PostgreSQL, side by side; how long searches
 * take, what a deep page costs, and what stored searches add to a publication.
 * `npm run bench -- feed [--posts 200000] [--rounds 5] [--requests 400]`
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { buildCore } from '../src/app.ts';
import { operations } from '../src/b2b/contract.ts';
import { listPosts } from '../src/b2b/service/feed.ts';
import { startEmbeddedPostgres } from '../src/common/embedded-postgres.ts';
import { createLog } from '../src/common/log.ts';
import { loadConfig } from '../src/config.ts';
import { readUsers } from './baselines/threads.ts';
import { call, measure } from './feed/requests.ts';
import { recordStatements, type Samples, storeSearches, takeSamples } from './feed/samples.ts';
import { cpuSeconds } from './support/cpu.ts';
import { runNode, type Started, startNode } from './support/processes.ts';
import { median, percentile, table } from './support/stats.ts';

const root = join(import.meta.dirname, '..');
const CLIENTS = 4;
const SEARCHES = 10_000;
const PUBLICATIONS = 20;
const DEEP_PAGES = 50;

interface Bench {
  url: string;
  token: string;
  database: pg.Client;
  databasePid: number;
  samples: Samples;
  userIds: string[];
}

export async function run(options: string[]): Promise<void> {
  const { values } = parseArgs({
    args: options,
    options: {
      posts: { type: 'string', default: '200000' },
      rounds: { type: 'string', default: '5' },
      requests: { type: 'string', default: '400' },
    },
  });
  const [rounds, requests] = [Number(values.rounds), Number(values.requests)];
  const folder = await mkdtemp(join(tmpdir(), 'parthub-bench-'));
  const postgres = await startEmbeddedPostgres({ dataDir: join(folder, 'pg') });
  const started: Started[] = [];
  const database = new pg.Client({ connectionString: postgres.url });
  try {
    const env = { ...environment, DATABASE_URL: postgres.url, DATA_DIR: folder };
    const users = await seed(env, join(folder, 'load.ndjson'), values.posts);
    await database.connect();
    const samples = await takeSamples(database, requests);
    const statements = join(folder, 'statements.json');
    await writeFile(statements, JSON.stringify(await statementsOf(env, users[0]!.user_id, samples)));
    const listens = /listens on (http:[^ ]+)/;
    started.push(await startNode(join(root, 'src/main.ts'), [], env, listens));
    started.push(await startNode(join(root, 'bench/baselines/feed.ts'), [statements], env, listens));
    const databasePid = Number((await readFile(join(folder, 'pg/postmaster.pid'), 'utf8')).split('\n')[0]);
    const userIds = users.map(({ user_id }) => user_id);
    const bench = { url: started[0]!.match, token: users[0]!.access, database, databasePid, samples, userIds };
    await compare(bench, started[0]!, started[1]!, rounds, requests);
    await measureSearches(bench);
    await measureDepth(bench);
    await measurePublications(bench, rounds);
  } finally {
    for (const one of started) await one.stop();
    await database.end();
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

const environment = {
  DEBUG: '1',
  PORT: '0',
  SECRET_KEY: 'a secret key of benchmarks, longer than 32 bytes',
  RATE_LIMITS: 'off',
  LOG_LEVEL: 'info',
};

function report(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function seed(
  env: Record<string, string>,
  file: string,
  posts: string,
): Promise<{ user_id: string; access: string }[]> {
  const cli = join(root, 'src/cli.ts');
  await runNode(cli, ['migrate'], env);
  const startedAt = performance.now();
  await runNode(cli, ['seed:load', '--users', '200', '--posts', posts, '--out', file], env);
  report(`${posts} posts were made in ${((performance.now() - startedAt) / 1000).toFixed(0)} s (goal: below 60)`);
  return [...readUsers(file).values()];
}

/** The statements of the first page, and of the search for each number, as the use-case runs them. */
async function statementsOf(env: Record<string, string>, userId: string, { parts }: Samples) {
  const config = loadConfig(env);
  const core = await buildCore(config, env['DATABASE_URL']!, {
    ...{ log: createLog(config, 2), push: () => {} },
    // Without the time limits, whose pool keeps the recorder out.
    isPatient: true,
  });
  const now = new Date();
  const actor = {
    ...{ userId, sessionId: '', role: 'user' as const, isStaff: false, locale: 'uz' as const },
    ...{ authAt: now, amr: [], tokenExpiresAt: now },
  };
  const list = core.executor.bind(operations.listPosts, listPosts);
  const read = (raw: object) => list({ now, requestId: 'bench', ip: '', userAgent: null, actor, raw });
  await read({});
  const feed = [await recordStatements(() => read({}))];
  const part = [];
  for (const q of parts.slice(0, 50)) part.push(await recordStatements(() => read({ q })));
  await core.orm.close();
  return { feed, part };
}

/** Server and database CPU of a request, round by round one after the other. */
async function compare(bench: Bench, parthub: Started, bare: Started, rounds: number, requests: number): Promise<void> {
  const each = (make: (n: number) => string) => Array.from({ length: requests }, (_, n) => make(n));
  const { parts } = bench.samples;
  const distinct = Math.min(50, parts.length);
  const api = `${parthub.match}/api/b2b/posts/`;
  const subjects = {
    'first page': {
      parthub: each(() => api),
      bare: each(() => `${bare.match}/feed/0`),
    },
    'part number': {
      parthub: each(n => `${api}?q=${encodeURIComponent(parts[n % distinct]!)}`),
      bare: each(n => `${bare.match}/part/${n % distinct}`),
    },
  };
  const lines = [['µs of CPU a request', 'parthub', 'bare', 'ratio', 'goal']];
  for (const [name, urls] of Object.entries(subjects)) {
    const costs = { parthub: [] as number[], bare: [] as number[] };
    for (let round = -1; round < rounds; round += 1)
      for (const [subject, server] of [
        ['parthub', parthub],
        ['bare', bare],
      ] as const) {
        const cpu = () => cpuSeconds(server.pid) + cpuSeconds(bench.databasePid);
        const before = cpu();
        await measure(urls[subject], CLIENTS, bench.token);
        // The first round only warms up.
        if (round >= 0) costs[subject].push(((cpu() - before) / requests) * 1e6);
      }
    const [ours, theirs] = [median(costs.parthub), median(costs.bare)];
    lines.push([name, ours.toFixed(0), theirs.toFixed(0), (ours / theirs).toFixed(2), '1.50']);
  }
  report(table(lines));
}

async function measureSearches({ url, token, samples }: Bench): Promise<void> {
  const lines = [['ms at 4 clients', 'p50', 'p99', 'goal']];
  for (const [name, queries, goal] of [
    ['part', samples.parts, '60'],
    ['word', samples.words, '60'],
    ['typo', samples.typos, '200'],
  ] as const) {
    const urls = queries.map(q => `${url}/api/b2b/posts/?q=${encodeURIComponent(q)}`);
    await measure(urls.slice(0, 40), CLIENTS, token);
    const waits = await measure(urls, CLIENTS, token);
    lines.push([name, percentile(waits, 50).toFixed(1), percentile(waits, 99).toFixed(1), goal]);
  }
  report(table(lines));
}

/** The page after 50 pages of 100 beside the first of as many posts. */
async function measureDepth({ url, token }: Bench): Promise<void> {
  const lines = [['ms a page', 'first', 'deep']];
  for (const ordering of ['-published_at', 'price', '-price']) {
    const first = `/api/b2b/posts/?limit=100&ordering=${ordering}`;
    let deep = first;
    for (let page = 0; page < DEEP_PAGES; page += 1) deep = (await call(url + deep, token)).body.next ?? deep;
    const waits = { first: [] as number[], deep: [] as number[] };
    for (let n = 0; n < 40; n += 1) {
      waits.first.push(...(await measure([url + first], 1, token)));
      waits.deep.push(...(await measure([url + deep], 1, token)));
    }
    lines.push([ordering, median(waits.first).toFixed(1), median(waits.deep).toFixed(1)]);
  }
  report(table(lines));
}

async function measurePublications({ url, token, database, samples, userIds }: Bench, rounds: number): Promise<void> {
  const waits = { none: [] as number[], stored: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    waits.none.push(...(await publish(url, token, samples)));
    await storeSearches(database, userIds, samples, SEARCHES);
    await database.query('analyze saved_searches');
    waits.stored.push(...(await publish(url, token, samples)));
    await database.query('delete from saved_searches');
  }
  const [none, stored] = [median(waits.none), median(waits.stored)];
  report(
    `a publication takes ${none.toFixed(1)} ms, with ${SEARCHES} stored searches ${stored.toFixed(1)} ms: ` +
      `${(stored - none).toFixed(1)} ms more (goal: below 50)`,
  );
}

async function publish(url: string, token: string, { words }: Samples): Promise<number[]> {
  const waits: number[] = [];
  for (let n = 0; n < PUBLICATIONS; n += 1) {
    const title = `${words[n % words.length]} cobalt ${randomUUID()}`;
    const post = {
      title,
      part_number: randomUUID(),
      brand: 'Bosch',
      price: '100000.00',
      currency: 'UZS',
      condition: 'used',
    };
    const startedAt = performance.now();
    const { status, body } = await call(`${url}/api/b2b/posts/`, token, post);
    waits.push(performance.now() - startedAt);
    if (status !== 201) throw new Error(`a post was refused: ${body.code}`);
  }
  return waits;
}
