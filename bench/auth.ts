import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Session, User } from '../src/accounts/entities.ts';
import { createFindSession } from '../src/accounts/service/live-sessions.ts';
import { createAuthenticate, signAccess } from '../src/common/auth.ts';
import { connect, migrate } from '../src/common/database.ts';
import { startEmbeddedPostgres } from '../src/common/embedded-postgres.ts';
import { newId } from '../src/common/ids.ts';
import { type Config, loadConfig } from '../src/config.ts';
import { entities } from '../src/entities.ts';
import { startNode } from './support/processes.ts';
import { median, percentile } from './support/stats.ts';

const CALLS = 20_000;
const ROUNDS = 5;
const LOGINS = 100;
const PROBES = 300;

/** What a request pays for being somebody's, and what a hundred logins at once cost everybody else. */
export async function run(): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'parthub-bench-auth-'));
  try {
    await measureTokens(dataDir);
    await measureLogins(join(dataDir, 'server'));
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function measureTokens(dataDir: string): Promise<void> {
  const postgres = await startEmbeddedPostgres({ dataDir: join(dataDir, 'pg') });
  const orm = await connect(entities, postgres.url);
  await migrate(orm);
  const config = loadConfig({
    DEBUG: '1',
    DATA_DIR: dataDir,
    SECRET_KEY: 'a key of this benchmark, longer than 32 bytes',
  });
  const tokens = await buildTokens(orm, config, 100);
  const authenticate = createAuthenticate(config, createFindSession(orm));
  const nobody = async () => null;
  const rounds: { nobody: number; user: number }[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const measured = {
      nobody: await cpuPerCall(nobody),
      user: await cpuPerCall(n => authenticate(tokens[n % tokens.length]!, new Date())),
    };
    if (round > 0) rounds.push(measured); // the first one warms up
  }
  const added = rounds.map(({ nobody, user }) => user - nobody);
  report(
    `token + session check: ${median(added).toFixed(1)} µs of CPU a request (${Math.min(...added).toFixed(1)}–${Math.max(...added).toFixed(1)}; goal: below 60)`,
  );
  await orm.close();
  await postgres.stop();
}

async function buildTokens(orm: Awaited<ReturnType<typeof connect>>, config: Config, count: number): Promise<string[]> {
  const em = orm.em.fork();
  const now = new Date();
  const claims = { role: 'user' as const, amr: ['otp'], auth_time: Math.floor(now.getTime() / 1000) };
  const made = Array.from({ length: count }, (_, n) => {
    const user = em.create(User, { id: newId(), phone: `+99890${String(n).padStart(7, '0')}`, createdAt: now });
    const moments = { authAt: now, createdAt: now, refreshedAt: now, expiresAt: new Date(now.getTime() + 3_600_000) };
    const session = em.create(Session, {
      id: newId(),
      user: user.id,
      salt: Buffer.alloc(32),
      amr: claims.amr,
      ...moments,
    });
    return signAccess(config, { ...claims, sub: user.id, sid: session.id }, now);
  });
  await em.flush();
  return made;
}

/** Microseconds of this process's CPU. */
async function cpuPerCall(work: (n: number) => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  for (let n = 0; n < CALLS; n += 1) await work(n);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / CALLS;
}

async function measureLogins(dataDir: string): Promise<void> {
  const env = { DATA_DIR: dataDir, PORT: '0', RATE_LIMITS: 'relaxed' };
  const server = await startNode('src/main.ts', [], env, /listens on (http:\S+)/);
  const url = server.match;
  const idle = await probe(url);
  const logins = Promise.all(Array.from({ length: LOGINS }, (_, n) => logIn(url, n)));
  const busy = await probe(url);
  const refused = (await logins).filter(status => status === 401).length;
  report(
    `/healthz p99: ${idle.toFixed(1)} ms idle, ${busy.toFixed(1)} ms during ${LOGINS} password logins at once (goal: below 100); ${refused} of them answered`,
  );
  await server.stop();
}

async function logIn(url: string, n: number): Promise<number> {
  const body = JSON.stringify({ phone: `+99890${String(7_000_000 + n)}`, password: 'wrong horse battery' });
  const response = await fetch(`${url}/api/auth/login/`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  await response.text();
  return response.status;
}

async function probe(url: string): Promise<number> {
  const waits: number[] = [];
  for (let n = 0; n < PROBES; n += 1) {
    const startedAt = performance.now();
    await (await fetch(`${url}/healthz`)).text();
    waits.push(performance.now() - startedAt);
  }
  return percentile(waits, 99);
}

function report(line: string): void {
  process.stdout.write(`${line}\n`);
}
