import { join } from 'node:path';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './common/embedded-postgres.ts';
import { type Config, ConfigError } from './config.ts';

/** The database in DATA_DIR. Throws ConfigError where it cannot be started: somebody has to change something. */
export async function startEmbedded({ DATA_DIR }: Config): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({ dataDir: join(DATA_DIR, 'pg') }).catch((error: Error) => {
    throw new ConfigError(error.message, { cause: error });
  });
}
