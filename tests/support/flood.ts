import { parentPort, workerData } from 'node:worker_threads';
import { WebSocket } from 'ws';

export interface FloodOptions {
  url: string;
  /** Of whom the connections claim to be, in turn. */
  tokens: string[];
  /** So many connections are knocking at any moment. */
  atOnce: number;
}

/** How handshakes ended: `ok`, a code, or `closed`. */
export type FloodResults = Record<string, number>;

// A thread of its own, so that the test beside it measures the server and not itself. It floods until it is told to stop.
const { url, tokens, atOnce } = workerData as FloodOptions;
const results: FloodResults = {};
let next = 0;
let isOver = false;

function knock(): void {
  if (isOver) return;
  const token = tokens[next++ % tokens.length];
  const ws = new WebSocket(`${url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`);
  let result = 'closed';
  ws.on('message', data => {
    const frame = String(data);
    if (frame.startsWith('0')) return ws.send(`40/chat,${JSON.stringify({ token })}`);
    result = /^44\/chat,\{"message":"(\w+)"/.exec(frame)?.[1] ?? 'ok';
    ws.terminate();
  });
  ws.on('error', () => {});
  ws.on('close', () => {
    results[result] = (results[result] ?? 0) + 1;
    setImmediate(knock);
  });
}

for (let count = 0; count < atOnce; count += 1) knock();
parentPort!.on('message', () => {
  isOver = true;
  parentPort!.postMessage(results);
  parentPort!.close();
});
