import { isIPv6 } from 'node:net';
import { type App, buildApp, prepareDatabase } from './app.ts';
import { Plan } from './billing/entities.ts';
import { seedPlans } from './billing/service/plans.ts';
import { isOutage, isRefusedLogin, lockName } from './common/database.ts';
import { growFreely, returnMemory } from './common/heap.ts';
import { ConfigError, loadConfig } from './config.ts';
import { startEmbedded } from './embedded.ts';
import { ensureStorage } from './uploads/storage.ts';

/** Longer than all that is waited for after the drain window; whoever started the server need not kill it. */
const LAST_RESORT_MS = 15_000;
const LOOK_EVERY_MS = 250;

const parent = process.ppid;

try {
  await start();
} catch (error) {
  process.stderr.write(`${reasonOf(error)}\n`);
  process.exit(1);
}

function giveUp({ log }: App): void {
  log.error('not stopped in time');
  process.exit(1);
}

/** What the system or the database says of a setting is told in one line; a fault of our own with its stack. */
function reasonOf(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  const { code, port, syscall, message, stack } = error as NodeJS.ErrnoException & { port?: number };
  if (code === 'EADDRINUSE') return `Port ${port} is taken by another program; set PORT to a free one.`;
  if (isOutage(error) || isRefusedLogin(error)) return `DATABASE_URL: the database lets nobody in: ${message}`;
  return syscall ? message : `${stack}`;
}

async function start(): Promise<void> {
  growFreely();
  const config = loadConfig();
  await ensureStorage(config);
  const embedded = config.DATABASE_URL ? null : await startEmbedded(config);
  const databaseUrl = config.DATABASE_URL ?? embedded!.url;
  const app = await buildApp(config, databaseUrl);
  // An outside database is migrated by `npm run migrate` alone: a deployment decides when.
  if (embedded) await prepareDatabase(app);
  if (config.DEBUG && (await app.orm.migrator.getPending()).length === 0) await seedFirstPlans(app);
  const port = await app.listen();
  app.log.info(`Parthub listens on http://${isIPv6(config.HOST) ? `[${config.HOST}]` : config.HOST}:${port}`);
  if (!embedded) void warnOfPending(app);
  app.jobs
    .start(databaseUrl)
    .catch(error => app.log.error({ err: error }, 'jobs not started'))
    .finally(returnMemory);

  let isStopping = false;
  const stop = async (signal: string) => {
    if (isStopping) return;
    isStopping = true;
    app.log.info(`${signal}: draining`);
    const drainMs = signal === 'SIGTERM' ? config.DRAIN_SECONDS * 1000 : 0;
    setTimeout(giveUp, drainMs + LAST_RESORT_MS, app).unref();
    await app.close(drainMs);
    await embedded?.stop();
    process.exit(0);
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);
  if (process.argv.includes('--with-parent')) whenLeft(() => void stop('SIGTERM'));
  process.on('unhandledRejection', error => app.log.error({ err: error }, 'unhandled rejection'));
}

/** npm passes a signal on to its shell, which ends by it and tells nobody: who is left alone has been stopped as well. */
function whenLeft(stop: () => void): void {
  const look = () => process.ppid !== parent && stop();
  setInterval(look, LOOK_EVERY_MS).unref();
}

/** Until somebody applies them it is not ready, and nearly every call fails. */
async function warnOfPending({ orm, log }: App): Promise<void> {
  const pending = await orm.migrator.getPending().catch(() => []); // a database that is away: readiness tells
  if (pending.length > 0) log.warn({ pending: pending.length }, 'migrations are pending: npm run migrate');
}

/**
 * A server that is only tried out has plans from its first start; elsewhere an operator makes them. Of instances that start
 * together one makes them.
 */
async function seedFirstPlans({ executor }: App): Promise<void> {
  const request = { now: new Date(), requestId: 'start', ip: '', userAgent: null };
  await executor.transaction(request, async ctx => {
    await lockName(ctx.em, 'first-plans');
    if ((await ctx.em.count(Plan)) === 0) await seedPlans(ctx);
  });
}
