import type { EntityManager } from '@mikro-orm/postgresql';
import type { TestProject } from 'vitest/node';
import { seedReference } from '../../src/b2b/service/reference.ts';
import { connect, migrate } from '../../src/common/database.ts';
import { entities } from '../../src/entities.ts';
import { prepareTemplate, startTestPostgres } from './postgres.ts';

/** Once per run, in the main process: one PostgreSQL for all test files. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const postgres = await startTestPostgres();
  await prepareTemplate(postgres.url, migrateTemplate);
  project.provide('postgresUrl', postgres.url);
  return postgres.stop;
}

async function migrateTemplate(url: string): Promise<void> {
  const orm = await connect(entities, url, { isPatient: true });
  await migrate(orm);
  await orm.em.fork().transactional(em => seedReference({ em: em as EntityManager }));
  await orm.close();
}
