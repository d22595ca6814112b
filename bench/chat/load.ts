// The load: pairs of real clients in one process of their own, so that both ends of a delivery have one clock.
// stdin: JSON of `Load`; prints `begin` and `end` around what is measured, then JSON of `Measured`.
import { randomUUID } from 'node:crypto';
import { json } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { io, type Socket } from 'socket.io-client';

export interface Load {
  url: string;
  /** A second server: every other recipient is there. */
  otherUrl?: string;
  /** A pair: the sender, the recipient, their thread. */
  pairs: { thread_id: string; sender: Client; recipient: Client }[];
  /** Of each of the two; what is sent is heard by all of them but, where there is only one each, the sender's. */
  devices: number;
  inFlight: number;
  /** Messages/s of all together, sent whatever the server does; instead of `inFlight`. */
  rate?: number;
  warmUpMs: number;
  measureMs: number;
  /** Connects recipients to their notifications too, and counts what they hear. */
  bell: boolean;
}

interface Client {
  user_id: string;
  access: string;
}

export interface Measured {
  /** Stored, acknowledged and delivered to all within the measured time. */
  messages: number;
  deliveries: number;
  seconds: number;
  notifications: number;
  failures: number;
  /** Acknowledged, and not delivered to a device within 3 s; deliveries too many; those that came after one with a higher seq. */
  lost: number;
  twice: number;
  disordered: number;
  ackMs: number[];
  deliveryMs: number[];
}

interface Sent {
  began: number;
  /** Where the server gives no number it must keep the order of sending. */
  order: number;
  isAcked: boolean;
  awaited: number;
}

const load = (await json(process.stdin)) as Load;
const sent = new Map<string, Sent>();
const text = 'Salom! 06H-121-026 suv nasosi bormi, narxi qancha? Ertaga olib ketamiz.';
const listenersOfOne = load.devices === 1 ? 1 : 2 * load.devices;
let isMeasuring = false;
let isOver = false;
const measured: Measured = {
  ...{ messages: 0, deliveries: 0, seconds: 0, notifications: 0, failures: 0 },
  ...{ lost: 0, twice: 0, disordered: 0, ackMs: [], deliveryMs: [] },
};

function connect(url: string, namespace: string, { access }: Client): Promise<Socket> {
  const socket = io(url + namespace, { transports: ['websocket'], forceNew: true, auth: { token: access } });
  return new Promise((resolve, reject) => {
    socket.once('session:ready', () => resolve(socket));
    socket.once('connect_error', reject);
  });
}

function listen(socket: Socket): void {
  let last = 0;
  socket.on('message:created', ({ message }: { message: { client_id: string; seq?: number } }) => {
    const one = sent.get(message.client_id);
    if (!one) return;
    const order = message.seq ?? one.order;
    if (order < last) measured.disordered += 1;
    last = order;
    one.awaited -= 1;
    if (one.awaited < 0) measured.twice += 1;
    if (!isMeasuring) return;
    measured.deliveries += 1;
    measured.deliveryMs.push(performance.now() - one.began);
    if (one.awaited === 0) measured.messages += 1;
  });
}

interface Desk {
  socket: Socket;
  thread_id: string;
  sent: number;
}

async function send(desk: Desk, began = performance.now()): Promise<void> {
  const { socket, thread_id } = desk;
  const client_id = randomUUID();
  desk.sent += 1;
  const one: Sent = { began, order: desk.sent, isAcked: false, awaited: listenersOfOne };
  sent.set(client_id, one);
  const ack = await new Promise<{ ok: boolean }>(resolve =>
    socket.emit('message:send', { thread_id, client_id, text }, resolve),
  );
  one.isAcked = ack.ok;
  if (!ack.ok) {
    if (measured.failures++ === 0) process.stderr.write(`${JSON.stringify(ack)}\n`);
  } else if (isMeasuring) measured.ackMs.push(performance.now() - one.began);
}

async function keepSending(desk: Desk): Promise<void> {
  while (!isOver) await send(desk);
}

/** Each is due at a fixed moment, from which its latency runs. */
function sendAtRate(desks: readonly Desk[], rate: number): void {
  const startedAt = performance.now();
  let done = 0;
  const timer = setInterval(() => {
    if (isOver) return clearInterval(timer);
    const due = Math.floor(((performance.now() - startedAt) * rate) / 1000);
    for (; done < due; done += 1) void send(desks[done % desks.length]!, startedAt + ((done + 1) * 1000) / rate);
  }, 5);
}

async function connectPair({ sender, recipient }: Load['pairs'][number], index: number): Promise<Socket> {
  const there = index % 2 === 1 ? (load.otherUrl ?? load.url) : load.url;
  const here = index % 4 > 1 ? (load.otherUrl ?? load.url) : load.url;
  for (let device = 0; device < load.devices; device += 1) listen(await connect(there, '/chat', recipient));
  if (load.bell) {
    const bell = await connect(there, '/notifications', recipient);
    for (const event of ['notification:created', 'notification:updated']) bell.on(event, () => (measured.notifications += isMeasuring ? 1 : 0)); // biome-ignore format: one line reads better
  }
  const first = await connect(here, '/chat', sender);
  if (load.devices > 1) listen(first);
  for (let device = 1; device < load.devices; device += 1) listen(await connect(here, '/chat', sender));
  return first;
}

/** What was acknowledged last may still be on its way. */
async function settle(): Promise<void> {
  const isWhole = (one: Sent) => !one.isAcked || one.awaited <= 0;
  for (let waited = 0; waited < 3_000 && ![...sent.values()].every(isWhole); waited += 100) await pause(100);
  measured.lost = [...sent.values()].filter(one => !isWhole(one)).length;
}

const desks: Desk[] = [];
for (const [index, pair] of load.pairs.entries())
  desks.push({ socket: await connectPair(pair, index), thread_id: pair.thread_id, sent: 0 });
if (load.rate) sendAtRate(desks, load.rate);
else for (const desk of desks) for (let lane = 0; lane < load.inFlight; lane += 1) void keepSending(desk);
await pause(load.warmUpMs);
process.stdout.write('begin\n');
isMeasuring = true;
const began = performance.now();
await pause(load.measureMs);
isMeasuring = false;
measured.seconds = (performance.now() - began) / 1000;
process.stdout.write('end\n');
isOver = true;
await pause(200);
await settle();
process.stdout.write(`${JSON.stringify(measured)}\n`, () => process.exit(0));
