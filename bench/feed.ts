/**
 * The board against a bare node:http and pg that runs the same SQL, on one durable PostgreSQL, side by side; how long searches
 * take, what a deep page costs, and what stored searches add to a publication.
 * `npm run bench -- feed [--posts 200000] [--rounds 5] [--requests 400]`
 */
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { buildCore } from '../src/app.ts';
import { operations } from '../src/b2b/contract.ts';
import { listPosts } from '../src/b2b/service/feed.ts';
import { createLog } from '../src/common/log.ts';
import { loadConfig } from '../src/config.ts';
import { call, measure } from './feed/requests.ts';
import { recordStatements, type Samples, storeSearches, takeSamples } from './feed/samples.ts';
import { cpuSeconds } from './support/cpu.ts';
import { OptionError, readSettings } from './support/options.ts';
import type { Goal, Outcome, Table } from './support/outcome.ts';
import type { Started } from './support/processes.ts';
import { percentile, ratioOf, spreadOf } from './support/stats.ts';
import { inWorld, type World } from './support/world.ts';

const USERS = 200;
const CLIENTS = 4;
const SEARCHES = 10_000;
const PUBLICATIONS = 20;
const [PAGE, DEEP_PAGES] = [100, 50];
/** Else the deep page is none. */
const LEAST_POSTS = PAGE * (DEEP_PAGES + 1);

interface Bench {
  url: string;
  token: string;
  database: pg.Client;
  databasePid: number;
  samples: Samples;
  userIds: string[];
}

type Part = Pick<Outcome, 'measured' | 'goals'>;

export async function run(args: string[]): Promise<Outcome> {
  const { posts, rounds, requests } = readSettings(args, { posts: 200_000, rounds: 5, requests: 400 });
  if (posts < LEAST_POSTS) throw new OptionError(`--posts is ${LEAST_POSTS} or more`);
  const beganAt = performance.now();
  return inWorld({ users: USERS, posts }, async world => {
    const seededInSec = (performance.now() - beganAt) / 1000;
    const database = new pg.Client({ connectionString: world.url });
    await database.connect();
    try {
      const samples = await takeSamples(database, requests);
      const [parthub, bare] = await startServers(world, samples);
      const userIds = world.users.map(({ user_id }) => user_id);
      const token = world.users[0]!.access;
      const bench = { url: parthub.match, token, database, databasePid: world.databasePid, samples, userIds };
      const parts = [await compare(bench, parthub, bare, rounds, requests)];
      parts.push(await measureSearches(bench), await measureDepth(bench), await measurePublications(bench, rounds));
      const seeded = { what: `a server with ${posts} posts is made`, unit: 's', atMost: 60, measured: seededInSec };
      return {
        settings: { posts, rounds, requests },
        measured: parts.flatMap(part => part.measured),
        goals: [...parts.flatMap(part => part.goals), seeded],
      };
    } finally {
      await database.end();
    }
  });
}

async function startServers(world: World, samples: Samples): Promise<[Started, Started]> {
  const file = join(world.folder, 'statements.json');
  await writeFile(file, JSON.stringify(await statementsOf(world.env, world.users[0]!.user_id, samples)));
  return [await world.startParthub(), await world.startBaseline('feed', { DATABASE_URL: world.url }, [file])];
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
async function compare(bench: Bench, parthub: Started, bare: Started, rounds: number, requests: number): Promise<Part> {
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
  const table: Table = { title: 'µs of CPU a request', columns: ['parthub', 'bare node:http and pg'], rows: [] };
  const goals: Goal[] = [];
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
    table.rows.push({ name, cells: [spreadOf(costs.parthub), spreadOf(costs.bare)] });
    const measured = ratioOf(costs.parthub, costs.bare);
    goals.push({ what: `${name}: CPU, parthub / bare`, unit: '×', atMost: 1.5, measured });
  }
  return { measured: [table], goals };
}

async function measureSearches({ url, token, samples }: Bench): Promise<Part> {
  const table: Table = { title: `a search, ms at ${CLIENTS} clients`, columns: ['p50', 'p99'], rows: [] };
  const goals: Goal[] = [];
  for (const [name, queries, atMost] of [
    ['part', samples.parts, 60],
    ['word', samples.words, 60],
    ['typo', samples.typos, 200],
  ] as const) {
    const urls = queries.map(q => `${url}/api/b2b/posts/?q=${encodeURIComponent(q)}`);
    await measure(urls.slice(0, 40), CLIENTS, token);
    const waits = await measure(urls, CLIENTS, token);
    const [p50, p99] = [percentile(waits, 50), percentile(waits, 99)];
    table.rows.push({ name, cells: [p50, p99] });
    goals.push({ what: `search by ${name}: p99`, unit: 'ms', atMost, measured: p99 });
  }
  return { measured: [table], goals };
}

/** The page after 50 pages of 100 beside the first of as many posts. */
async function measureDepth({ url, token }: Bench): Promise<Part> {
  const table: Table = { title: 'a page of 100, ms', columns: ['first', `after ${DEEP_PAGES} pages`], rows: [] };
  const goals: Goal[] = [];
  for (const ordering of ['-published_at', 'price', '-price']) {
    const first = `/api/b2b/posts/?limit=${PAGE}&ordering=${ordering}`;
    let deep = first;
    for (let page = 0; page < DEEP_PAGES; page += 1) deep = (await call(url + deep, token)).body.next ?? deep;
    const waits = { first: [] as number[], deep: [] as number[] };
    for (let n = 0; n < 40; n += 1) {
      waits.first.push(...(await measure([url + first], 1, token)));
      waits.deep.push(...(await measure([url + deep], 1, token)));
    }
    table.rows.push({ name: ordering, cells: [spreadOf(waits.first), spreadOf(waits.deep)] });
    // The same within what pages differ by anyway.
    const measured = spreadOf(waits.deep).median / spreadOf(waits.first).median;
    goals.push({ what: `by ${ordering}: time, deep page / first`, unit: '×', atMost: 1.2, measured });
  }
  return { measured: [table], goals };
}

async function measurePublications(bench: Bench, rounds: number): Promise<Part> {
  const { url, token, database, samples, userIds } = bench;
  const waits = { none: [] as number[], stored: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    waits.none.push(...(await publish(url, token, samples)));
    await storeSearches(database, userIds, samples, SEARCHES);
    await database.query('analyze saved_searches');
    waits.stored.push(...(await publish(url, token, samples)));
    await database.query('delete from saved_searches');
  }
  const [none, stored] = [spreadOf(waits.none), spreadOf(waits.stored)];
  const columns = ['no stored searches', `${SEARCHES} stored searches`];
  const goal = { what: `${SEARCHES} stored searches: a publication takes longer by`, unit: 'ms', atMost: 50 };
  return {
    measured: [{ title: 'ms', columns, rows: [{ name: 'a publication', cells: [none, stored] }] }],
    goals: [{ ...goal, measured: stored.median - none.median }],
  };
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
