import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Between a client and a server: the network, which can fail in every way. */
export interface TestProxy {
  url: string;
  /** Connections are refused and those that stand are reset. */
  cut(): void;
  /** Half-open: connections stand and new ones are taken, but nothing passes any more. */
  pause(): void;
  /** Nothing passes any more over the connections that stand; new ones are good. */
  strand(): void;
  /** Everything passes again, what was held back first. */
  resume(): void;
  /** What is asked so is done, but its answer never comes: the connection is reset instead. null: every answer comes. */
  loseAnswers(to: ((request: Buffer) => boolean) | null): void;
  close(): Promise<void>;
}

/** The target is chosen anew for each connection; null refuses it. */
export async function startProxy(target: string | (() => string | null)): Promise<TestProxy> {
  const choose = typeof target === 'string' ? () => target : target;
  const pairs = new Set<[Socket, Socket]>();
  let state: 'open' | 'paused' | 'cut' = 'open';
  let isLost: ((request: Buffer) => boolean) | null = null;

  function join(client: Socket, upstream: Socket): void {
    const pair: [Socket, Socket] = [client, upstream];
    let isAnswerLost = false;
    pairs.add(pair);
    client.on('data', (data: Buffer) => {
      isAnswerLost ||= isLost?.(data) ?? false;
      upstream.write(data);
    });
    upstream.on('data', (data: Buffer) => {
      if (!isAnswerLost) client.write(data);
      else for (const socket of pair) socket.resetAndDestroy();
    });
    for (const [from, to] of [pair, [upstream, client] as const]) {
      from.on('error', () => {});
      from.on('close', () => {
        to.destroy();
        pairs.delete(pair);
      });
      if (state === 'paused') from.pause();
    }
  }

  const server = createServer(client => {
    const chosen = state === 'cut' ? null : choose();
    if (chosen === null) return void client.on('error', () => {}).resetAndDestroy();
    const { port, hostname } = new URL(chosen);
    join(client, connect(Number(port), hostname));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(typeof target === 'string' ? target : 'http://127.0.0.1');
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  const each = (act: (socket: Socket) => void) => {
    for (const pair of pairs) for (const socket of pair) act(socket);
  };
  return {
    url: typeof target === 'string' ? url.href : url.origin,
    cut() {
      state = 'cut';
      each(socket => socket.resetAndDestroy());
    },
    pause() {
      state = 'paused';
      each(socket => socket.pause());
    },
    strand: () => each(socket => socket.pause()),
    resume() {
      state = 'open';
      each(socket => socket.resume());
    },
    loseAnswers(to) {
      isLost = to;
    },
    async close() {
      each(socket => socket.destroy());
      await new Promise(resolve => server.close(resolve));
    },
  };
}
