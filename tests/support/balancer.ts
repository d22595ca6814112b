import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A load balancer without sticky sessions: one address in front of instances that come and go. */
export interface TestBalancer {
  url: string;
  /** Where new connections go, in turns; those that stand are left alone. */
  use(...urls: string[]): void;
  close(): Promise<void>;
}

export async function startBalancer(): Promise<TestBalancer> {
  const open = new Set<Socket>();
  let targets: URL[] = [];
  let turn = 0;
  const server = createServer(client => {
    turn += 1;
    const target = targets[turn % targets.length]!;
    const upstream = connect(Number(target.port), target.hostname);
    for (const [from, to] of [[client, upstream] as const, [upstream, client] as const]) {
      open.add(from);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
    }
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    use(...urls) {
      targets = urls.map(url => new URL(url));
    },
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise(resolve => server.close(resolve));
    },
  };
}
