import type { Ack } from './errors.ts';

interface Calls {
  [event: string]: { payload: unknown; result: unknown };
}

/** Emits an event and resolves with its ack; rejects when none came in time or the connection is gone. */
export type Ask<C> = <Name extends keyof C & string>(
  event: Name,
  payload: (C & Calls)[Name]['payload'],
) => Promise<Ack<(C & Calls)[Name]['result']>>;

/** What is needed of a Socket.IO client in one namespace. */
export interface SocketLike {
  // biome-ignore lint/suspicious/noExplicitAny: Socket.IO hands any payload to a listener
  on(event: string, listener: (payload: any) => void): unknown;
  timeout(ms: number): { emitWithAck(event: string, payload: unknown): Promise<unknown> };
}

const ACK_TIMEOUT_MS = 10_000;

export function askOver<C>(socket: SocketLike, timeoutMs = ACK_TIMEOUT_MS): Ask<C> {
  return ((event: string, payload: unknown) => socket.timeout(timeoutMs).emitWithAck(event, payload)) as Ask<C>;
}
