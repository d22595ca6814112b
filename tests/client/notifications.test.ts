import { expect, test } from 'vitest';
import { createNotifications } from '../../src/client/notifications.ts';

/** A socket whose answers come when the test gives them. */
function createSocket() {
  const listeners = new Map<string, (payload: unknown) => void>();
  const answers: ((data: object) => void)[] = [];
  return {
    push: (event: string, payload: object) => listeners.get(event)!(payload),
    answer: (data: object) => answers.shift()!(data),
    on: (event: string, listener: (payload: unknown) => void) => listeners.set(event, listener),
    timeout: () => ({
      emitWithAck: () => new Promise(resolve => answers.push(data => resolve({ ok: true, data }))),
    }),
  };
}

const page = { results: [], next_cursor: null, badge: { unread: 1, unseen: 0 } };

test('a number that was pushed while an older one was asked for is the one that is shown', async () => {
  const socket = createSocket();
  const notifications = createNotifications(socket);
  const loaded = notifications.load();
  socket.answer(page);
  await loaded;
  expect(notifications.badge.getSnapshot()).toEqual({ unread: 1, unseen: 0 });
  const asked = [notifications.load(), notifications.readAll()];
  socket.push('badge:updated', { badge: { unread: 2, unseen: 1 } });
  socket.answer(page);
  socket.answer({ updated: 0, badge: { unread: 0, unseen: 0 } });
  await Promise.all(asked);
  expect(notifications.badge.getSnapshot()).toEqual({ unread: 2, unseen: 1 });
});
