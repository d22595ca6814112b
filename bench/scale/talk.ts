// Pairs who go on talking at a fixed rate, in a process of their own. A message of JSON of `Talk` starts them; between `begin` and `end`
// acks are timed, and answered as an array of ms. They run from the moment a message was due, so nothing hides a late one.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { openRawSocket } from '../../tests/support/lean-socket.ts';

export interface Talk {
  url: string;
  talkers: { access: string; thread_id: string }[];
  /** Messages/s of all together. */
  rate: number;
}

const TICK_MS = 10;

const [{ url, talkers, rate }] = (await once(process, 'message')) as [Talk];
const desks = await Promise.all(
  talkers.map(async ({ access, thread_id }) => {
    const socket = await openRawSocket({ url, namespace: '/chat', token: access });
    await socket.join();
    return { socket, thread_id };
  }),
);
let open: Promise<void>[] | null = null;
let ackMs: number[] = [];

async function send(turn: number, dueAt: number): Promise<void> {
  const { socket, thread_id } = desks[turn % desks.length]!;
  const ack = await socket.ask('message:send', { thread_id, client_id: randomUUID(), text: 'Salom!' });
  if (!ack.ok) throw new Error(JSON.stringify(ack));
  ackMs.push(performance.now() - dueAt);
}

const beganAt = performance.now();
let done = 0;
setInterval(() => {
  const due = Math.floor(((performance.now() - beganAt) * rate) / 1000);
  for (; done < due; done += 1) {
    const answered = send(done, beganAt + ((done + 1) * 1000) / rate);
    open?.push(answered);
  }
}, TICK_MS);
process.send!('ready');
// Who has started it is gone.
process.on('disconnect', () => process.exit());
process.on('message', async word => {
  if (word === 'begin') [open, ackMs] = [[], []];
  if (word !== 'end') return;
  await Promise.all(open!);
  process.send!(ackMs);
  open = null;
});
