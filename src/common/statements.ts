import type { EntityManager } from '@mikro-orm/postgresql';
import { CompiledQuery } from 'kysely';
import type { Pool } from 'pg';

/**
 * A statement that runs so often that parsing and planning it each time would cost more than running it: outside of a
 * transaction it is prepared once per connection, with one plan for all values.
 */
export interface Statement {
  name: string;
  text: string;
}

const pools = new WeakMap<EntityManager, Pool>();

/** Statements of this entity manager run on their own pool, each as its own transaction. */
export function runAlone(em: EntityManager, pool: Pool): void {
  pools.set(em, pool);
}

export async function runStatement<Row>(
  em: EntityManager,
  { name, text }: Statement,
  values: readonly unknown[],
): Promise<Row[]> {
  const pool = pools.get(em);
  if (pool) return (await pool.query({ name, text, values: [...values] })).rows;
  const { rows } = await em.getKysely().executeQuery<Row>(CompiledQuery.raw(text, [...values]));
  return rows;
}
