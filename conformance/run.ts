// `npm run conformance [-- --url URL [--url URL] --tokens FILE] [--only NAME,…] [--seed N] [--json]`: whether a deployment keeps the promises
// of the socket contract. Without --url it starts servers of its own, and then causes faults too. Exits 1 when a promise is broken.
import { readOptions } from '../bench/support/options.ts';
import { type Room, readRooms } from '../load/rooms.ts';
import { exitIfInterrupted, whileOpen } from '../tests/support/interrupt.ts';
import { crashInvariants } from './invariants/crashes.ts';
import { deliveryInvariants } from './invariants/delivery.ts';
import { privacyInvariants } from './invariants/privacy.ts';
import { redisInvariants } from './invariants/redis.ts';
import { stormInvariants } from './invariants/storms.ts';
import { type OwnServers, startOwnServers } from './own-servers.ts';
import { prove } from './prove.ts';
import { tellSum, tellVerdict } from './report.ts';

const invariants = [
  ...deliveryInvariants,
  ...privacyInvariants,
  ...stormInvariants,
  ...crashInvariants,
  ...redisInvariants,
];
/** One each, and an outsider. */
const ROOMS = invariants.length + 1;

function refuse(reason: string): never {
  const makesTokens = `npm run seed:load -- --users ${2 * ROOMS} --threads ${ROOMS} --out FILE`;
  process.stderr.write(`${reason}
usage: npm run conformance [-- --url URL [--url URL …] --tokens FILE] [--only NAME,…] [--seed N] [--json]
  FILE is what the deployment's \`${makesTokens}\` wrote
  NAMEs: ${invariants.map(one => one.name).join(', ')}\n`);
  process.exit(2);
}

const values = readOptions(
  {
    options: {
      url: { type: 'string', multiple: true, default: [] },
      tokens: { type: 'string' },
      only: { type: 'string' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
      json: { type: 'boolean', default: false },
    },
  },
  refuse,
);

const chosen = values.only?.split(',') ?? invariants.map(one => one.name);
const unknown = chosen.find(name => !invariants.some(one => one.name === name));
if (unknown !== undefined) refuse(`--only ${unknown} is none`);
const seed = Number(values.seed);
if (!Number.isSafeInteger(seed)) refuse('--seed is a whole number');
const urls = values.url.map(url => url.replace(/\/$/, ''));
if (urls.length > 0 && !values.tokens) refuse('--url needs --tokens');
if (urls.length === 0 && values.tokens) refuse('--tokens needs --url');

function roomsOf(file: string): Room[] {
  try {
    return readRooms(file, ROOMS);
  } catch (error) {
    return refuse((error as Error).message);
  }
}

// each server and Redis of its own is ended with this process
process.setMaxListeners(100);
const say = (line: string): void => void (values.json || process.stdout.write(`${line}\n`));
const given = urls.length > 0 ? roomsOf(values.tokens!) : null;
const startedAt = performance.now();
const isKept = await whileOpen(startOwn(), proveAll).catch(exitIfInterrupted);
process.exit(isKept ? 0 : 1);

async function startOwn(): Promise<OwnServers | null> {
  if (given) return null;
  say('starting PostgreSQL, Redis and two instances');
  return startOwnServers(ROOMS);
}

/** True when no promise is broken. */
async function proveAll(own: OwnServers | null): Promise<boolean> {
  const targets = own ? own.main.nodes.map(node => node.url) : urls;
  say(`${targets.join(' and ')}, seed ${seed}\n`);
  const verdicts = await prove(
    invariants.filter(one => chosen.includes(one.name)),
    {
      ...{ urls: targets, own, seed, rooms: given ?? roomsOf(own!.tokens) },
      onVerdict: verdict => say(tellVerdict(verdict)),
    },
  );
  const seconds = (performance.now() - startedAt) / 1_000;
  say(`\n${tellSum(verdicts, seconds)}; --seed ${seed} makes the same run`);
  if (values.json) process.stdout.write(`${JSON.stringify({ seed, urls: targets, seconds, verdicts })}\n`);
  return verdicts.every(one => one.result !== 'broken');
}
