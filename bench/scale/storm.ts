// The load: everybody is cut at the same moment and comes back at once, while others talk. stdin: JSON of `Storm`; prints JSON of `Storms`.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { inSlices, openEverywhere } from './connection.ts';
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
}

const REST_MS = 3_000;

const { tokens, rounds, ...talk } = (await json(process.stdin)) as Storm;

async function comeBack(token: string) {
  const socket = await openEverywhere(talk.url, token);
  const ack = await socket.ask('sync:pull', {});
  if (!ack.ok) throw new Error(JSON.stringify(ack));
  return socket;
}

const talkers = fork(join(import.meta.dirname, 'talk.ts'));
talkers.send(talk);
await once(talkers, 'message');
let sockets = await inSlices(tokens, comeBack);
const result: Storms = { backMs: [], ackMs: [] };
for (let round = 0; round < rounds; round += 1) {
  await pause(REST_MS);
  talkers.send('begin');
  for (const socket of sockets) socket.close();
  const cutAt = performance.now();
  const backMs: number[] = [];
  sockets = await Promise.all(
    tokens.map(async token => {
      const socket = await comeBack(token);
      backMs.push(performance.now() - cutAt);
      return socket;
    }),
  );
  talkers.send('end');
  const [ackMs] = (await once(talkers, 'message')) as [number[]];
  result.backMs.push(backMs);
  result.ackMs.push(ackMs);
}
talkers.kill();
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
