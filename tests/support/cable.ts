import { connect, createServer, type Socket } from 'node:net';

/** A connection to a server that can be cut and joined again. */
export interface Cable {
  url: string;
  leadTo(url: string): void;
  cut(): void;
  join(): void;
  /** Keeps what the server says on its way; returns what lets it go on. */
  hold(): () => void;
  close(): Promise<void>;
}

export async function layCable(): Promise<Cable> {
  const open = new Set<Socket>();
  const ways = new Map<Socket, Socket>();
  let port = 0;
  let isCut = false;
  const keep = (socket: Socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket)).on('error', () => socket.destroy());
  };
  const server = createServer(near => {
    keep(near);
    if (isCut) return void near.destroy();
    const far = connect(port, '127.0.0.1');
    keep(far);
    near.pipe(far).pipe(near);
    ways.set(far, near);
    far.on('close', () => ways.delete(far));
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const destroyAll = () => {
    for (const socket of open) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    leadTo(url) {
      port = Number(new URL(url).port);
    },
    cut() {
      isCut = true;
      destroyAll();
    },
    join() {
      isCut = false;
    },
    hold() {
      const held = [...ways];
      for (const [far, near] of held) far.unpipe(near).pause();
      return () => {
        for (const [far, near] of held) far.pipe(near);
      };
    },
    async close() {
      destroyAll();
      await new Promise(resolve => server.close(resolve));
    },
  };
}
