import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Socket } from 'socket.io-client';
import { afterAll, beforeAll } from 'vitest';
import { createListeners } from '../../src/common/announcements.ts';
import { createBudgets } from '../../src/common/budgets.ts';
import type { Actor } from '../../src/common/context.ts';
import { connect } from '../../src/common/database.ts';
import { AppError } from '../../src/common/errors.ts';
import { createExecutor } from '../../src/common/execute.ts';
import { createHttpDoor, type HttpDoor } from '../../src/common/http.ts';
import { createIdempotency } from '../../src/common/idempotency.ts';
import { newId } from '../../src/common/ids.ts';
import { createLog } from '../../src/common/log.ts';
import { createMetrics } from '../../src/common/metrics.ts';
import type { Contract, Namespace } from '../../src/common/operations.ts';
import { joinCluster } from '../../src/common/redis.ts';
import { createSlots } from '../../src/common/slots.ts';
import { createSocketDoor, type Gateway, type SocketDoor } from '../../src/common/sockets.ts';
import { untraced } from '../../src/common/tracing.ts';
import { entities } from '../../src/entities.ts';
import { once, openSocket, testConfig } from './app.ts';
import { createTestDatabase } from './postgres.ts';
import { exemptFromPublished } from './watch-published.ts';

export interface Doors {
  url: string;
  connect(token?: string, auth?: object): Promise<Socket>;
}

/** Both doors in front of a contract of the test's own; the token is the user's id, `blocked` is refused. */
export function useDoors(
  contract: Contract & { namespace: Namespace },
  wire: (http: HttpDoor, gateway: Gateway, sockets: SocketDoor) => void,
): Doors {
  const holder = {} as Doors;
  const open: Socket[] = [];
  let close: () => Promise<void>;
  beforeAll(async () => {
    const database = await createTestDatabase();
    const config = testConfig(database.url);
    const log = createLog(config);
    const orm = await connect(entities, database.url);
    const cluster = await joinCluster(undefined, log);
    const metrics = createMetrics();
    let sockets: SocketDoor;
    const executor = createExecutor({
      ...{ orm, config, log, listeners: createListeners(), slots: createSlots(), limit: () => {}, metrics },
      tracing: untraced,
      push: announcements => sockets.push(announcements),
    });
    const parts = {
      config,
      log,
      executor,
      authenticate: actorOf,
      limits: { spendRequest() {} },
      cluster,
      findEnded: async () => [],
      forgetSession: () => {},
      idempotency: createIdempotency(orm),
      budgets: createBudgets(config, cluster),
      metrics,
      tracing: untraced,
    };
    const http = createHttpDoor(parts);
    sockets = createSocketDoor(parts);
    wire(http, sockets.open(contract), sockets);
    http.seal();
    const server = createServer(http.app);
    sockets.attach(server);
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    holder.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    exemptFromPublished(holder.url);
    holder.connect = async (token = newId(), auth = {}) => {
      const socket = openSocket(holder.url, contract.namespace, { token, ...auth });
      open.push(socket);
      await once(socket, 'session:ready');
      return socket;
    };
    close = async () => {
      for (const socket of open) socket.close();
      await sockets.drain(0);
      await new Promise(resolve => server.close(resolve).closeAllConnections());
      await orm.close();
      await database.drop();
    };
  });
  afterAll(() => close());
  return holder;
}

async function actorOf(token: string): Promise<Actor> {
  if (token === 'blocked') throw new AppError('account_blocked');
  const now = new Date();
  const sessionId = newId();
  return {
    userId: token,
    sessionId,
    role: 'user',
    locale: 'en',
    isStaff: false,
    authAt: now,
    amr: [],
    tokenExpiresAt: new Date(now.getTime() + 600_000),
  };
}
