import { Migrator } from '@mikro-orm/migrations';
import { type EntityManager, MikroORM, type Options } from '@mikro-orm/postgresql';
import { type RawBuilder, sql } from 'kysely';
import { Pool, type PoolClient } from 'pg';
import { AppError } from './errors.ts';
import { traceStatements } from './tracing/statements.ts';
import type { Tracing } from './tracing.ts';

export type Orm = MikroORM;
export type Entities = NonNullable<Options['entities']>;

/** Time limits of every connection: `pg` by itself waits for ever. */
const timeouts = {
  connectionTimeoutMillis: 2_000,
  query_timeout: 4_000,
  statement_timeout: 3_500,
  idle_in_transaction_session_timeout: 2_000,
  keepAlive: true,
};

export interface ConnectOptions {
  pool?: number;
  /** For commands of an operator: a migration or a large load may take its time. */
  isPatient?: boolean;
  tracing?: Tracing;
}

export function ormOptions(
  entities: Entities,
  url: string | undefined,
  { pool = 10, isPatient = false }: ConnectOptions = {},
  onPoolCreated: (pool: Pool) => void = () => {},
): Options {
  return {
    entities,
    clientUrl: url,
    pool: { min: 0, max: pool },
    forceUtcTimezone: true,
    driverOptions: isPatient
      ? { keepAlive: true, onPoolCreated }
      : {
          ...timeouts,
          onPoolCreated(created: Pool) {
            dropBroken(created);
            onPoolCreated(created);
          },
        },
    discovery: { warnWhenNoEntities: false },
    extensions: [Migrator],
    migrations: {
      path: new URL('../migrations', import.meta.url).pathname,
      glob: '!(*.d).ts',
      emit: 'ts',
      transactional: true,
      allOrNothing: true,
      // Written where migrations are made, not where they are applied (`mikro-orm.config.ts`).
      snapshot: false,
      snapshotName: '.snapshot',
      silent: true,
    },
  };
}

/**
 * A client whose statement got no answer in time is not used again: the next statement would wait behind that one. And one
 * whose connection ends in a transaction is given back for its borrower, who gives it back only after a rollback, which
 * fails then: each would be missing in the pool for ever. The pool opens others.
 */
function dropBroken(pool: Pool): void {
  const lent = new Set<PoolClient>();
  pool.on('acquire', client => void lent.add(client));
  pool.on('release', (_error, client) => void lent.delete(client));
  pool.on('connect', client => {
    client.once('end', () => {
      if (!lent.has(client)) return;
      client.release(true);
      client.release = () => {};
    });
    const query = client.query.bind(client) as (...args: unknown[]) => unknown;
    client.query = ((...args: unknown[]) => {
      const answer = query(...args);
      if (answer instanceof Promise) answer.catch(error => isTimeout(error) && destroy(client));
      return answer;
    }) as typeof client.query;
  });
}

const isTimeout = (error: unknown) => (error as Error).message === 'Query read timeout';

