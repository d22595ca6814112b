/**
 * Lists of a million records as staff ask for them: pages, filters, words. `npm run bench -- admin [--rows 1000000]`
 */
import type { EntityManager } from '@mikro-orm/postgresql';
import { Client } from 'pg';
import { resources } from '../src/admin/resources.ts';
import { listRecords } from '../src/admin/service/read.ts';
import type { Context } from '../src/common/context.ts';
import { connect, migrate } from '../src/common/database.ts';
import { DAY_MS } from '../src/common/time.ts';
import { entities } from '../src/entities.ts';
import { readSettings } from './support/options.ts';
import type { Outcome } from './support/outcome.ts';
import { percentile } from './support/stats.ts';
import { inWorld } from './support/world.ts';

const TIMES = 20;
const GOAL_MS = 100;

export async function run(args: string[]): Promise<Outcome> {
  const { rows } = readSettings(args, { rows: 1_000_000 });
  return inWorld(null, async ({ url }) => {
    const orm = await connect(entities, url);
    await migrate(orm);
    await fill(url, rows);
    const lists = [];
    for (const [list, asked] of questions) lists.push(await measure(orm.em.fork(), list, asked));
    await orm.close();
    const measured = Math.max(...lists.map(({ p95 }) => p95));
    const cells = lists.map(({ name, p50, p95 }) => ({ name, cells: [p50, p95] }));
    return {
      settings: { rows },
      measured: [{ title: `of ${rows} records`, columns: ['p50 ms', 'p95 ms'], rows: cells }],
      goals: [{ what: 'the slowest list: p95', unit: 'ms', atMost: GOAL_MS, measured }],
    };
  });
}

/** A UUIDv7 of the last months, one every 10 s. */
const id = `(lpad(to_hex((extract(epoch from now() - n * interval '10 seconds') * 1000)::bigint), 12, '0') || '70008000'
  || lpad(to_hex(n), 12, '0'))::uuid`;

/** By a connection without the time limits of requests; the indexes are made at the end, which is quicker. */
async function fill(url: string, rows: number): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const { rows: indexes } = await client.query<{ indexname: string; indexdef: string }>(
    `select indexname, indexdef from pg_indexes where tablename in ('users', 'audit_log')
     and indexname not in (select conname from pg_constraint)`,
  );
  for (const { indexname } of indexes) await client.query(`drop index ${indexname}`);
  await client.query(
    `insert into users (id, phone, full_name, role, blocked_at, created_at)
     select ${id}, '+9989' || lpad(n::text, 8, '0'), 'Dealer ' || md5(n::text),
       case when n % 10000 = 0 then 'support' else 'user' end, case when n % 997 = 0 then now() end, now()
     from generate_series(1, ${rows}) n`,
  );
  await client.query(
    `insert into audit_log (id, at, actor_role, ip, request_id, action, resource, object_id)
     select ${id}, now(), 'support', '10.0.0.1', 'bench', case when n % 1000 = 0 then 'block' else 'login' end, 'users',
       md5((n % 50000)::text)
     from generate_series(1, ${rows}) n`,
  );
  for (const { indexdef } of indexes) await client.query(indexdef);
  await client.query('vacuum analyze users, audit_log');
  await client.end();
}

type Question = [list: string, asked: Record<string, unknown>];
const lastPages = { page: 400, page_size: 25 };

const questions: Question[] = [
  ['users', {}],
  ['users', lastPages],
  ['users', { page_size: 100 }],
  ['users', { ordering: 'created_at' }],
  ['users', { role: 'support' }],
  ['users', { is_blocked: true }],
  ['users', { is_staff: false }],
  ['users', { phone: '+998900500500' }],
  ['users', { search: '900777' }],
  ['users', { search: 'dealer c4ca4238' }],
  ['users', { search: 'nobody at all' }],
  ['users', { created_after: new Date(Date.now() - DAY_MS).toISOString() }],
  ['audit', {}],
  ['audit', lastPages],
  ['audit', { action: 'block' }],
  ['audit', { action: 'login' }],
  ['audit', { resource: 'users' }],
  ['audit', { object_id: 'c4ca4238a0b923820dcc509a6f75849b' }],
];

async function measure(em: EntityManager, name: string, asked: Record<string, unknown>) {
  const resource = resources.find(one => one.name === name)!;
  const list = listRecords(resource);
  const ctx = { em, actor: { role: 'superuser', amr: ['otp', 'pwd'] } } as unknown as Context;
  const waits: number[] = [];
  for (let time = 0; time <= TIMES; time += 1) {
    const startedAt = performance.now();
    await list(ctx, { page: 1, page_size: 25, ...asked });
    if (time > 0) waits.push(performance.now() - startedAt); // the first one warms up
  }
  return {
    name: `${name} ${JSON.stringify(asked)}`,
    ...{ p50: percentile(waits, 50), p95: percentile(waits, 95) },
  };
}
