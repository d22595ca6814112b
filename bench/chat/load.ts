// The load: pairs of real clients in one process of their own, so that both ends of a delivery have one clock.
// stdin: JSON of `Load`; prints `begin` and `end` around what is measured, then JSON of `Measured`.
import { randomUUID } from 'node:crypto';
import { json } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { io, type Socket } from 'socket.io-client';
import { measureWindow } from '../support/window.ts';
import { type Client, type Load, nothingMeasured, sampleText } from './measured.ts';

interface Sent {
  began: number;
  /** Where the server gives no number it must keep the order of sending. */
  order: number;
  isAnswered: boolean;
  isAcked: boolean;
  awaited: number;
}

const load = (await json(process.stdin)) as Load;
const sent = new Map<string, Sent>();
const listenersOfOne = load.devices === 1 ? 1 : 2 * load.devices;
let isMeasuring = false;
let isOver = false;
const measured = nothingMeasured();

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
    if (order === last) {
      measured.twice += 1;
      return; // else it would stand for the one that another device has not got
    }
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
  const one: Sent = { began, order: desk.sent, isAnswered: false, isAcked: false, awaited: listenersOfOne };
  sent.set(client_id, one);
  const ack = await new Promise<{ ok: boolean }>(resolve =>
    socket.emit('message:send', { thread_id, client_id, text: sampleText }, resolve),
  );
  [one.isAnswered, one.isAcked] = [true, ack.ok];
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

const SETTLE_MS = 10_000;

/** What was sent last may still be on its way, and a server that has not done it would do it in the round of the next one. */
async function settle(): Promise<void> {
  const isLost = (one: Sent) => one.isAcked && one.awaited > 0;
  const isWhole = (one: Sent) => one.isAnswered && !isLost(one);
  for (let waited = 0; waited < SETTLE_MS && ![...sent.values()].every(isWhole); waited += 100) await pause(100);
  measured.lost = [...sent.values()].filter(isLost).length;
  measured.failures += [...sent.values()].filter(one => !one.isAnswered).length;
}

const desks: Desk[] = [];
for (const [index, pair] of load.pairs.entries())
  desks.push({ socket: await connectPair(pair, index), thread_id: pair.thread_id, sent: 0 });
if (load.rate) sendAtRate(desks, load.rate);
else for (const desk of desks) for (let lane = 0; lane < load.inFlight; lane += 1) void keepSending(desk);
measured.seconds = await measureWindow(load, isOn => {
  isMeasuring = isOn;
});
isOver = true;
await pause(200);
await settle();
process.stdout.write(`${JSON.stringify(measured)}\n`, () => process.exit(0));