function destroy(client: unknown): void {
  (client as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
}

/** Connections for statements that run alone: as many as batches may be under way, and two for their repeats. */
const STATEMENT_CONNECTIONS = 4;
const statementPools = new WeakMap<Orm, Pool>();

export async function connect(entities: Entities, url: string, options: ConnectOptions = {}): Promise<Orm> {
  const { tracing } = options;
  const tables = new Set<string>();
  const statements = openStatementPool(url);
  let pool: Pool | undefined;
  const orm = await MikroORM.init(
    ormOptions(entities, url, options, created => {
      pool = created;
      if (!tracing?.isOn) return;
      created.on('connect', client => traceStatements(tracing, tables, client));
      traceStatements(tracing, tables, created);
    }),
  );
  readPools.set(orm.em.getKysely(), () => pool);
  if (tracing?.isOn) traceStatements(tracing, tables, statements);
  for (const { tableName } of orm.getMetadata().getAll().values()) tables.add(tableName);
  statementPools.set(orm, statements);
  const close = orm.close.bind(orm);
  orm.close = async force => {
    await Promise.all([statements.end(), close(force)]);
  };
  return orm;
}

/**
 * A pool of its own, because its plans are: prepared statements get one plan for all values, where the planner would
 * plan each of them anew (three times the time of running it). Such a plan outlives what is known of the tables when it is
 * made, so it may not rest on a table's being small: rows are found by index.
 */
function openStatementPool(url: string): Pool {
  const options = '-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c jit=off';
  // Kept while they are idle: a new one would have to plan again.
  const kept = { max: STATEMENT_CONNECTIONS, idleTimeoutMillis: 0 };
  const pool = new Pool({ connectionString: url, ...kept, ...timeouts, options });
  // A connection that the server drops while it is idle; the next statement opens another.
  pool.on('error', () => {});
  return pool;
}

export function statementPool(orm: Orm): Pool {
  return statementPools.get(orm)!;
}

/** What the connections of both pools do at this moment. */
export async function createPoolReader(orm: Orm): Promise<() => Record<'used' | 'idle' | 'waiting', number>> {
  const pools = [statementPool(orm), (await orm.em.getDriver().getConnection().getNativeClient()) as Pool];
  const sum = (read: (pool: Pool) => number) => pools.reduce((total, pool) => total + read(pool), 0);
  return () => ({
    used: sum(pool => pool.totalCount - pool.idleCount),
    idle: sum(pool => pool.idleCount),
    waiting: sum(pool => pool.waitingCount),
  });
}

/** Any number of our own that no other application on the same database uses. */
const MIGRATION_LOCK = 7_120_261_124;

/**
 * Applies pending migrations under an advisory lock, so that several instances may start at once, and in its transaction,
 * which may take as long as it needs.
 * Returns the names of those it applied.
 */
export async function migrate(orm: Orm): Promise<string[]> {
  return orm.em.fork().transactional(async em => {
    await em.execute('set local idle_in_transaction_session_timeout = 0');
    await em.execute('set local statement_timeout = 0');
    await em.execute('select pg_advisory_xact_lock(?)', [MIGRATION_LOCK]);
    const applied = await orm.migrator.up({ transaction: em.getTransactionContext()! });
    return applied.map(migration => migration.name);
  });
}

/**
 * Until the end of the transaction nobody else has a lock of this name; `shared` ones only keep out those that are not. The
 * names of all modules are in one space.
 */
export async function lockName(
  em: EntityManager,
  name: string,
  mode: 'shared' | 'exclusive' = 'exclusive',
): Promise<void> {
  const lock = sql.raw(mode === 'shared' ? 'pg_advisory_xact_lock_shared' : 'pg_advisory_xact_lock');
  await rows(em, sql`select ${lock}(hashtextextended(${name}, 0))`);
}

/** By what `getKysely` gives outside of transactions. */
const readPools = new WeakMap<object, () => Pool | undefined>();
const preparedNames = new Map<string, string>();

/**
 * Runs SQL inside the transaction of `em`; with Kysely's `sql` tag arrays stay arrays. Outside of a transaction the
 * connection is asked directly, and a statement that is `isHot` is prepared: that is for one of which there are few texts,
 * and whose plan does not depend on its values.
 */
export async function rows<Row>(em: EntityManager, query: RawBuilder<Row>, { isHot = false } = {}): Promise<Row[]> {
  const kysely = em.getKysely<Record<string, never>>();
  const compiled = query.compile(kysely);
  const pool = readPools.get(kysely)?.();
  if (!pool) return (await kysely.executeQuery(compiled)).rows;
  const { sql: text, parameters } = compiled;
  const statement = { text, values: [...parameters] };
  return (await pool.query(isHot ? { ...statement, name: preparedName(text) } : statement)).rows;
}

function preparedName(text: string): string {
  const name = preparedNames.get(text) ?? `hot-${preparedNames.size + 1}`;
  preparedNames.set(text, name);
  return name;
}

interface DatabaseError {
  code?: string;
  message?: string;
  detail?: string;
  constraint?: string;
  cause?: unknown;
  previous?: unknown;
}

function databaseErrors(error: unknown): DatabaseError[] {
  const chain: DatabaseError[] = [];
  for (
    let at = error as DatabaseError | undefined;
    at && chain.length < 5;
    at = (at.cause ?? at.previous) as DatabaseError
  )
    chain.push(at);
  return chain;
}

/**
 * A deadlock, a serialization failure, or the end that PostgreSQL makes of a transaction in which we stood still: nothing was
 * stored, the transaction may be run again whole.
 */
export function isRetryable(error: unknown): boolean {
  return databaseErrors(error).some(({ code }) => code === '40P01' || code === '40001' || code === '25P03');
}

/** The violated unique or check constraint. */
export function violates(error: unknown, constraint: string): boolean {
  return databaseErrors(error).some(one => one.constraint === constraint || one.message?.includes(`"${constraint}"`));
}

/** The database has not been migrated yet. */
export function isUnknownTable(error: unknown): boolean {
  return databaseErrors(error).some(({ code }) => code === '42P01');
}

/** The address names a user, a password or a database that the server does not take. */
export function isRefusedLogin(error: unknown): boolean {
  return databaseErrors(error).some(({ code }) => code === '28P01' || code === '28000' || code === '3D000');
}

/** Another row has already what has to be unique. */
export function isTaken(error: unknown): boolean {
  return databaseErrors(error).some(({ code }) => code === '23505');
}

/** The column whose value another row has already. */
export function takenColumn(error: unknown): string | undefined {
  const violation = databaseErrors(error).find(({ code }) => code === '23505');
  return /^Key \("?(\w+)/.exec(violation?.detail ?? '')?.[1];
}

/** Another row refers to this one, or this one to none. */
export function isReferenced(error: unknown): boolean {
  return databaseErrors(error).some(({ code }) => code === '23503');
}

const connectionCodes =
  /^(08...|57P0[1-5]|53...|25006|25P0[34]|57014|55P03|E(CONN(REFUSED|RESET|ABORTED)|PIPE|TIMEDOUT|HOSTUNREACH|AI_AGAIN|NOENT|NOTFOUND))$/;
const connectionMessages =
  /timeout exceeded when trying to connect|Connection terminated|Query read timeout|not queryable|Client has encountered a connection error/;

/** The database is away, full, read-only or too slow: the caller is told `unavailable`, the outcome is unknown. */
export function isOutage(error: unknown): boolean {
  return databaseErrors(error).some(
    ({ code, message }) => connectionCodes.test(code ?? '') || connectionMessages.test(message ?? ''),
  );
}

/** What a client may hear of an error that is no refusal of ours. */
export function asAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  return new AppError(isOutage(error) || isRetryable(error) ? 'unavailable' : 'internal', undefined, error);
}
