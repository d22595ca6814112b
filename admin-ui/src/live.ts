import { io } from 'socket.io-client';
import { accessToken, isLeftAlone, type Queues, readHome } from './api.ts';

const POLL_MS = 60_000;
const AGAIN_MS = 3_000;

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
    if (reason === 'io server disconnect') setTimeout(() => socket.connect(), AGAIN_MS);
  });
  const timer = setInterval(() => {
    if (isLeftAlone()) return leave();
    askAgain();
  }, POLL_MS);
  return () => {
    clearInterval(timer);
    socket.close();
  };
}
