import { WebSocket } from 'ws';

/** One WebSocket, with as little of Socket.IO around it as its namespaces need: thousands fit in a process. */
export interface RawSocket {
  /** Joins a namespace, its own unless another is named; resolves with its `session:ready`. */
  join(other?: string): Promise<void>;
  emit(event: string, payload: object): void;
  // biome-ignore lint/suspicious/noExplicitAny: any answer
  ask(event: string, payload: object): Promise<any>;
  closed: Promise<void>;
  close(): void;
}

interface Options {
  url: string;
  namespace: string;
  token: string;
  // biome-ignore lint/suspicious/noExplicitAny: any push
  onPush?: (event: string, payload: any) => void;
  /** As a peer whose network is gone: pings are not answered, nothing is closed. */
  isDeaf?: boolean;
}

export async function openRawSocket({ url, namespace, token, onPush, isDeaf = false }: Options): Promise<RawSocket> {
  const ws = new WebSocket(`${url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`, {
    perMessageDeflate: false,
  });
  const closed = new Promise<void>(resolve => ws.once('close', () => resolve()));
  const acks = new Map<number, (data: unknown) => void>();
  const opened = Promise.withResolvers<void>();
  const joining = new Map<string, PromiseWithResolvers<void>>();
  let lastAck = 0;

  ws.on('error', error => opened.reject(error));
  ws.on('message', data => {
    const frame = String(data);
    if (frame === '2') return void (isDeaf || ws.send('3'));
    if (frame.startsWith('0')) return opened.resolve();
    const [, kind, from = '', id, body] = /^4(\d)([^,]*),(\d*)(.*)$/s.exec(frame) ?? [];
    if (kind === '4') return joining.get(from)?.reject(new Error(frame));
    if (kind === '3') {
      const [reply] = JSON.parse(body!);
      acks.get(Number(id))?.(reply);
      acks.delete(Number(id));
    }
    if (kind !== '2') return;
    const [event, payload] = JSON.parse(body!);
    if (event === 'session:ready') joining.get(from)?.resolve();
    else onPush?.(event, payload);
  });
  await opened.promise;

  return {
    join(other = namespace) {
      const joined = Promise.withResolvers<void>();
      joining.set(other, joined);
      ws.send(`40${other},${JSON.stringify({ token })}`);
      return joined.promise;
    },
    emit: (event, payload) => ws.send(`42${namespace},${JSON.stringify([event, payload])}`),
    ask(event, payload) {
      lastAck += 1;
      ws.send(`42${namespace},${lastAck}${JSON.stringify([event, payload])}`);
      return new Promise(resolve => acks.set(lastAck, resolve));
    },
    closed,
    close: () => ws.terminate(),
  };
}
