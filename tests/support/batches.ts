import type { Socket } from 'socket.io-client';
import { ask, type TestApp } from './app.ts';

/** Holds a thread as a transaction does that writes into it: what comes for it meanwhile shares the next batch. */
export async function holdThread(app: TestApp, { id }: { id: string }): Promise<() => Promise<void>> {
  const em = app.orm.em.fork();
  await em.begin();
  await em.execute('select from threads where id = ? for update', [id]);
  return () => em.commit();
}

/** All that was sent over the socket until now has arrived: an event that nobody knows is refused before its turn. */
export async function arrived(socket: Socket): Promise<void> {
  await ask(socket, 'nothing:known', {});
}
