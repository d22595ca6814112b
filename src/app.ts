import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { facts as accounts, badgeOf, companyOf, unreadOf } from './accounts/contract.ts';
import { createNotifier } from './accounts/notifiers/chain.ts';
import { accountsRoutes } from './accounts/routes.ts';
import { purgeAccounts } from './accounts/service/account.ts';
import { createFindEnded, createFindSession } from './accounts/service/live-sessions.ts';
import { accountsWebhooks } from './accounts/webhooks.ts';
import { servePanel } from './admin/panel.ts';
import { adminRoutes, staffNetworks } from './admin/routes.ts';
import { createQueueWatch, type QueueWatch } from './admin/service/queue-watch.ts';
import { myThreadOf } from './b2b/contract.ts';
import { b2bListeners } from './b2b/listeners.ts';
import { b2bRoutes } from './b2b/routes.ts';
import { endLifetimes } from './b2b/service/lifetimes.ts';
import { findCompanies, findEnabled } from './b2b/service/profiles.ts';
import { seedReference } from './b2b/service/reference.ts';
import { createViews, forgetViews, type Views } from './b2b/service/views.ts';
import { isBusinessEnabled } from './billing/contract.ts';
import { billingListeners } from './billing/listeners.ts';
import { billingRoutes } from './billing/routes.ts';
import { moveSubscriptions } from './billing/service/moves.ts';
import * as chat from './chat/contract.ts';
import { chatGateway } from './chat/gateway.ts';
import { chatListeners, typingListeners } from './chat/listeners.ts';
import { chatRoutes } from './chat/routes.ts';
import { createFocus } from './chat/service/focus.ts';
import { createHeads, type Heads } from './chat/service/heads.ts';
import { findMyThreads } from './chat/service/my-threads.ts';
import { countUnread } from './chat/service/thread-rows.ts';
import { createTyping } from './chat/service/typing.ts';
import { createListeners, type Listeners, type Push } from './common/announcements.ts';
import { createAuthenticate } from './common/auth.ts';
import { createBudgets } from './common/budgets.ts';
import { connect, createPoolReader, migrate, type Orm } from './common/database.ts';
import { serveDocs } from './common/docs-pages.ts';
import { asyncApi, openApi, serveDocument } from './common/documents.ts';
import { createExecutor, type Executor } from './common/execute.ts';
import { closeServer, endKeepAlive, openServer } from './common/http/server.ts';
import { createHttpDoor, type HttpDoor } from './common/http.ts';
import { createIdempotency, purgeIdempotencyKeys } from './common/idempotency.ts';
import { createJobs, type Jobs } from './common/jobs.ts';
import { createLimits, type Limits } from './common/limits.ts';
import { createLog } from './common/log.ts';
import { createMetrics, type Metrics, serveMetrics } from './common/metrics.ts';
import { healthz, readyz } from './common/probes.ts';
import { type Cluster, joinCluster } from './common/redis.ts';
import { createSlots, type Slots } from './common/slots.ts';
import { refuseUpgrade, SOCKETS_PATH } from './common/sockets/upgrades.ts';
import { createSocketDoor, type SocketDoor } from './common/sockets.ts';
import { openTracing, type Tracing, untraced } from './common/tracing.ts';
import type { Config } from './config.ts';
import { contracts } from './contracts.ts';
import { entities } from './entities.ts';
import { serveExample } from './example.ts';
import { countFacts, watchState } from './metrics.ts';
import * as notifications from './notifications/contract.ts';
import { notificationsGateway } from './notifications/gateway.ts';
import { notificationsListeners, tellingListeners } from './notifications/listeners.ts';
import { notificationsRoutes } from './notifications/routes.ts';
import { type BadgeCheck, createBadgeCheck } from './notifications/service/badge-check.ts';
import { forgetRead } from './notifications/service/forget.ts';
import { messageNotes } from './notifications/service/message-notes.ts';
import { findReadReceipts } from './notifications/service/preferences.ts';
import { countBadges } from './notifications/service/present.ts';
import * as presenceContract from './presence/contract.ts';
import { presenceGateway } from './presence/gateway.ts';
import { presenceListeners, sightListeners } from './presence/listeners.ts';
import { createPresence, type Presence } from './presence/service/presence.ts';
import { uploadsListeners } from './uploads/listeners.ts';
import { uploadsRoutes } from './uploads/routes.ts';
import { removeOrphans, setAvatar } from './uploads/service.ts';
import { openStorage, serveUploads, UPLOADS_PATH } from './uploads/storage.ts';

