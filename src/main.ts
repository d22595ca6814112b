import { join } from 'node:path';
import { buildApp } from './app.ts';
import { migrate } from './common/database.ts';
import { startEmbeddedPostgres } from './common/embedded-postgres.ts';
import { ConfigError, loadConfig } from './config.ts';

try {
  await start();
} catch (error) {
  process.stderr.write(`${error instanceof ConfigError ? error.message : (error as Error).stack}\n`);
  process.exit(1);
}

async function start(): Promise<void> {
  const config = loadConfig();
  const embedded = config.DATABASE_URL ? null : await startEmbeddedPostgres({ dataDir: join(config.DATA_DIR, 'pg') });
  const app = await buildApp(config, config.DATABASE_URL ?? embedded!.url);
  // An outside database is migrated by `npm run migrate` alone: a deployment decides when.
  if (embedded) await migrate(app.orm);
  const port = await app.listen();
  app.log.info(`Parthub listens on http://${config.HOST}:${port}`);

  let isStopping = false;
  const stop = async (signal: string) => {
    if (isStopping) return;
    isStopping = true;
    app.log.info(`${signal}: draining`);
    await app.close(signal === 'SIGTERM' ? config.DRAIN_SECONDS * 1000 : 0);
    await embedded?.stop();
    process.exit(0);
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);
  process.on('unhandledRejection', error => app.log.error({ err: error }, 'unhandled rejection'));
}
