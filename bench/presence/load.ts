// The load: users on raw WebSockets in one process of their own, so that the server's CPU is the server's alone.
// stdin: JSON of `Load`; prints `begin <phase>` and `end <phase>`, then JSON of `Measured` for each phase.
import { json } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { openRawSocket, type RawSocket } from '../../tests/support/lean-socket.ts';
import { inSlices } from '../support/rounds.ts';
import { measureWindow } from '../support/window.ts';

export interface Load {
  url: string;
  users: { user_id: string; access: string; watched: string[] }[];
  changesPerSecond: number;
  warmUpMs: number;
  measureMs: number;
}

export interface Measured {
  phase: Phase;
  seconds: number;
  changes: number;
  pushes: number;
  states: number;
  /** From the answer to a connect until a watcher hears `online`. */
  delayMs: number[];
}

export type Phase = 'idle' | 'unwatched' | 'watched';

interface Client {
  socket: RawSocket;
  watched: string[];
}

const PING_MS = 30_000;
/** Longer than the grace, so that every leaving is told. */
const ABSENCE_MS = 18_000;
const AT_ONCE = 50;

const load = (await json(process.stdin)) as Load;
const joinedAt = new Map<string, number>();
let phase: Phase = 'idle';
let measured: Measured | null = null;
let isWatching = false;

interface Push {
  states: { user_id: string; status: string }[];
}

function hear(event: string, { states }: Push): void {
  if (event !== 'presence:updated' || !measured) return;
  measured.pushes += 1;
  measured.states += states.length;
  for (const { user_id, status } of states) {
    const at = joinedAt.get(user_id);
    if (status === 'online' && at !== undefined) measured.delayMs.push(performance.now() - at);
  }
}

async function subscribe({ socket, watched }: Client): Promise<void> {
  const asked = socket.ask('presence:subscribe', { user_ids: isWatching ? watched : [] });
  // Who goes meanwhile is asked again when they come back.
  const reply = await Promise.race([asked, socket.closed]);
  if (reply && !reply.ok) throw new Error(JSON.stringify(reply));
}

async function join(access: string): Promise<RawSocket> {
  const socket = await openRawSocket({ url: load.url, namespace: '/presence', token: access, onPush: hear });
  await socket.join();
  return socket;
}

const clients = await inSlices(
  load.users,
  AT_ONCE,
  async ({ access, watched }): Promise<Client> => ({ socket: await join(access), watched }),
);
const away = new Set<Client>();
let lastPinged = 0;
setInterval(() => {
  for (let n = 0; n < clients.length / (PING_MS / 100); n += 1) {
    lastPinged = (lastPinged + 1) % clients.length;
    const client = clients[lastPinged]!;
    if (!away.has(client)) client.socket.emit('presence:ping', { active: true });
  }
}, 100);

/** A leaving and a coming back are two changes. */
function startChanges(): NodeJS.Timeout {
  let next = 0;
  let due = 0;
  return setInterval(() => {
    for (due += load.changesPerSecond / 2 / 50; due >= 1; due -= 1) {
      next = (next + 1) % clients.length;
      void comeAndGo(next);
    }
  }, 20);
}

async function comeAndGo(n: number): Promise<void> {
  const client = clients[n]!;
  if (away.has(client)) return;
  away.add(client);
  client.socket.close();
  if (measured) measured.changes += 1;
  await pause(ABSENCE_MS);
  client.socket = await join(load.users[n]!.access);
  joinedAt.set(load.users[n]!.user_id, performance.now());
  if (measured) measured.changes += 1;
  away.delete(client);
  if (isWatching) await subscribe(client);
}

async function measure(): Promise<Measured> {
  const result: Measured = { phase, seconds: 0, changes: 0, pushes: 0, states: 0, delayMs: [] };
  const setMeasuring = (isMeasuring: boolean) => {
    measured = isMeasuring ? result : null;
  };
  result.seconds = await measureWindow(load, setMeasuring, phase);
  return result;
}

const results = [await measure()];
const changes = startChanges();
for (const [name, watches] of [
  ['unwatched', false],
  ['watched', true],
] as const) {
  phase = name;
  isWatching = watches;
  if (watches)
    await inSlices(
      clients.filter(client => !away.has(client)),
      AT_ONCE,
      subscribe,
    );
  results.push(await measure());
}
clearInterval(changes);
process.stdout.write(`${JSON.stringify(results)}\n`, () => process.exit(0));
