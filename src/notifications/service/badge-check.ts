import type { Logger } from 'pino';
import type { Announcement, Push } from '../../common/announcements.ts';
import type { Orm } from '../../common/database.ts';
import { newId } from '../../common/ids.ts';
import type { Cluster } from '../../common/redis.ts';
import { type Repeated, repeat } from '../../common/repeat.ts';
import type { Gateway } from '../../common/sockets.ts';
import { type BadgeView, countBadges } from './present.ts';
import { announceBadge } from './tell.ts';

const LOOK_EVERY_MS = 1_000;
const USERS_PER_QUERY = 1_000;
const MISSED_CHANNEL = 'parthub:badges-missed';

interface Parts {
  orm: Orm;
  log: Logger;
  cluster: Pick<Cluster, 'isShared' | 'degraded' | 'misses' | 'publish' | 'subscribe'>;
  sockets: Pick<Gateway, 'users' | 'pushHere'>;
  push: Push;
  /** Divides waiting times in tests. */
  timeScale: number;
}

export interface BadgeCheck {
  /** Pushes what has a badge, and looks after it. */
  push: Push;
  start(): void;
  stop(): Promise<void>;
}

/**
 * Of two instances that tell a user's numbers at the same moment the one that counted first may be heard last: whoever
 * told counts once more a second later, and tells what is different until nothing is. Numbers that were lost with Redis
 * are told once it is back, by each instance to its own users. One alone has nothing to look after.
 */
export function createBadgeCheck({ orm, log, cluster, sockets, push, timeScale }: Parts): BadgeCheck {
  const me = newId();
  let told = new Map<string, BadgeView>();
  let toldBefore = told;
  let missesSeen = 0;
  /** The other instances must hear that something was missed. */
  let hasMissed = false;
  /** Own users may show numbers that are old. */
  let isBehind = false;
  let repeated: Repeated[] = [];

  function tell(announcements: readonly Announcement[]): void {
    push(announcements);
    for (const { to, payload } of announcements) for (const id of to) told.set(id, (payload as Numbers).badge);
  }

  /** What was told before the last look. */
  async function checkTold(): Promise<void> {
    const due = toldBefore;
    [toldBefore, told] = [told, new Map()];
    try {
      const different: Announcement[] = [];
      for await (const [userId, badge] of count([...due.keys()]))
        if (!isSame(badge, due.get(userId)!)) different.push(announceBadge(userId, badge));
      tell(different);
    } catch (error) {
      toldBefore = new Map([...due, ...toldBefore]);
      throw error;
    }
  }

  /** Once nothing is missed any more: what instances have missed of each other stands on both sides of an outage. */
  async function checkMissed(): Promise<void> {
    const misses = cluster.misses();
    if (misses !== missesSeen) {
      missesSeen = misses;
      hasMissed = true;
    } else if (hasMissed && cluster.degraded().length === 0) {
      hasMissed = false;
      cluster.publish(MISSED_CHANNEL, me);
      isBehind = true;
    }
    if (isBehind) await tellAll();
  }

  async function tellAll(): Promise<void> {
    isBehind = false;
    try {
      for await (const [userId, badge] of count([...sockets.users()])) sockets.pushHere([announceBadge(userId, badge)]);
    } catch (error) {
      isBehind = true;
      throw error;
    }
  }

  async function* count(userIds: readonly string[]): AsyncGenerator<[userId: string, badge: BadgeView]> {
    for (let from = 0; from < userIds.length; from += USERS_PER_QUERY) {
      yield* await countBadges({ em: orm.em.fork() }, userIds.slice(from, from + USERS_PER_QUERY));
    }
  }

  if (!cluster.isShared) return { push, start() {}, async stop() {} };
  cluster.subscribe(MISSED_CHANNEL, from => {
    if (from !== me) isBehind = true;
  });
  return {
    push: tell,
    start() {
      repeated = [checkTold, checkMissed].map(check => repeat(LOOK_EVERY_MS / timeScale, log, check));
    },
    async stop() {
      await Promise.all(repeated.map(one => one.stop()));
    },
  };
}

interface Numbers {
  badge: BadgeView;
}

const isSame = (one: BadgeView, other: BadgeView) => one.unread === other.unread && one.unseen === other.unseen;
