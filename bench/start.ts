/**
 * How soon a server listens, and how much memory it takes at rest: as `npm start` runs it, with a PostgreSQL of its own, and as
 * production does. Warm: compiled code and the database are there from an earlier start.
 * `npm run bench -- start [--rounds 5] [--rest 30]`
 */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { residentKb } from './support/cpu.ts';
import { readSettings } from './support/options.ts';
import type { Outcome } from './support/outcome.ts';
import { type Started, startNode } from './support/processes.ts';
import { spreadOf } from './support/stats.ts';
import { inWorld, root, type World } from './support/world.ts';

export const quick = ['--rounds', '1', '--rest', '5'];

const LISTENS = /listens on (http:[^ ]+)/;
const SETTLE_MS = 4_000;
const GOALS = { listensMs: 1_200, restMb: 140 };

interface Subject {
  name: string;
  file: string;
  env: Record<string, string>;
}

interface Round {
  listensMs: number;
  restMb: number;
}

export async function run(args: string[]): Promise<Outcome> {
  const settings = readSettings(args, { rounds: 5, rest: 30 });
  return inWorld({ users: 2 }, async world => {
    const subjects = subjectsOf(world);
    // Twice: the second still finds out what the first has compiled.
    for (const _ of [1, 2]) await measure(subjects, 0);
    const rounds: Map<string, Round>[] = [];
    for (let round = 0; round < settings.rounds; round += 1) rounds.push(await measure(subjects, settings.rest));
    const spread = (name: string, column: keyof Round) => spreadOf(rounds.map(round => round.get(name)![column]));
    const goal = (what: string, column: keyof Round, unit: string, atMost: number) => ({
      ...{ what: `npm start: ${what}`, unit, atMost, measured: spread('npm start', column) },
    });
    return {
      settings,
      measured: [
        {
          title: 'a warm start',
          columns: ['listens after ms', 'memory at rest MB'],
          rows: subjects.map(({ name }) => ({ name, cells: [spread(name, 'listensMs'), spread(name, 'restMb')] })),
        },
      ],
      goals: [
        goal('listens after', 'listensMs', 'ms', GOALS.listensMs),
        goal('memory at rest', 'restMb', 'MB', GOALS.restMb),
      ],
    };
  });
}

function subjectsOf({ folder, url, env }: World): Subject[] {
  const { SECRET_KEY = '' } = env;
  const production = {
    ...{ NODE_ENV: 'production', DATABASE_URL: url, DATA_DIR: folder, SECRET_KEY, ALLOWED_HOSTS: '127.0.0.1' },
    ...{ HOST: '127.0.0.1', PORT: '0', NOTIFIER: 'telegram', TELEGRAM_GATEWAY_TOKEN: 'none' },
  };
  return [
    { name: 'bare node:http', file: 'bench/baselines/bare.mjs', env: {} },
    { name: 'npm start', file: 'src/main.ts', env: { DATA_DIR: join(folder, 'data'), PORT: '0' } },
    { name: 'in production', file: 'src/main.ts', env: production },
  ];
}

/** One after the other is started and let settle; then all rest together. */
async function measure(subjects: readonly Subject[], restSec: number): Promise<Map<string, Round>> {
  const servers: { name: string; server: Started; listensMs: number }[] = [];
  for (const { name, file, env } of subjects) {
    const beganAt = performance.now();
    const server = await startNode(join(root, file), [], env, LISTENS);
    servers.push({ name, server, listensMs: performance.now() - beganAt });
    await pause(SETTLE_MS);
  }
  await pause(restSec * 1000);
  const measured = servers.map(({ name, server, listensMs }) => {
    return [name, { listensMs, restMb: residentKb(server.pid) / 1024 }] as const;
  });
  // A killed one would leave a database behind that has to recover.
  for (const { server } of servers) await server.end();
  return new Map(measured);
}