/** What use-cases run on, without a door: the server adds its doors to it, a command of the CLI its call. */
export interface Core {
  orm: Orm;
  log: Logger;
  listeners: Listeners;
  slots: Slots;
  executor: Executor;
  jobs: Jobs;
}

export interface CoreParts {
  log: Logger;
  push: Push;
  limit?: Limits['spend'];
  metrics?: Metrics;
  tracing?: Tracing;
  /** Statements may take their time: for commands of an operator. */
  isPatient?: boolean;
}

/** Applies pending migrations and adds what reference data they lack. Returns the migrations' names. */
export async function prepareDatabase({ orm, executor }: Pick<Core, 'orm' | 'executor'>): Promise<string[]> {
  const applied = await migrate(orm);
  await executor.transaction({ now: new Date(), requestId: 'migrate', ip: '', userAgent: null }, seedReference);
  return applied;
}

/** Connects to the database and wires what modules say to each other, in their order. */
export async function buildCore(
  config: Config,
  databaseUrl: string,
  { log, push, limit = () => {}, metrics = createMetrics(), tracing = untraced, isPatient = false }: CoreParts,
): Promise<Core> {
  const orm = await connect(entities, databaseUrl, { pool: config.DB_POOL, isPatient, tracing });
  const listeners = createListeners();
  const slots = createSlots();
  const executor = createExecutor({ orm, config, log, listeners, slots, push, limit, metrics, tracing });

  slots.fill(companyOf, findCompanies);
  billingListeners(listeners);
  uploadsListeners(listeners);
  b2bListeners(listeners);
  slots.fill(isBusinessEnabled, findEnabled);
  slots.fill(unreadOf, countUnread);
  chatListeners(listeners);
  slots.fill(myThreadOf, findMyThreads);
  presenceListeners(listeners);
  notificationsListeners(listeners);
  slots.extend(chat.whenStored, messageNotes);
  slots.fill(badgeOf, countBadges);
  slots.fill(chat.readReceipts, findReadReceipts);
  const jobs = createJobs(
    [
      { name: 'purge-accounts', cron: '17 3 * * *', work: purgeAccounts },
      { name: 'move-subscriptions', cron: '* * * * *', work: moveSubscriptions },
      { name: 'remove-orphans', cron: '37 * * * *', procedure: removeOrphans(openStorage(config)) },
      { name: 'end-lifetimes', cron: '* * * * *', work: endLifetimes },
      { name: 'forget-views', cron: '47 3 * * *', work: forgetViews },
      { name: 'forget-read-notifications', cron: '*/10 * * * *', work: forgetRead },
      { name: 'purge-idempotency-keys', cron: '27 * * * *', work: purgeIdempotencyKeys },
    ],
    { executor, log, timeScale: config.TEST_TIME_SCALE },
  );
  return { orm, log, listeners, slots, executor, jobs };
}

export interface App extends Core {
  /** Returns the port it listens on. */
  listen(): Promise<number>;
  /** Refuses what is new, lets clients go over the drain window, finishes what runs, and closes the database. */
  close(drainMs?: number): Promise<void>;
}

