import { Redis } from 'ioredis';
import { eventually } from '../../tests/support/eventually.ts';
import type { ServerProcess } from '../../tests/support/server-process.ts';
import { call, type Device, type Reader } from '../devices.ts';
import { ensureAtRest, message } from '../messages.ts';
import { ensure, type Invariant, p99, pause, type Stage, wholeMs } from '../stage.ts';

/** Two sides of a room on two instances of a cluster of their own. */
async function openTalk(stage: Stage) {
  const { threadId, sides } = stage.takeRoom();
  const cluster = await stage.own.startCluster();
  stage.onEnd(cluster.close);
  const [here, there] = cluster.nodes;
  const sender = await stage.device(here.url, sides[0], '/chat');
  const reader = stage.reader(there.url, sides[1]);
  await ensureAtRest([reader]);
  return { threadId, sides, cluster, sender, reader };
}

/** A publish that is lost without anybody noticing: the connection stands, only this command is refused. */
async function dropPublishes(stage: Stage, url: string): Promise<void> {
  const redis = new Redis(url);
  stage.onEnd(() => redis.disconnect());
  await redis.call('ACL', 'SETUSER', 'default', '-publish', '-spublish');
}

const LOST_PUBLISH_MS = 30_000;
/** The client's own wait for a hole, and its pull. */
const CLIENT_MS = 1_000;

const droppedPublishes: Invariant = {
  name: 'dropped-publishes',
  sentence: 'When publishes between instances are lost unnoticed, a reader on another instance has everything within 30 s, without a reconnect.', // biome-ignore format: one line reads better
  needsOwnServers: true,
  isPatient: true,
  async prove(stage) {
    const { threadId, cluster, sender, reader } = await openTalk(stage);
    let pushes = 0;
    reader.socket.on('message:created', () => {
      pushes += 1;
    });
    await dropPublishes(stage, cluster.redisUrl);
    const beganAt = performance.now();
    const sent = Array.from({ length: 5 }, () => message(threadId));
    for (const one of sent) await sender.ask('message:send', one);
    const limitMs = LOST_PUBLISH_MS + CLIENT_MS;
    await eventually(() => ensure(lastSeqOf(reader, threadId) === sent.length, `after ${wholeMs(limitMs)} the reader has ${lastSeqOf(reader, threadId)} of ${sent.length} messages`), limitMs); // biome-ignore format: one line reads better
    ensure(pushes === 0, 'the publishes were not lost: this run proves nothing');
    ensure(reader.losses() === 0, 'the reader was cut');
    return `complete after ${wholeMs(performance.now() - beganAt)} (at most ${wholeMs(limitMs)})`;
  },
};

const lastSeqOf = ({ chat }: Reader, threadId: string) => chat.views().get(threadId)?.thread.last_seq ?? 0;

const PACE_MS = 40;
const BEHIND_MS = 5_000;
const SLOWER_MS = 100;

const redisOutage: Invariant = {
  name: 'redis-outage',
  sentence: 'While Redis is away no send fails or slows down, readers of other instances are at most 5 s behind, and all is well by itself when it is back.', // biome-ignore format: one line reads better
  needsOwnServers: true,
  async prove(stage) {
    const { threadId, sides, cluster, sender, reader } = await openTalk(stage);
    const { nodes, network } = cluster;
    const lags = watchLags(stage, reader, threadId);
    const baseline = await sendAtPace(sender, threadId, lags);
    network.cut();
    const away = await sendAtPace(sender, threadId, lags);
    await ensureDegraded(nodes, ['cross_node', 'presence']);
    await eventually(() => ensure(lags.waiting() === 0, 'a reader of the other instance stays behind'));
    network.resume();
    await ensureDegraded(nodes, []);
    const other = await stage.device(nodes[1].url, sides[1], '/chat');
    await eventually(async () => {
      const { id } = (await sender.ask('message:send', message(threadId))).message;
      await other.hears('message:created', push => push.message.id === id, 500);
    });
    ensure(lags.worst() <= BEHIND_MS, `a reader was ${wholeMs(lags.worst())} behind`);
    ensure(reader.losses() === 0, 'the reader was cut');
    const [slowest, usual] = [p99(away)!, p99(baseline)!];
    ensure(slowest <= usual + SLOWER_MS, `p99 of acks rose from ${wholeMs(usual)} to ${wholeMs(slowest)}`);
    return `${away.length} sends, p99 of acks ${wholeMs(slowest)} (before ${wholeMs(usual)}), readers at most ${wholeMs(lags.worst())} behind`; // biome-ignore format: one line reads better
  },
};

interface Lags {
  acked(seq: number): void;
  waiting(): number;
  worst(): number;
}

/** How long each acknowledged message is not shown yet. */
function watchLags(stage: Stage, reader: Reader, threadId: string): Lags {
  const ackedAt = new Map<number, number>();
  let worst = 0;
  const look = () => {
    const shown = lastSeqOf(reader, threadId);
    for (const [seq, at] of ackedAt) {
      worst = Math.max(worst, performance.now() - at);
      if (seq <= shown) ackedAt.delete(seq);
    }
  };
  const timer = setInterval(look, 20);
  stage.onEnd(() => clearInterval(timer));
  return {
    acked: seq => void ackedAt.set(seq, performance.now()),
    waiting: () => ackedAt.size,
    worst: () => worst,
  };
}

async function sendAtPace(sender: Device, threadId: string, lags: Lags): Promise<number[]> {
  return Promise.all(
    Array.from({ length: 100 }, async (_, n) => {
      await pause(n * PACE_MS);
      const beganAt = performance.now();
      const { message: stored } = await sender.ask('message:send', message(threadId));
      lags.acked(stored.seq);
      return performance.now() - beganAt;
    }),
  );
}

async function ensureDegraded(nodes: readonly ServerProcess[], expected: string[]): Promise<void> {
  for (const { url } of nodes)
    await eventually(async () => {
      const { status, body } = await call(url, null, 'GET', '/readyz');
      ensure(status === 200 && `${body.degraded}` === `${expected}`, `/readyz says ${status} ${JSON.stringify(body)}`);
    }, 5_000);
}

export const redisInvariants = [droppedPublishes, redisOutage];
