import { expect, test } from 'vitest';
import { ask, useApp } from '../support/app.ts';
import { arrived, holdThread } from '../support/batches.ts';
import { buildPost, buildTalk, buildThread, message } from '../support/talk.ts';

const app = useApp();

test('events of one socket are handled in their order, those that are gathered in different batches too', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const other = await buildThread(app, { buyer, seller, postId: await buildPost(app, seller) });
  const socket = await app.connect(buyer, '/chat');
  const order: string[] = [];
  const send = async (name: string, event: string, payload: object) => {
    expect(await ask(socket, event, payload)).toMatchObject({ ok: true });
    order.push(name);
  };
  const release = await holdThread(app, thread);
  const sent = [
    send('read here', 'thread:read', { thread_id: thread.id, seq: 0 }),
    send('send there', 'message:send', message(other)),
    send('read there', 'thread:read', { thread_id: other.id, seq: 1 }),
    send('list', 'thread:list', {}),
    send('send there again', 'message:send', message(other)),
  ];
  await arrived(socket);
  // Nothing holds up the other thread but the event before it.
  expect((await app.get(seller, `/api/chat/threads/${other.id}/`)).body.thread).toMatchObject({ last_seq: 0 });
  await release();
  await Promise.all(sent);
  expect(order).toEqual(['read here', 'send there', 'read there', 'list', 'send there again']);
});

test('messages of one socket to different threads are stored in their order, those of another socket meanwhile', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const build = async () => buildThread(app, { buyer, seller, postId: await buildPost(app, seller) });
  const [other, third] = [await build(), await build()];
  const [socket, peer] = [await app.connect(buyer, '/chat'), await app.connect(seller, '/chat')];
  const order: string[] = [];
  const send = async (name: string, from: typeof socket, to: { id: string }) => {
    expect(await ask(from, 'message:send', message(to))).toMatchObject({ ok: true });
    order.push(name);
  };
  const release = await holdThread(app, thread);
  const first = send('here', socket, thread);
  await arrived(socket);
  const second = send('there', socket, other);
  await arrived(socket);
  await send('by the peer', peer, third);
  await release();
  await Promise.all([first, second]);
  expect(order).toEqual(['by the peer', 'here', 'there']);
});
