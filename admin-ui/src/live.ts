import { io } from 'socket.io-client';
import { accessToken, isLeftAlone, type Queues, readHome } from './api.ts';

const POLL_MS = 60_000;
const AGAIN_MS = 3_000;

interface Refusal {
  data?: { retryable?: boolean; retry_after_ms?: number };
}

/**
 * Hears when more or less waits; asks each minute as well, for networks that let no socket through. Where nobody sits any more
 * it ends: its questions would keep the session alive for ever.
 */
export function listenQueues(heard: (queues: Queues) => void, leave: () => void): () => void {
  const socket = io('/notifications', {
    transports: ['websocket'],
    auth: give =>
      accessToken().then(
        token => give({ token }),
        () => give({}),
      ),
  });
  let again: ReturnType<typeof setTimeout> | undefined;
  const comeBack = (afterMs: number) => {
    again = setTimeout(() => socket.connect(), afterMs);
  };
  const askAgain = () =>
    readHome(true).then(
      ({ queues }) => heard(queues),
      () => {},
    );
  // What changed while it was not connected was told to others alone.
  socket.on('session:ready', askAgain);
  socket.on('queues:updated', ({ queues }: { queues: Queues }) => heard(queues));
  // The server ends a socket whose token is old; the next one brings a new token.
  socket.on('disconnect', reason => {
    if (reason === 'io server disconnect') comeBack(AGAIN_MS);
  });
  // The library comes back by itself to a server that is away, and not to one that refuses: busy, or about to stop.
  socket.on('connect_error', error => {
    const { retryable, retry_after_ms } = (error as Refusal).data ?? {};
    if (retryable) comeBack(retry_after_ms ?? AGAIN_MS);
  });
  const timer = setInterval(() => {
    if (isLeftAlone()) return leave();
    askAgain();
  }, POLL_MS);
  return () => {
    clearInterval(timer);
    clearTimeout(again);
    socket.close();
  };
}
