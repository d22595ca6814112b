import { randomUUID } from 'node:crypto';
import type { Socket } from 'socket.io-client';
import { expect, test } from 'vitest';
import { ask, record, useApp } from '../support/app.ts';
import { arrived, holdThread } from '../support/batches.ts';
import { buildPost, buildTalk, buildThread, buildTrader, done, message } from '../support/talk.ts';

const app = useApp();

test('of one batch each call has its own answer: what may not be stored takes no number from the rest', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const stranger = await buildTrader(app);
  const other = await buildThread(app, { buyer, seller, postId: await buildPost(app, seller) });
  const [mine, theirs, outside] = await Promise.all([buyer, seller, stranger].map(one => app.connect(one, '/chat')));
  const known = message(thread, { text: 'known' });
  const { message: first } = await done(mine!, 'message:send', known);
  const { message: elsewhere } = await done(mine!, 'message:send', message(other, { text: 'elsewhere' }));
  const heard = record(theirs!, 'message:created');
  const release = await holdThread(app, thread);
  const [inMine, inTheirs] = [
    { socket: mine!, thread },
    { socket: theirs!, thread },
  ];
  const sent = [
    await send(inMine, { text: 'in flight' }),
    // Behind that one these are one batch.
    await send(inMine, { text: 'a' }),
    await send({ socket: outside!, thread }),
    await send(inTheirs, { text: 'b' }),
    await send(inMine, known),
    await send(inMine, { text: 'lost reply', reply_to: elsewhere.id }),
    await send(inTheirs, { text: 'reply', reply_to: first.id }),
    await send(inMine, { ...known, text: 'another' }),
    await send(inMine, { text: 'c' }),
  ];
  await release();
  const stored = (text: string, seq: number, more: object = {}) => ({
    ...{ ok: true, data: { message: { text, seq, rev: seq + 1, ...more }, duplicate: false } },
  });
  const refused = (code: string) => ({ ok: false, error: { code } });
  expect(await Promise.all(sent.map(({ ack }) => ack))).toMatchObject([
    stored('in flight', 2),
    stored('a', 3),
    refused('not_found'),
    stored('b', 4),
    { ok: true, data: { message: first, duplicate: true } },
    refused('not_found'),
    stored('reply', 5, { reply_to: { id: first.id, text: 'known' } }),
    refused('idempotency_conflict'),
    stored('c', 6),
  ]);
  const { messages } = await done(mine!, 'thread:history', { thread_id: thread.id });
  const texts = ['known', 'in flight', 'a', 'b', 'reply', 'c'];
  expect(messages.map((one: { text: string; seq: number }) => [one.text, one.seq])).toEqual(
    texts.map((text, index) => [text, index + 1]),
  );
  const pushed = heard.filter(push => push.thread_id === thread.id).map(push => push.message.text);
  const { thread: view } = await done(theirs!, 'thread:get', { thread_id: thread.id });
  expect(view.me).toMatchObject({ read_seq: 5, unread: 1 });
  // The repeat is pushed once more, wherever it comes.
  expect(pushed).toContain('known');
  expect(pushed.filter(text => text !== 'known')).toEqual(texts.slice(1));
});

test('who may not send into one thread keeps nobody of the same batch from another one, and stores nothing', async () => {
  const talks = await Promise.all(Array.from({ length: 5 }, () => buildTalk(app)));
  const desks = await Promise.all(
    talks.map(async ({ buyer, thread }) => ({ socket: await app.connect(buyer, '/chat'), thread })),
  );
  const [one, two, good, barred, outsider] = desks as unknown as [Desk, Desk, Desk, Desk, Desk];
  const sellers = await Promise.all(talks.map(({ seller }) => app.connect(seller, '/chat')));
  await done(sellers[3]!, 'user:block', { user_id: talks[3]!.buyer.id });
  // As many batches as may be under way; what comes meanwhile is the next one.
  const release = await Promise.all([one, two].map(({ thread }) => holdThread(app, thread)));
  const held = [await send(one), await send(two)];
  const next = [
    await send(good),
    await send(barred),
    await send({ ...outsider, thread: one.thread }),
    await send({ ...outsider, thread: { id: randomUUID() } }),
    await send(good),
  ];
  for (const end of release) await end();
  for (const { ack } of held) expect(await ack).toMatchObject({ ok: true, data: { message: { seq: 1 } } });
  expect(await Promise.all(next.map(({ ack }) => ack))).toMatchObject([
    { ok: true, data: { message: { seq: 1 } } },
    { ok: false, error: { code: 'recipient_unavailable' } },
    { ok: false, error: { code: 'not_found' } },
    { ok: false, error: { code: 'not_found' } },
    { ok: true, data: { message: { seq: 2 } } },
  ]);
  const stored = talks.map(({ thread }, index) => done(sellers[index]!, 'thread:history', { thread_id: thread.id }));
  expect((await Promise.all(stored)).map(({ messages }) => messages.length)).toEqual([1, 1, 2, 0, 0]);
});

interface Desk {
  socket: Socket;
  thread: { id: string };
}

/** Sent and arrived, not yet answered. */
async function send({ socket, thread }: Desk, more: object = {}): Promise<{ ack: Promise<unknown> }> {
  const ack = ask(socket, 'message:send', { ...message(thread), ...more });
  await arrived(socket);
  return { ack };
}
