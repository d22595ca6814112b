import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCli, seedWorld } from '../load/server.ts';
import { startEmbeddedPostgres } from '../src/common/embedded-postgres.ts';
import { openAll } from '../tests/support/closing.ts';
import { startProxy, type TestProxy } from '../tests/support/proxy.ts';
import { startRedis } from '../tests/support/redis.ts';
import { type ServerProcess, startServerProcess } from '../tests/support/server-process.ts';

/** Instances that share a Redis, with a network in between that can fail. */
export interface Cluster {
  nodes: [ServerProcess, ServerProcess];
  redisUrl: string;
  network: TestProxy;
  startNode(): Promise<ServerProcess>;
  close(): Promise<void>;
}

/** Servers of the kit's own, on one database: only these may be killed. */
export interface OwnServers {
  /** The one whose addresses everybody uses. */
  main: Cluster;
  tokens: string;
  /** Two more instances with a Redis of their own. */
  startCluster(): Promise<Cluster>;
  close(): Promise<void>;
}

export async function startOwnServers(rooms: number): Promise<OwnServers> {
  return openAll(async closers => {
    const folder = await mkdtemp(join(tmpdir(), 'parthub-conformance-'));
    closers.push(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));
    const postgres = await startEmbeddedPostgres({ dataDir: join(folder, 'pg'), settings: { max_connections: '200' } });
    closers.push(postgres.stop);
    const env = {
      ...{ DATABASE_URL: postgres.url, DATA_DIR: folder, NODE_ENV: 'test', DEBUG: '1', RATE_LIMITS: 'off' },
      ...{ SECRET_KEY: 'a secret key of conformance, longer than 32 bytes', DRAIN_SECONDS: '2', DB_POOL: '5' },
    };
    await runCli(['migrate'], env);
    const tokens = join(folder, 'world.ndjson');
    await seedWorld(rooms, tokens, env);
    const startCluster = async () => {
      const cluster = await joinNodes(env);
      closers.push(cluster.close);
      return cluster;
    };
    return { main: await startCluster(), tokens, startCluster };
  });
}

async function joinNodes(env: Record<string, string>): Promise<Cluster> {
  return openAll(async closers => {
    const redis = await startRedis();
    closers.push(redis.stop);
    const network = await startProxy(redis.url);
    closers.push(network.close);
    const startNode = async () => {
      const node = await startServerProcess({ ...env, REDIS_URL: network.url });
      closers.push(node.kill);
      return node;
    };
    return { nodes: await Promise.all([startNode(), startNode()]), redisUrl: redis.url, network, startNode };
  });
}
