import { expect, onTestFinished, test } from 'vitest';
import { createChat } from '../../src/client/chat.ts';
import { eventually, openSocket, useApp } from '../support/app.ts';
import { buildPost, buildTalk, buildThread, done, message } from '../support/talk.ts';

const app = useApp({ RATE_LIMITS: 'relaxed' });

test('G5: a thread whose messages are more than one answer holds reaches the client whole, and what comes after it too', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const older = await buildThread(app, { buyer: seller, seller: buyer, postId: await buildPost(app, buyer) });
  const sender = await app.connect(buyer, '/chat');
  await done(sender, 'message:send', message(older));
  const text = '🚗'.repeat(3_500); // 14 kB
  for (let sent = 0; sent < 100; sent += 25)
    await Promise.all(Array.from({ length: 25 }, () => done(sender, 'message:send', message(thread, { text }))));
  const reader = openSocket(app.url, '/chat', { token: seller.token });
  onTestFinished(() => void reader.close());
  const chat = createChat(reader);
  await eventually(() => expect([chat.views().size, chat.isSettled()]).toEqual([2, true]));
  const seqs = (id: string) =>
    chat
      .views()
      .get(id)!
      .messages.map(({ seq }) => seq);
  expect(seqs(thread.id).at(-1)).toBe(100);
  for (let page = 0; page < 100 && seqs(thread.id)[0] !== 1; page += 1) await chat.loadOlder(thread.id);
  expect(seqs(thread.id)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
  expect(seqs(older.id)).toEqual([1]);
});
