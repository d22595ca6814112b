/**
 * Chat against three small servers, on one durable PostgreSQL, side by side (docs/chat.md says what is measured).
 * `npm run bench -- chat [--rounds 3] [--seconds 5] [--pairs 200]`
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { startEmbeddedPostgres } from '../src/common/embedded-postgres.ts';
import { readThreads, readUsers } from './baselines/threads.ts';
import type { Load, Measured } from './chat/load.ts';
import { cpuSeconds } from './support/cpu.ts';
import { runNode, type Started, startNode } from './support/processes.ts';
import { median, percentile, table } from './support/stats.ts';

const root = join(import.meta.dirname, '..');
const SECRET_KEY = 'a secret key of benchmarks, longer than 32 bytes';
const WARM_UP_MS = 1_500;

interface Subject {
  name: string;
  server: Started;
  /** The pid of the PostgreSQL it uses. */
  databasePid: number | null;
  bell: boolean;
}

interface Round extends Measured {
  serverCpu: number;
  databaseCpu: number;
}

interface Setting {
  title: string;
  pairs: number;
  inFlight: number;
}

export async function run(options: string[]): Promise<void> {
  const { values } = parseArgs({
    args: options,
    options: {
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '5' },
      pairs: { type: 'string', default: '200' },
      only: { type: 'string' },
    },
  });
  const [rounds, seconds, pairs] = [values.rounds, values.seconds, values.pairs].map(Number) as [
    number,
    number,
    number,
  ];
  const folder = await mkdtemp(join(tmpdir(), 'parthub-bench-'));
  const postgres = await startEmbeddedPostgres({ dataDir: join(folder, 'pg') });
  let subjects: Subject[] = [];
  try {
    const seedFile = await seedPairs(folder, postgres.url, pairs);
    subjects = await startSubjects(folder, postgres.url, seedFile);
    const chosen = subjects.filter(one => !values.only || values.only.split(',').includes(one.name));
    const settings: Setting[] = [
      { title: `${pairs} pairs, 8 in flight`, pairs, inFlight: 8 },
      { title: `${pairs} pairs, 1 in flight`, pairs, inFlight: 1 },
      { title: 'one pair, 1 in flight', pairs: 1, inFlight: 1 },
    ];
    process.stdout.write(
      `${cpus().length} cores, ${cpus()[0]?.model}; durable PostgreSQL; medians of ${rounds} rounds of ${seconds} s\n`,
    );
    for (const setting of settings) {
      const results = await compare(chosen, seedFile, setting, rounds, seconds * 1000);
      process.stdout.write(`\n${setting.title}\n${describe(results)}\n`);
    }
  } finally {
    for (const { server } of subjects) await server.stop();
    await postgres.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

const environment = (folder: string, url: string): Record<string, string> => ({
  ...{ DATABASE_URL: url, DATA_DIR: folder, SECRET_KEY, DEBUG: '1', HOST: '127.0.0.1', PORT: '0' },
  ...{ RATE_LIMITS: 'off', ACCESS_TTL: '86400', LOG_LEVEL: 'info' },
});

/** Users, posts and threads of Parthub; the baselines take the same ids. */
async function seedPairs(folder: string, url: string, pairs: number): Promise<string> {
  const cli = join(root, 'src/cli.ts');
  const env = environment(folder, url);
  const seedFile = join(folder, 'seed.ndjson');
  const counts = ['--users', `${pairs * 2}`, '--posts', `${pairs}`, '--threads', `${pairs}`];
  await runNode(cli, ['migrate'], env);
  await runNode(cli, ['seed:load', ...counts, '--out', seedFile], env);
  return seedFile;
}

async function startSubjects(folder: string, url: string, seedFile: string): Promise<Subject[]> {
  const databasePid = await postmasterPid(join(folder, 'pg'));
  const listens = /listens on (http:[^ ]+)/;
  const baseline = async (name: string, usesDatabase = true) => {
    const target = usesDatabase ? await createDatabase(url, `bench_${name.replace('-', '_')}`) : '';
    const server = await startNode(
      join(root, `bench/baselines/${name}.ts`),
      [seedFile],
      { DATABASE_URL: target },
      listens,
    );
    return { name, server, databasePid: usesDatabase ? databasePid : null, bell: false };
  };
  const server = await startNode(join(root, 'src/main.ts'), [], environment(folder, url), listens);
  return [
    await baseline('relay', false),
    await baseline('per-message'),
    await baseline('per-statement'),
    { name: 'parthub', server, databasePid, bell: true },
  ];
}

async function createDatabase(url: string, name: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`create database ${name}`);
  await client.end();
  const target = new URL(url);
  target.pathname = name;
  return target.href;
}

