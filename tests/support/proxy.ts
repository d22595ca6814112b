import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Between a server of ours and PostgreSQL or Redis: the network, which can fail in every way. */
export interface TestProxy {
  url: string;
  /** Connections are refused and those that stand are reset. */
  cut(): void;
  /** Half-open: connections stand and new ones are taken, but nothing passes any more. */
  pause(): void;
  /** Everything passes again, what was held back first. */
  resume(): void;
  close(): Promise<void>;
}

export async function startProxy(target: string): Promise<TestProxy> {
  const { hostname, port } = new URL(target);
  const pairs = new Set<[Socket, Socket]>();
  let state: 'open' | 'paused' | 'cut' = 'open';
  const server = createServer(client => {
    if (state === 'cut') return void client.resetAndDestroy();
    const upstream = connect(Number(port), hostname);
    const pair: [Socket, Socket] = [client, upstream];
    pairs.add(pair);
    for (const [from, to] of [pair, [upstream, client] as const]) {
      from.on('data', data => to.write(data));
      from.on('error', () => {});
      from.on('close', () => {
        to.destroy();
        pairs.delete(pair);
      });
      if (state === 'paused') from.pause();
    }
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(target);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  const each = (act: (socket: Socket) => void) => {
    for (const pair of pairs) for (const socket of pair) act(socket);
  };
  return {
    url: url.href,
    cut() {
      state = 'cut';
      each(socket => socket.resetAndDestroy());
    },
    pause() {
      state = 'paused';
      each(socket => socket.pause());
    },
    resume() {
      state = 'open';
      each(socket => socket.resume());
    },
    async close() {
      each(socket => socket.destroy());
      await new Promise(resolve => server.close(resolve));
    },
  };
}
