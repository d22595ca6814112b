/**
 * What a request pays for being somebody's, and what a hundred logins at once cost everybody else.
 * `npm run bench -- auth [--calls 20000] [--rounds 5] [--logins 100]`
 */
import { Session, User } from '../src/accounts/entities.ts';
import { createFindSession } from '../src/accounts/service/live-sessions.ts';
import { createAuthenticate, signAccess } from '../src/common/auth.ts';
import { connect, migrate } from '../src/common/database.ts';
import { newId } from '../src/common/ids.ts';
import { type Config, loadConfig } from '../src/config.ts';
import { entities } from '../src/entities.ts';
import { readSettings } from './support/options.ts';
import type { Goal, Outcome } from './support/outcome.ts';
import { percentile, spreadOf } from './support/stats.ts';
import { inWorld, type World } from './support/world.ts';

const PROBES = 300;

export async function run(args: string[]): Promise<Outcome> {
  const settings = readSettings(args, { calls: 20_000, rounds: 5, logins: 100 });
  return inWorld(null, async world => {
    const goals = [await measureTokens(world, settings), await measureLogins(world, settings.logins)];
    return { settings, measured: [], goals };
  });
}

type Counts = Record<'calls' | 'rounds', number>;

async function measureTokens({ env, url }: World, { calls, rounds }: Counts): Promise<Goal> {
  const orm = await connect(entities, url);
  await migrate(orm);
  const config = loadConfig(env);
  const tokens = await buildTokens(orm, config, 100);
  const authenticate = createAuthenticate(config, createFindSession(orm));
  const nobody = async () => null;
  const added: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const none = await cpuPerCall(calls, nobody);
    const user = await cpuPerCall(calls, n => authenticate(tokens[n % tokens.length]!, new Date()));
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
async function cpuPerCall(calls: number, work: (n: number) => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  for (let n = 0; n < calls; n += 1) await work(n);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / calls;
}

async function measureLogins({ startParthub }: World, count: number): Promise<Goal> {
  const { match: url } = await startParthub({ RATE_LIMITS: 'relaxed' });
  await probe(url); // warms up
  const idle = await probe(url);
  let isOver = false;
  const logins = Promise.all(Array.from({ length: count }, (_, n) => logIn(url, n))).finally(() => {
    isOver = true;
  });
  const busy = await probe(url, () => isOver);
  const refused = (await logins).filter(status => status === 401).length;
  const what = `/healthz p99 during ${count} password logins at once, ${refused} of them answered (idle: ${idle.toFixed(1)} ms)`;
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

/** Until it is over, where an end is given. */
async function probe(url: string, isOver?: () => boolean): Promise<number> {
  const waits: number[] = [];
  while (isOver ? !isOver() : waits.length < PROBES) {
    const startedAt = performance.now();
    await (await fetch(`${url}/healthz`)).text();
    waits.push(performance.now() - startedAt);
  }
  return percentile(waits, 99);
}