async function postmasterPid(dataDir: string): Promise<number> {
  return Number((await readFile(join(dataDir, 'postmaster.pid'), 'utf8')).split('\n')[0]);
}

/** Round by round one after the other, so that whatever slows the machine slows all of them. */
async function compare(
  subjects: readonly Subject[],
  seedFile: string,
  { pairs, inFlight }: Setting,
  rounds: number,
  measureMs: number,
): Promise<Map<string, Round[]>> {
  const users = readUsers(seedFile);
  const threads = [...readThreads(seedFile).values()].slice(0, pairs);
  const talks = threads.map(({ thread_id, buyer_id, seller_id }) => ({
    thread_id,
    sender: users.get(buyer_id)!,
    recipient: users.get(seller_id)!,
  }));
  const results = new Map<string, Round[]>(subjects.map(one => [one.name, []]));
  for (let round = 0; round < rounds; round += 1)
    for (const subject of subjects) {
      const load = {
        url: subject.server.match,
        pairs: talks,
        inFlight,
        warmUpMs: WARM_UP_MS,
        measureMs,
        bell: subject.bell,
      };
      results.get(subject.name)!.push(await measure(subject, load));
    }
  return results;
}

async function measure({ server, databasePid }: Subject, load: Load): Promise<Round> {
  const child = spawn(process.execPath, [join(root, 'bench/chat/load.ts')], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify(load));
  const usage = () => ({
    server: cpuSeconds(server.pid),
    database: databasePid === null ? 0 : cpuSeconds(databasePid),
  });
  let [before, after] = [usage(), usage()];
  let measured: Measured | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'begin') before = usage();
    else if (line === 'end') after = usage();
    else if (line.startsWith('{')) measured = JSON.parse(line);
  }
  if (!measured) throw new Error('the load ended without a result');
  return { ...measured, serverCpu: after.server - before.server, databaseCpu: after.database - before.database };
}

function describe(results: ReadonlyMap<string, Round[]>): string {
  const of = (name: string, read: (round: Round) => number) => median((results.get(name) ?? []).map(read));
  const rate = (round: Round) => round.messages / round.seconds;
  const cpu = (round: Round) => ((round.serverCpu + round.databaseCpu) / round.messages) * 1e6;
  const ms = (value: number) => value.toFixed(1);
  const header = [
    '',
    'messages/s',
    'ack p50',
    'p95',
    'p99',
    'delivery p50',
    'p95',
    'p99 ms',
    'server µs',
    'database µs',
    'disordered',
    'failed',
  ];
  const lines = [...results.keys()].map(name => [
    name,
    of(name, rate).toFixed(0),
    ...[50, 95, 99].map(percent => ms(of(name, round => percentile(round.ackMs, percent)))),
    ...[50, 95, 99].map(percent => ms(of(name, round => percentile(round.deliveryMs, percent)))),
    of(name, round => (round.serverCpu / round.messages) * 1e6).toFixed(0),
    of(name, round => (round.databaseCpu / round.messages) * 1e6).toFixed(0),
    of(name, round => round.disordered).toFixed(0),
    of(name, round => round.failures).toFixed(0),
  ]);
  const ours = results.has('parthub');
  const ratios = ours
    ? [...results.keys()]
        .filter(name => name !== 'parthub')
        .map(name => {
          const speed = of('parthub', rate) / of(name, rate);
          return `parthub / ${name}: ${speed.toFixed(2)} × the messages, 1/${(of(name, cpu) / of('parthub', cpu)).toFixed(1)} of the CPU per message`;
        })
    : [];
  return [table([header, ...lines]), ...ratios].join('\n');
}
