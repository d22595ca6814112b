import { expect, test } from 'vitest';
import { FocusLease } from '../../src/chat/entities.ts';
import { newId } from '../../src/common/ids.ts';
import { ask, eventually, useApp } from '../support/app.ts';
import { buildPost, buildTalk, buildThread } from '../support/talk.ts';

const app = useApp();
const leases = (userId: string) => app.orm.em.fork().find(FocusLease, { userId });

test('a device that looks at a thread has a lease of 60 s on it, until it looks elsewhere', async () => {
  const { seller, thread } = await buildTalk(app);
  const [one, two] = [await app.connect(seller, '/chat'), await app.connect(seller, '/chat')];
  for (const socket of [one, two]) socket.emit('thread:focus', { thread_id: thread.id });
  await eventually(async () => expect(await leases(seller.id)).toHaveLength(2));
  const [lease] = await leases(seller.id);
  expect(lease).toMatchObject({ threadId: thread.id });
  expect(lease!.expiresAt.getTime() - Date.now()).toBeGreaterThan(50_000);
  one.emit('thread:focus', { thread_id: null });
  await eventually(async () => expect(await leases(seller.id)).toMatchObject([{ connection: two.id }]));
});

test('what a device says last is so, however fast it says it', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const other = await buildThread(app, { buyer, seller, postId: await buildPost(app, seller) });
  const socket = await app.connect(seller, '/chat');
  const focus = (id: string | null) => ask(socket, 'thread:focus', { thread_id: id });
  const looks = async () => (await leases(seller.id)).map(lease => lease.threadId);
  for (let round = 0; round < 10; round += 1)
    for (const told of [
      [thread.id, null],
      [null, other.id],
      [thread.id, other.id],
      [other.id, thread.id, null],
    ]) {
      const acks = await Promise.all(told.map(focus));
      expect(acks.filter(ack => !ack.ok)).toEqual([]);
      expect(await looks()).toEqual(told.at(-1) === null ? [] : [told.at(-1)]);
    }
});

test('a connection that is gone looks at nothing', async () => {
  const { seller, thread } = await buildTalk(app);
  const socket = await app.connect(seller, '/chat');
  socket.emit('thread:focus', { thread_id: thread.id });
  await eventually(async () => expect(await leases(seller.id)).toHaveLength(1));
  socket.close();
  await eventually(async () => expect(await leases(seller.id)).toEqual([]));
});

test('nothing is left of a connection that goes while it says where it looks', async () => {
  const { seller, thread } = await buildTalk(app);
  for (let round = 0; round < 10; round += 1) {
    const socket = await app.connect(seller, '/chat');
    socket.emit('thread:focus', { thread_id: thread.id });
    socket.close();
  }
  const fence = await app.connect(seller, '/chat');
  await ask(fence, 'thread:list', {});
  await eventually(async () => expect(await leases(seller.id)).toEqual([]));
});

test('S-84: nothing is kept of a foreign or unknown thread', async () => {
  const { seller, outsider, thread } = await buildTalk(app);
  const socket = await app.connect(outsider, '/chat');
  for (const thread_id of [thread.id, newId(), 'x']) socket.emit('thread:focus', { thread_id });
  const own = await app.connect(seller, '/chat');
  own.emit('thread:focus', { thread_id: thread.id });
  await eventually(async () => expect(await leases(seller.id)).toHaveLength(1));
  await ask(socket, 'thread:list', {});
  expect(await leases(outsider.id)).toEqual([]);
});
