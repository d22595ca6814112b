import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from 'pg';
import { ensure } from '../../conformance/stage.ts';
import type { Fault, Scene } from '../fault.ts';
import { makeHalfOpen } from '../networks.ts';
import { MAX_CONNECTIONS } from '../postgres.ts';

/** Refused in time, not ready in time, and all is well soon after. */
const away = { answerMs: 3_000, ackAgainMs: 2_000, refusals: ['unavailable'] };
const hanging = { ...away, answerMs: 5_000 };
const notReadyMs = 2_000;

/** A setting of the whole server, for connections that stand too. */
async function set({ site }: Scene, setting: string, value: string): Promise<void> {
  await site.postgres.query(`alter system set ${setting} = ${value}`);
  await site.postgres.query('select pg_reload_conf()');
}

async function reset({ site }: Scene, setting: string): Promise<void> {
  // it may be read-only itself
  const operator = await site.postgres.connect();
  await operator.query('set default_transaction_read_only = off');
  await operator.query(`alter system reset ${setting}`);
  await operator.query('select pg_reload_conf()');
  await operator.end();
}

/** All that the server gives, those of the instances included. */
async function takeAllConnections({ site }: Scene): Promise<Client[]> {
  const first = await site.postgres.connect();
  const taken = [first];
  const others = 'from pg_stat_activity where client_port is not null and pid <> all($1::int[])';
  for (;;) {
    await first.query(`select pg_terminate_backend(pid) ${others}`, [taken.map(pidOf)]);
    const more = await Promise.allSettled(Array.from({ length: MAX_CONNECTIONS }, () => site.postgres.connect()));
    taken.push(...more.filter(one => one.status === 'fulfilled').map(one => one.value));
    const left = await first.query(`select pid ${others}`, [taken.map(pidOf)]);
    if (left.rows.length === 0) return taken;
  }
}

const pidOf = (client: Client) => (client as unknown as { processID: number }).processID;

const sendsAndCommits = (request: Buffer): boolean => request.includes('send-messages') || request.includes('commit\0');
/** Of those, a third. */
const LOST = 0.3;

const BLOCK = Buffer.alloc(65_536);

async function fillDisk(file: string): Promise<void> {
  const ballast = await open(file, 'w');
  try {
    for (let size = BLOCK.length; size >= 4_096; size /= 2)
      for (;;) if (!(await ballast.write(BLOCK, 0, size).then(() => true, () => false))) break; // biome-ignore format: one line reads better
  } finally {
    await ballast.close();
  }
}

export const postgresFaults: Fault[] = [
  {
    name: 'postgres-restarted',
    sentence: 'A restart of PostgreSQL is a moment in which sends wait; none is lost, none fails for good.',
    reach: away,
    async inflict({ site }) {
      await site.postgres.shutDown();
      return site.postgres.answers;
    },
  },
  {
    name: 'postgres-killed',
    sentence: 'A PostgreSQL that is killed and recovers has everything that was acknowledged.',
    reach: away,
    async inflict({ site }) {
      await site.postgres.kill();
      return site.postgres.answers;
    },
  },
  {
    name: 'postgres-paused',
    sentence: 'While PostgreSQL stands still every send is refused in time, and all is well when it goes on.',
    reach: { ...hanging, notReadyMs },
    async inflict({ site }) {
      await site.postgres.pause();
      return site.postgres.resume;
    },
  },
  {
    name: 'postgres-refused',
    sentence: 'While PostgreSQL cannot be reached every send is refused at once, and all is well when it can.',
    reach: { ...away, notReadyMs },
    inflict({ site }) {
      for (const { database } of site.instances) database.cut();
      return () => {
        for (const { database } of site.instances) database.resume();
      };
    },
  },
  {
    name: 'postgres-half-open',
    sentence: 'Connections to PostgreSQL over which nothing passes are given up in time.',
    reach: { ...hanging, notReadyMs },
    inflict({ site }) {
      return makeHalfOpen(site.instances.map(one => one.database));
    },
  },
  {
    name: 'postgres-connections-used-up',
    sentence: 'When others have all connections of PostgreSQL sends are refused in time, and go on when they let go.',
    reach: away,
    async inflict(scene) {
      const taken = await takeAllConnections(scene);
      return () => Promise.all(taken.map(one => one.end()));
    },
  },
  {
    name: 'postgres-locked',
    sentence: 'When a lock of somebody else uses up the connections of every instance sends are refused in time.',
    reach: hanging,
    async inflict({ site }) {
      const operator = await site.postgres.connect();
      await operator.query('begin; lock table threads in access exclusive mode');
      return () => operator.end();
    },
  },
  {
    name: 'postgres-commit-answer-lost',
    sentence: 'When the answer of a commit is lost nobody is told the wrong thing: the repeat finds what was stored.',
    reach: { answerMs: 3_000, refusals: ['unavailable'] },
    inflict({ site, random }) {
      let lost = 0;
      const isLost = (request: Buffer) => {
        const isIt = sendsAndCommits(request) && random() < LOST;
        lost += Number(isIt);
        return isIt;
      };
      for (const { database } of site.instances) database.loseAnswers(isLost);
      return () => {
        for (const { database } of site.instances) database.loseAnswers(null);
        ensure(lost > 0, 'no answer was lost');
        return `${lost} answers lost`;
      };
    },
  },
  {
    name: 'postgres-serialization',
    sentence: 'Transactions that PostgreSQL cannot serialize are run again, and nobody notices.',
    reach: { answerMs: 3_000, refusals: ['unavailable'] },
    async inflict(scene) {
      const failures = () => scene.site.postgres.query("select xact_rollback::int as n from pg_stat_database where datname = current_database()") as Promise<{ n: number }[]>; // biome-ignore format: one line reads better
      const [before] = await failures();
      await set(scene, 'default_transaction_isolation', "'repeatable read'");
      return async () => {
        await reset(scene, 'default_transaction_isolation');
        const [after] = await failures();
        ensure(after!.n > before!.n, 'no transaction failed');
        return `${after!.n - before!.n} transactions rolled back`;
      };
    },
  },
  {
    name: 'postgres-read-only',
    sentence: 'While PostgreSQL only reads sends are refused in time and readiness says so.',
    reach: { ...away, notReadyMs },
    async inflict(scene) {
      await set(scene, 'default_transaction_read_only', 'on');
      return () => reset(scene, 'default_transaction_read_only');
    },
  },
  {
    name: 'postgres-disk-full',
    needs: 'small-disk',
    sentence:
      'While the disk of PostgreSQL is full sends are refused in time and readiness says so; then all is well again.',
    reach: { ...away, notReadyMs },
    async inflict({ site }) {
      const ballast = join(site.folder, 'ballast');
      await fillDisk(ballast);
      return () => rm(ballast);
    },
  },
];
