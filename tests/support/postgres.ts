import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { inject } from 'vitest';
import { isAlive } from '../../src/common/embedded-postgres/cluster.ts';
import { startEmbeddedPostgres } from '../../src/common/embedded-postgres.ts';

declare module 'vitest' {
  interface ProvidedContext {
    postgresUrl: string;
  }
}

const TEMPLATE = 'tpl';
const PREFIX = 'parthub-test-postgres-';

export type TestPostgres = { url: string; stop(): Promise<void> };
export type TestDatabase = { url: string; drop(): Promise<void> };

/** A throwaway cluster for one run of the tests. It is fast and loses everything with the machine. */
export async function startTestPostgres(): Promise<TestPostgres> {
  await removeAbandoned();
  const folder = await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`));
  await chmod(folder, 0o711); // root's tests run it as another user
  const settings = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '200' };
  const postgres = await startEmbeddedPostgres({ dataDir: join(folder, 'pg'), settings });
  return {
    url: postgres.url,
    async stop() {
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A killed run leaves its folder behind. */
async function removeAbandoned(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(PREFIX) || isAlive(Number.parseInt(name.slice(PREFIX.length), 10))) continue;
    await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => {}); // another user's
  }
}

/** Migrates once; every test database is a copy of the result. `migrate` must close its connections. */
export async function prepareTemplate(url: string, migrate: (url: string) => Promise<void>): Promise<void> {
  await run(url, `create database ${TEMPLATE}`);
  await migrate(withDatabase(url, TEMPLATE));
  // one connection to the template would make every copy fail
  await run(url, `alter database ${TEMPLATE} allow_connections false`);
  await run(url, `select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = '${TEMPLATE}'`);
}

/** A database of its own for one test file: an empty copy of the migrated template. */
export async function createTestDatabase(url: string = inject('postgresUrl')): Promise<TestDatabase> {
  const name = `t_${randomBytes(8).toString('hex')}`;
  await run(url, `create database ${name} template ${TEMPLATE} strategy file_copy`);
  return { url: withDatabase(url, name), drop: () => run(url, `drop database if exists ${name} with (force)`) };
}

async function run(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = name;
  return changed.href;
}
