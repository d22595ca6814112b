/**
 * Chat against bare Socket.IO, bare PostgreSQL and two small servers, on one durable PostgreSQL, side by side.
 * `npm run bench -- chat [--rounds 3] [--seconds 5] [--pairs 200] [--rate 8000] [--loads 8,1,pair,rate]
 * [--only relay,parthub]`
 */
import { join } from 'node:path';
import type { Load, Measured } from './chat/measured.ts';
import { chatGoals, chatTables, type Round } from './chat/tables.ts';
import { runLoad } from './support/load.ts';
import { OptionError, readSettings } from './support/options.ts';
import type { Outcome } from './support/outcome.ts';
import { inTurns } from './support/rounds.ts';
import { inWorld, root, talksOf, type World } from './support/world.ts';

export const quick = ['--loads', '8', '--rounds', '2', '--seconds', '2'];

/** Longer in the first round, in which everything runs for the first time. */
const WARM_UP_MS = { first: 4_000, later: 1_500 };

const subjectNames = ['relay', 'database', 'per-message', 'per-statement', 'prepared', 'parthub'];

interface Subject {
  name: string;
  file: string;
  args: string[];
  url: string;
  watched: { server: number | null; database: number | null };
  bell: boolean;
}

export async function run(args: string[]): Promise<Outcome> {
  const presets = { rounds: 3, seconds: 5, pairs: 200, rate: 8_000, loads: '8,1,pair,rate', only: '' };
  const { rounds, seconds, pairs, rate, only, ...given } = readSettings(args, presets);
  const loads = settingsOf(pairs, rate, given.loads.split(','));
  const chosen = chosenOf(only);
  return inWorld({ users: pairs * 2, posts: pairs, threads: pairs }, async world => {
    const started = await startSubjects(world);
    const subjects = started.filter(one => chosen.includes(one.name));
    const outcome: Outcome = { settings: { rounds, seconds, pairs }, measured: [], goals: [] };
    for (const [key, { title, subjects: able, ...setting }] of loads) {
      const load = { ...setting, pairs: talksOf(world, setting.pairs), devices: 1, measureMs: seconds * 1000 };
      const measured = able ? subjects.filter(one => able.includes(one.name)) : subjects;
      const results = await inTurns(measured, rounds, (subject, round) =>
        measure(subject, { ...load, warmUpMs: round === 0 ? WARM_UP_MS.first : WARM_UP_MS.later }),
      );
      outcome.measured.push(...chatTables(title, results));
      outcome.goals.push(...chatGoals(key, title, results));
    }
    return outcome;
  });
}

function chosenOf(only: string): readonly string[] {
  const chosen = only === '' ? subjectNames : only.split(',');
  const unknown = chosen.find(name => !subjectNames.includes(name));
  if (unknown !== undefined) throw new OptionError(`--only ${unknown} is none of ${subjectNames}`);
  return chosen;
}

interface Setting {
  title: string;
  pairs: number;
  inFlight: number;
  rate?: number;
  /** Those who can keep up; without it all. */
  subjects?: string[];
}

function settingsOf(pairs: number, rate: number, names: readonly string[]): [string, Setting][] {
  const settings: Record<string, Setting> = {
    8: { title: `${pairs} pairs, 8 in flight`, pairs, inFlight: 8 },
    1: { title: `${pairs} pairs, 1 in flight`, pairs, inFlight: 1 },
    pair: { title: 'one pair, 1 in flight', pairs: 1, inFlight: 1 },
    rate: { title: `${pairs} pairs, ${rate} messages/s`, pairs, inFlight: 1, rate, subjects: ['relay', 'parthub'] },
  };
  return names.map(name => {
    const setting = settings[name];
    if (!setting) throw new OptionError(`--loads ${name} is none of ${Object.keys(settings)}`);
    return [name, setting];
  });
}

async function startSubjects(world: World): Promise<Subject[]> {
  const server = async (name: string, pid: number, url: string, database: number | null): Promise<Subject> => ({
    ...{ name, url, watched: { server: pid, database }, bell: name === 'parthub' },
    ...{ file: join(root, 'bench/chat/load.ts'), args: [] },
  });
  const relay = await world.startBaseline('relay');
  const perMessage = await world.startBaseline('per-message', {
    DATABASE_URL: await world.createDatabase('per_message'),
  });
  const statementServer = async (database: string, ...args: string[]) =>
    world.startBaseline('per-statement', { DATABASE_URL: await world.createDatabase(database) }, [world.seedFile, ...args]); // biome-ignore format: one line reads better
  const perStatement = await statementServer('per_statement');
  const prepared = await statementServer('prepared', 'send');
  const parthub = await world.startParthub();
  return [
    await server('relay', relay.pid, relay.match, null),
    {
      ...{ name: 'database', url: await world.createDatabase('batches'), bell: false },
      ...{ file: join(root, 'bench/baselines/batches.ts'), args: [world.seedFile] },
      watched: { server: null, database: world.databasePid },
    },
    await server('per-message', perMessage.pid, perMessage.match, world.databasePid),
    await server('per-statement', perStatement.pid, perStatement.match, world.databasePid),
    await server('prepared', prepared.pid, prepared.match, world.databasePid),
    await server('parthub', parthub.pid, parthub.match, world.databasePid),
  ];
}

async function measure({ file, args, url, bell, watched }: Subject, load: Omit<Load, 'url' | 'bell'>): Promise<Round> {
  const { result, cpu } = await runLoad<Measured>(file, args, { ...load, url, bell }, watched);
  return { ...result, cpu: cpu.get('')! };
}
