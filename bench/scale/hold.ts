// The load: connections in all namespaces that only stay. stdin: JSON of `Hold`; the phases are `empty` and `held`.
import { json } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { inSlices } from '../support/rounds.ts';
import { CONNECTS_AT_ONCE, openEverywhere } from './connection.ts';

export interface Hold {
  url: string;
  /** One connection each. */
  tokens: string[];
  holdMs: number;
}

const { url, tokens, holdMs } = (await json(process.stdin)) as Hold;
// what starting has left behind is collected by then
await pause(6_000);
process.stdout.write('begin empty\nend empty\n');
const sockets = await inSlices(tokens, CONNECTS_AT_ONCE, token => openEverywhere(url, token));
let closed = 0;
for (const socket of sockets) void socket.closed.then(() => (closed += 1));
// what connecting has left behind is collected in the first half
await pause(holdMs / 2);
process.stdout.write('begin held\n');
await pause(holdMs / 2);
process.stdout.write('end held\n');
process.stdout.write(`${JSON.stringify({ held: sockets.length - closed })}\n`, () => process.exit(0));
