import { defineConfig } from '@mikro-orm/postgresql';
import { ormOptions } from './src/common/database.ts';
import { startEmbeddedPostgres } from './src/common/embedded-postgres.ts';
import { loadConfig } from './src/config.ts';
import { entities } from './src/entities.ts';

/** For the MikroORM command line: DATABASE_URL, else the embedded PostgreSQL in DATA_DIR. */
export default async function config() {
  const { DATABASE_URL, DATA_DIR } = loadConfig();
  const url = DATABASE_URL ?? (await startEmbeddedPostgres({ dataDir: `${DATA_DIR}/pg` })).url;
  const options = ormOptions(entities, url);
  return defineConfig({ ...options, migrations: { ...options.migrations, snapshot: true } });
}
