import { WebSocket } from 'ws';

/** A connection below Socket.IO's client: sends any frame, keeps every answer. */
export interface RawSocket {
  ws: WebSocket;
  heard: string[];
  /** The close code, once it is closed. */
  closed: Promise<number>;
  send(frame: string | Buffer): void;
  /** The first answer, past or future, that starts so; `closed` when the connection ends before. */
  answer(start: string): Promise<string>;
}

export const engineUrl = (url: string): string => `${url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`;

/** Connected as far as the transport; answers pings. With a token it joins `/chat` too. */
export async function openRaw(url: string, token?: string): Promise<RawSocket> {
  const ws = new WebSocket(engineUrl(url), { perMessageDeflate: false });
  const heard: string[] = [];
  const waiting = new Map<string, (text: string) => void>();
  ws.on('message', data => {
    const text = String(data);
    if (text === '2') return ws.send('3');
    heard.push(text);
    for (const [start, resolve] of waiting) if (text.startsWith(start)) resolve(text);
  });
  ws.on('error', () => {});
  const closed = new Promise<number>(resolve => ws.on('close', resolve));
  const socket: RawSocket = {
    ws,
    heard,
    closed,
    send: frame => ws.send(frame),
    answer: start =>
      new Promise<string>(resolve => {
        waiting.set(start, resolve);
        const found = heard.find(text => text.startsWith(start));
        if (found !== undefined) resolve(found);
        void closed.then(() => resolve('closed'));
      }).finally(() => waiting.delete(start)),
  };
  await socket.answer('0');
  if (token === undefined) return socket;
  socket.send(`40/chat,${JSON.stringify({ token })}`);
  await socket.answer('42/chat,["session:ready"');
  return socket;
}
