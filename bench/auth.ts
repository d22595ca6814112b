/** What a request pays for being somebody's, and what a hundred logins at once cost everybody else. */
import { Session, User } from '../src/accounts/entities.ts';
import { createFindSession } from '../src/accounts/service/live-sessions.ts';
import { createAuthenticate, signAccess } from '../src/common/auth.ts';
import { connect, migrate } from '../src/common/database.ts';
import { newId } from '../src/common/ids.ts';
import { type Config, loadConfig } from '../src/config.ts';
import { entities } from '../src/entities.ts';
import type { Goal, Outcome } from './support/outcome.ts';
import { percentile, spreadOf } from './support/stats.ts';
import { inWorld, type World } from './support/world.ts';

const CALLS = 20_000;
const ROUNDS = 5;
const LOGINS = 100;
const PROBES = 300;

export async function run(): Promise<Outcome> {
  return inWorld(null, async world => {
    const [tokens, logins] = [await measureTokens(world), await measureLogins(world)];
    return { settings: { calls: CALLS, rounds: ROUNDS, logins: LOGINS }, measured: [], goals: [tokens, logins] };
  });
}

async function measureTokens({ env, url }: World): Promise<Goal> {
  const orm = await connect(entities, url);
  await migrate(orm);
  const config = loadConfig(env);
  const tokens = await buildTokens(orm, config, 100);
  const authenticate = createAuthenticate(config, createFindSession(orm));
  const nobody = async () => null;
  const added: number[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const none = await cpuPerCall(nobody);
    const user = await cpuPerCall(n => authenticate(tokens[n % tokens.length]!, new Date()));
    if (round > 0) added.push(user - none); // the first one warms up
  }
  await orm.close();
  return { what: 'CPU of token and session, a request', unit: 'µs', atMost: 60, measured: spreadOf(added) };
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

async function measureLogins({ startParthub }: World): Promise<Goal> {
  const { match: url } = await startParthub({ RATE_LIMITS: 'relaxed' });
  const idle = await probe(url);
  const logins = Promise.all(Array.from({ length: LOGINS }, (_, n) => logIn(url, n)));
  const busy = await probe(url);
  const refused = (await logins).filter(status => status === 401).length;
  const what = `/healthz p99 during ${LOGINS} password logins at once, ${refused} of them answered (idle: ${idle.toFixed(1)} ms)`;
  return { what, unit: 'ms', atMost: 100, measured: busy };
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
