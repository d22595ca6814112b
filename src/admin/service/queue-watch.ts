import { isDeepStrictEqual } from 'node:util';
import type { EntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { Logger } from 'pino';
import { type Orm, rows } from '../../common/database.ts';
import { type Repeated, repeat } from '../../common/repeat.ts';
import type { Gateway } from '../../common/sockets.ts';
import { events } from '../contract.ts';
import { countQueues } from './home.ts';

const EVERY_MS = 2_000;

interface Parts {
  orm: Orm;
  log: Logger;
  sockets: Pick<Gateway, 'has' | 'pushHere'>;
  /** Divides waiting times in tests. */
  timeScale: number;
}

export interface QueueWatch {
  start(): void;
  stop(): Promise<void>;
}

/**
 * Tells staff with a socket on this instance when more or less waits for somebody. It asks the database, every 2 s while there
 * is such a socket: so it hears of every change, whichever module and instance made it, and of none twice. Who was not there
 * at the last look is told in any case: what they have read before may be old.
 */
export function createQueueWatch({ orm, log, sockets, timeScale }: Parts): QueueWatch {
  let told: object | undefined;
  let hearers: ReadonlySet<string> = new Set();
  let repeated: Repeated | undefined;

  async function tellQueues(): Promise<void> {
    const em = orm.em.fork() as EntityManager;
    const staff = await rows<{ id: string }>(em, sql`select id from users where role <> 'user'`);
    const to = staff.map(({ id }) => id).filter(id => sockets.has(id));
    const queues = to.length > 0 ? await countQueues({ em }) : told;
    tell(queues, isDeepStrictEqual(told, queues) ? to.filter(id => !hearers.has(id)) : to);
    hearers = new Set(to);
    told = queues;
  }

  function tell(queues: object | undefined, to: string[]): void {
    if (to.length === 0) return;
    const payload = { queues, at: new Date().toISOString() };
    sockets.pushHere([{ name: events.queuesUpdated.name, payload, to, isFact: false }]);
  }

  return {
    start() {
      repeated = repeat(EVERY_MS / timeScale, log, tellQueues);
    },
    async stop() {
      await repeated?.stop();
    },
  };
}
