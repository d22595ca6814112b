import { setTimeout as pause } from 'node:timers/promises';
import { openRawSocket, type RawSocket } from '../../tests/support/lean-socket.ts';

const NAMESPACES = ['/chat', '/presence', '/notifications'];
/** As many connections as are begun at once. */
export const CONNECTS_AT_ONCE = 100;

/** In all three namespaces; who is refused for a while comes again when told to. */
export async function openEverywhere(url: string, token: string): Promise<RawSocket> {
  for (;;) {
    const socket = await openRawSocket({ url, namespace: NAMESPACES[0]!, token }).catch(() => null);
    const refusal = socket && (await joinAll(socket));
    if (socket && refusal === null) return socket;
    socket?.close();
    await pause(Number(/"retry_after_ms":(\d+)/.exec(refusal ?? '')?.[1] ?? 1_000));
  }
}

async function joinAll(socket: RawSocket): Promise<string | null> {
  const gone = socket.closed.then(() => 'closed');
  const joined = Promise.all(NAMESPACES.map(namespace => socket.join(namespace))).then(
    () => null,
    (error: Error) => error.message,
  );
  return Promise.race([joined, gone]);
}
