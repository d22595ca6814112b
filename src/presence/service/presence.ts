import type { Logger } from 'pino';
import type { UseCase } from '../../common/context.ts';
import type { Orm } from '../../common/database.ts';
import { newId } from '../../common/ids.ts';
import type { Cluster } from '../../common/redis.ts';
import { type Repeated, repeat } from '../../common/repeat.ts';
import type { Gateway } from '../../common/sockets.ts';
import type { operations } from '../contract.ts';
import { type Attendance, createAttendance } from './attendance.ts';
import { createLastSeen } from './last-seen.ts';
import { createLeases, type Lease } from './leases.ts';
import { createPeople } from './people.ts';
import { findSights, hidden } from './sight.ts';
import { scaledTimes } from './times.ts';
import { createWatchers } from './watchers.ts';

/** Somebody may see a user now, or may not any more; without a viewer: everybody. */
export interface SightChange {
  userId: string;
  viewerId?: string;
}

export interface Presence {
  subscribe: UseCase<typeof operations.subscribe>;
  get: UseCase<typeof operations.get>;
  ping: Attendance['ping'];
  arrive(lease: Lease): Promise<void>;
  leave(lease: Lease): Promise<void>;
  /** Committed; `isLoss`: hidden at once, on this node before anything else is told. */
  changeSight(changes: readonly SightChange[], isLoss: boolean): void;
  start(): Promise<void>;
  stop(): Promise<void>;
}

interface Parts {
  orm: Orm;
  log: Logger;
  cluster: Cluster;
  sockets: Pick<Gateway, 'emitTo'>;
  /** Divides waiting times in tests. */
  timeScale: number;
}

const SIGHT_CHANNEL = 'parthub:sight-changed';

/**
 * Who is there, and who may know it (realtime.md, section 8). While the store of leases is away everybody who may be seen
 * is `unknown`; when it is back all nodes renew their leases first, and only then anything is said again.
 */
export function createPresence({ orm, log, cluster, sockets, timeScale }: Parts): Presence {
  const times = scaledTimes(timeScale);
  const nodeId = newId();
  const fork = () => orm.em.fork();
  let epoch: string | null = null;
  let isAway = true;
  let backAt = 0;
  let repeated: Repeated[] = [];

  const leases = createLeases(cluster, times, userId => people.touch(userId));
  const attendance = createAttendance({ leases, times, isReachable: () => epoch !== null, onFailure: fail });
  const people = createPeople({
    ...{ leases, times, isAway: () => isAway, onFailure: fail },
    onChange: person => watchers.changed(person),
  });
  const watchers = createWatchers({ people, sockets, times });
  const lastSeen = createLastSeen(orm, times);

  function fail(error: unknown): void {
    log.warn({ err: error }, 'presence');
    epoch = null;
    lose();
  }

  function lose(): void {
    if (isAway) return;
    isAway = true;
    people.lose();
  }

  async function checkStore(): Promise<void> {
    const found = await leases.epoch();
    if (found !== epoch) lose();
    if (found !== epoch && found !== null) {
      attendance.expire();
      backAt = performance.now() + times.settle;
    }
    epoch = found;
    if (epoch === null) return;
    await attendance.renew();
    if (isAway && performance.now() >= backAt) await recover();
    if (cluster.isShared) watchers.doubtOlderThan(times.sight);
  }

  /** Words about who may see whom were lost too. */
  async function recover(): Promise<void> {
    watchers.doubtOlderThan(0);
    await watchers.settle(fork);
    isAway = false;
    people.touchAll();
  }

  async function tellChanges(): Promise<void> {
    await people.refresh();
    watchers.flush();
  }

  const settleDoubts = () => watchers.settle(fork);

  const writeLastSeen = () => lastSeen.write(attendance.users());

  function applySight(changes: readonly SightChange[], isLoss: boolean): void {
    for (const { userId, viewerId } of changes)
      if (isLoss) watchers.hide(userId, viewerId);
      else watchers.doubt(userId, viewerId);
  }

  cluster.subscribe(SIGHT_CHANNEL, message => {
    const { from, changes, isLoss } = JSON.parse(message);
    if (from !== nodeId) applySight(changes, isLoss);
  });

  return {
    async subscribe({ em, actor, connection }, { user_ids }) {
      // Of one that has gone while its call waited nobody would tell that it watches nobody any more.
      if (connection === undefined || !attendance.has(connection)) return { states: [] };
      return { states: await watchers.watch(em, { connection, userId: actor.userId }, user_ids) };
    },
    async get({ em, actor }, { user_ids }) {
      const ids = [...new Set(user_ids)];
      const sights = await findSights(em, ids.map(userId => ({ viewerId: actor.userId, userId }))); // biome-ignore format: one line reads better
      const seen = new Map(ids.flatMap((id, index) => (sights[index] ? [[id, sights[index].lastSeenAt]] : [])));
      const states = await people.peek(seen);
      return { states: ids.map(id => states.get(id) ?? hidden(id)) };
    },
    ping: attendance.ping,
    arrive: attendance.arrive,
    async leave(lease) {
      watchers.leave(lease.connection);
      lastSeen.leave(lease.userId);
      await attendance.leave(lease);
    },
    changeSight(changes, isLoss) {
      applySight(changes, isLoss);
      cluster.publish(SIGHT_CHANNEL, JSON.stringify({ from: nodeId, changes, isLoss }));
    },
    async start() {
      epoch = await leases.epoch();
      isAway = epoch === null;
      repeated = [
        repeat(times.check, log, checkStore),
        repeat(times.pass, log, tellChanges),
        repeat(times.pass, log, settleDoubts),
        repeat(times.write, log, writeLastSeen),
      ];
    },
    async stop() {
      await Promise.all(repeated.map(one => one.stop()));
      await lastSeen.write([]).catch(error => log.warn({ err: error }, 'last seen times not written'));
    },
  };
}
