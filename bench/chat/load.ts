// The load: pairs of real clients in one process of their own, so that both ends of a delivery have one clock.
// stdin: JSON of `Load`; prints JSON of `Measured`.
import { randomUUID } from 'node:crypto';
import { json } from 'node:stream/consumers';
import { io, type Socket } from 'socket.io-client';

export interface Load {
  url: string;
  /** A pair: the sender, the recipient, their thread. */
  pairs: { thread_id: string; sender: Client; recipient: Client }[];
  inFlight: number;
  warmUpMs: number;
  measureMs: number;
  /** Connects recipients here too, and counts what they hear. */
  bell: boolean;
}

interface Client {
  user_id: string;
  access: string;
}

export interface Measured {
  /** Stored, acknowledged and delivered within the measured time. */
  messages: number;
  seconds: number;
  notifications: number;
  failures: number;
  /** Deliveries that came after one with a higher seq. */
  disordered: number;
  ackMs: number[];
  deliveryMs: number[];
}

const load = (await json(process.stdin)) as Load;
const sentAt = new Map<string, number>();
const text = 'Salom! 06H-121-026 suv nasosi bormi, narxi qancha? Ertaga olib ketamiz.';
let isMeasuring = false;
let isOver = false;
const measured: Measured = {
  messages: 0,
  seconds: 0,
  notifications: 0,
  failures: 0,
  disordered: 0,
  ackMs: [],
  deliveryMs: [],
};

function connect(namespace: string, { user_id, access }: Client): Promise<Socket> {
  const socket = io(load.url + namespace, {
    transports: ['websocket'],
    forceNew: true,
    auth: { token: access, user_id },
  });
  return new Promise((resolve, reject) => {
    socket.once('session:ready', () => resolve(socket));
    socket.once('connect_error', reject);
  });
}

function listen(recipient: Socket): void {
  let lastSeq = 0;
  recipient.on('message:created', ({ message }: { message: { client_id: string; seq?: number } }) => {
    const began = sentAt.get(message.client_id);
    if (began === undefined) return;
    if ((message.seq ?? lastSeq) < lastSeq) measured.disordered += 1;
    lastSeq = message.seq ?? lastSeq;
    if (isMeasuring) {
      measured.messages += 1;
      measured.deliveryMs.push(performance.now() - began);
    }
    // forgotten a little later: the ack may come after the push
    setTimeout(() => sentAt.delete(message.client_id), 5_000).unref();
  });
}

async function keepSending(sender: Socket, thread_id: string): Promise<void> {
  while (!isOver) {
    const client_id = randomUUID();
    const began = performance.now();
    sentAt.set(client_id, began);
    const ack = await new Promise<{ ok: boolean }>(resolve =>
      sender.emit('message:send', { thread_id, client_id, text }, resolve),
    );
    if (!ack.ok) {
      if (measured.failures++ === 0) process.stderr.write(`${JSON.stringify(ack)}\n`);
    } else if (isMeasuring) measured.ackMs.push(performance.now() - began);
  }
}

const senders: [Socket, string][] = [];
for (const { thread_id, sender, recipient } of load.pairs) {
  listen(await connect('/chat', recipient));
  if (load.bell) {
    const bell = await connect('/notifications', recipient);
    for (const event of ['notification:created', 'notification:updated']) bell.on(event, () => (measured.notifications += isMeasuring ? 1 : 0)); // biome-ignore format: one line reads better
  }
  senders.push([await connect('/chat', sender), thread_id]);
}
process.stdout.write('connected\n');
for (const [socket, thread_id] of senders) for (let lane = 0; lane < load.inFlight; lane += 1) void keepSending(socket, thread_id); // biome-ignore format: one line reads better
await new Promise(resolve => setTimeout(resolve, load.warmUpMs));
process.stdout.write('begin\n');
isMeasuring = true;
const began = performance.now();
await new Promise(resolve => setTimeout(resolve, load.measureMs));
isMeasuring = false;
measured.seconds = (performance.now() - began) / 1000;
process.stdout.write('end\n');
isOver = true;
await new Promise(resolve => setTimeout(resolve, 300));
process.stdout.write(`${JSON.stringify(measured)}\n`, () => process.exit(0));
