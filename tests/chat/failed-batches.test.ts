import { expect, test } from 'vitest';
import { ask, record, useApp } from '../support/app.ts';
import { arrived, holdThread } from '../support/batches.ts';
import { buildTalk, done, message } from '../support/talk.ts';

const app = useApp({ RATE_LIMITS: 'relaxed' });

/** The database refuses a message with this text, and with it the whole statement that brings it. */
async function refuseText(text: string): Promise<void> {
  const em = app.orm.em.fork();
  await em.execute(
    `create function refuse_text() returns trigger language plpgsql as $$
     begin if new.text = '${text}' then raise exception 'refused'; end if; return new; end $$`,
  );
  await em.execute('create trigger refuse_text before insert on messages for each row execute function refuse_text()');
}

test('a batch that failed is run again call by call, in order: only the call that cannot be stored fails', async () => {
  await refuseText('poison');
  const { buyer, seller, thread } = await buildTalk(app);
  const socket = await app.connect(buyer, '/chat');
  const heard = record(await app.connect(seller, '/chat'), 'message:created');
  const release = await holdThread(app, thread);
  const send = (text: string) => ask(socket, 'message:send', message(thread, { text }));
  const first = send('first');
  await arrived(socket);
  // Behind the first one these are one batch.
  const texts = ['a', 'b', 'poison', 'c', 'd', 'e', 'f', 'g'];
  const rest = texts.map(send);
  await arrived(socket);
  await release();
  expect(await first).toMatchObject({ ok: true });
  const told = (await Promise.all(rest)).map(ack => (ack.ok ? ack.data.message.text : ack.error.code));
  expect(told).toEqual(['a', 'b', 'internal', 'c', 'd', 'e', 'f', 'g']);
  const { messages } = await done(socket, 'thread:history', { thread_id: thread.id });
  const stored = ['first', 'a', 'b', 'c', 'd', 'e', 'f', 'g'].map((text, index) => [index + 1, text]);
  expect(messages.map((one: { seq: number; text: string }) => [one.seq, one.text])).toEqual(stored);
  expect(heard.map(push => [push.message.seq, push.message.text])).toEqual(stored);
});
