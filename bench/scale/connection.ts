import { setTimeout as pause } from 'node:timers/promises';
import { openRawSocket, type RawSocket } from '../../tests/support/lean-socket.ts';

const NAMESPACES = ['/chat', '/presence', '/notifications'];
const AT_ONCE = 100;

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

export async function inSlices<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let from = 0; from < items.length; from += AT_ONCE)
    results.push(...(await Promise.all(items.slice(from, from + AT_ONCE).map(work))));
  return results;
}
