// The load: everybody is cut at the same moment and comes back at once, while others talk. stdin: JSON of `Storm`; prints JSON of `Storms`.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import type { RawSocket } from '../../tests/support/lean-socket.ts';
import { inSlices } from '../support/rounds.ts';
import { CONNECTS_AT_ONCE, openEverywhere } from './connection.ts';
import type { Talk } from './talk.ts';

export interface Storm extends Talk {
  tokens: string[];
  rounds: number;
}

export interface Storms {
  /** Until all namespaces are joined and everything is pulled, for each of those who came back. */
  backMs: number[][];
  /** Of others meanwhile. */
  ackMs: number[][];
  /** Asked for again. */
  refusedPulls: number;
}

const REST_MS = 3_000;

const { tokens, rounds, ...talk } = (await json(process.stdin)) as Storm;

const result: Storms = { backMs: [], ackMs: [], refusedPulls: 0 };

interface Client {
  socket: RawSocket;
  held: { thread_id: string; rev: number; me_rev: number }[];
}

/** What is refused for a while is asked for again, as every client does. */
async function pull(socket: RawSocket, threads: Client['held']) {
  for (;;) {
    const ack = await socket.ask('sync:pull', { threads });
    if (ack.ok) return ack;
    if (!ack.error.retryable) throw new Error(JSON.stringify(ack));
    result.refusedPulls += 1;
    await pause(ack.error.retry_after_ms ?? 1_000);
  }
}

async function comeBack(token: string, held: Client['held'] = []): Promise<Client> {
  const socket = await openEverywhere(talk.url, token);
  const ack = await pull(socket, held);
  const changed = ack.data.threads.map(({ thread }: { thread: { id: string; rev: number; me: { rev: number } } }) => ({
    ...{ thread_id: thread.id, rev: thread.rev, me_rev: thread.me.rev },
  }));
  return { socket, held: changed.length > 0 ? changed : held };
}

const talkers = fork(join(import.meta.dirname, 'talk.ts'));
talkers.send(talk);
await once(talkers, 'message');
let clients = await inSlices(tokens, CONNECTS_AT_ONCE, token => comeBack(token));
result.refusedPulls = 0;
for (let round = 0; round < rounds; round += 1) {
  await pause(REST_MS);
  talkers.send('begin');
  for (const { socket } of clients) socket.close();
  const cutAt = performance.now();
  const backMs: number[] = [];
  const back = tokens.map(async (token, n) => {
    const client = await comeBack(token, clients[n]!.held);
    backMs.push(performance.now() - cutAt);
    return client;
  });
  clients = await Promise.all(back);
  talkers.send('end');
  const [ackMs] = (await once(talkers, 'message')) as [number[]];
  result.backMs.push(backMs);
  result.ackMs.push(ackMs);
}
talkers.kill();
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
