import { type Ack, ParthubError } from './errors.ts';

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
  readonly connected?: boolean;
  // biome-ignore lint/suspicious/noExplicitAny: Socket.IO hands any payload to a listener
  on(event: string, listener: (payload: any) => void): unknown;
  timeout(ms: number): { emitWithAck(event: string, payload: unknown): Promise<unknown> };
}

const ACK_TIMEOUT_MS = 10_000;

/** Without an answer it rejects with `network`: what the call did is unknown then. */
export function askOver<C>(socket: SocketLike, timeoutMs = ACK_TIMEOUT_MS): Ask<C> {
  const ask = async (event: string, payload: unknown): Promise<unknown> => {
    // Socket.IO would keep it, and send it when nobody waits for it any more.
    if (socket.connected === false) throw new ParthubError('network', { message: 'not connected' });
    try {
      return await socket.timeout(timeoutMs).emitWithAck(event, payload);
    } catch (error) {
      throw new ParthubError('network', { message: String(error) });
    }
  };
  return ask as Ask<C>;
}