/** The composition root: builds and wires every module, in their order; nothing else knows them all. */
export async function buildApp(config: Config, databaseUrl: string): Promise<App> {
  const log = createLog(config);
  const cluster = await joinCluster(config.REDIS_URL, log);
  const metrics = createMetrics();
  const tracing = await openTracing(config, log);
  const budgets = createBudgets(config, cluster);
  const limits = createLimits(config, cluster, budgets);
  let sockets: SocketDoor;
  const core = await buildCore(config, databaseUrl, {
    log,
    push: announcements => sockets.push(announcements),
    limit: limits.spend,
    metrics,
    tracing,
  });
  const { orm, executor } = core;
  const findSession = createFindSession(orm);
  const authenticate = createAuthenticate(config, findSession);
  const http = createHttpDoor({
    config,
    log,
    executor,
    authenticate,
    limits,
    idempotency: createIdempotency(orm),
    tracing,
  });
  const forgetSession = findSession.forget;
  sockets = createSocketDoor({
    config,
    log,
    executor,
    authenticate,
    cluster,
    findEnded: createFindEnded(orm),
    forgetSession,
    budgets,
    metrics,
  });
  core.listeners.afterCommit(accounts.localeChanged, ({ sessionId }) => forgetSession(sessionId));
  let isDraining = false;
  const doors = { config, core, cluster, http, sockets };
  const { heads, presence, badgeCheck, teller, views, queueWatch } = openDoors(doors);
  const ready = readyz(orm, cluster, () => isDraining);
  http.raw('GET /readyz', ready);
  serveDocs(http, config, authenticate);
  if (config.DEBUG) serveExample(http, executor);
  http.raw('GET /metrics', serveMetrics(config, metrics));
  countFacts(metrics, core.listeners);
  watchState(metrics, { cluster, sockets, pools: await createPoolReader(orm) });
  http.seal();

  const server = openServer(config, http.app, () => metrics.cut('silent'));
  return {
    ...core,
    async listen() {
      sockets.attach(server);
      heads.start();
      badgeCheck.start();
      queueWatch.start();
      await presence.start();
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(config.PORT, config.HOST, resolve);
      });
      return (server.address() as AddressInfo).port;
    },
    async close(drainMs = 0) {
      isDraining = true;
      endKeepAlive(server);
      // Clients go at once: what waits for a database that hangs may not hold them up.
      const idle = Promise.all([queueWatch.stop(), core.jobs.stop()]);
      await sockets.drain(drainMs);
      // Not before: until then there are readers here, and what is written here is missed elsewhere.
      await Promise.all([heads.stop(), closeServer(server)]);
      await idle;
      await sockets.settled();
      await presence.stop();
      await teller.settled();
      await badgeCheck.stop();
      await views.settled();
      budgets.close();
      await cluster.close();
      await orm.close();
      await tracing.close();
    },
  };
}

interface Doors {
  config: Config;
  core: Core;
  cluster: Cluster;
  http: HttpDoor;
  sockets: SocketDoor;
}

/** What goes on beside the doors. */
interface Running {
  heads: Heads;
  presence: Presence;
  badgeCheck: BadgeCheck;
  teller: { settled(): Promise<void> };
  views: Views;
  queueWatch: QueueWatch;
}

/** What is served where, in the order of the modules. */
function openDoors({ config, core, cluster, http, sockets }: Doors): Running {
  const { orm, log, executor, listeners, slots, jobs } = core;
  http.app.use(['/api/admin', '/admin'], staffNetworks(config));
  const notifier = createNotifier(config, log);
  accountsRoutes(http, notifier, setAvatar);
  listeners.afterCommit(accounts.codeUsed, notifier.confirm);
  accountsWebhooks(http, executor, config);
  listeners.afterCommit(accounts.sessionsEnded, ({ sessionIds, reason }) => sockets.endSessions(sessionIds, reason));
  billingRoutes(http);
  uploadsRoutes(http, openStorage(config));
  const views = createViews({ executor, config, log });
  b2bRoutes(http, views);
  chatRoutes(http);
  const typing = createTyping({ orm, push: sockets.push, timeScale: config.TEST_TIME_SCALE });
  typingListeners(listeners, typing);
  const chatSockets = sockets.open(chat);
  chatGateway(chatSockets, typing, createFocus(orm));
  const presenceSockets = sockets.open(presenceContract);
  const presence = createPresence({ orm, log, cluster, sockets: presenceSockets, timeScale: config.TEST_TIME_SCALE });
  presenceGateway(presenceSockets, presence);
  sightListeners(listeners, presence);
  notificationsRoutes(http);
  const notificationSockets = sockets.open(notifications);
  notificationsGateway(notificationSockets);
  const badgeCheck = createBadgeCheck({
    ...{ orm, log, cluster, sockets: notificationSockets, push: sockets.push, timeScale: config.TEST_TIME_SCALE },
  });
  const teller = tellingListeners(listeners, {
    ...{ config, orm, log, slots, executor, jobs, push: badgeCheck.push },
    mayHear: userId => cluster.isShared || notificationSockets.has(userId),
    isLive: sockets.isConnected,
  });
  adminRoutes(http);
  http.app.use('/admin', servePanel(config));
  http.app.use(UPLOADS_PATH, serveUploads(config));
  http.raw('GET /healthz', healthz);
  http.raw(`GET ${SOCKETS_PATH}`, refuseUpgrade(config));
  http.raw('GET /api/schema/', serveDocument(contracts, openApi));
  http.raw('GET /api/asyncapi/', serveDocument(contracts, asyncApi));
  const heads = createHeads({ orm, log, cluster, sockets: chatSockets, timeScale: config.TEST_TIME_SCALE });
  const queueWatch = createQueueWatch({ orm, log, sockets: notificationSockets, timeScale: config.TEST_TIME_SCALE });
  return { heads, presence, badgeCheck, teller, views, queueWatch };
}
