import { randomUUID } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { removeParticipant } from '../../src/chat/service/thread-changes.ts';
import { localOutbox, type ThreadState } from '../../src/client/index.ts';
import { eventually, useApp } from '../support/app.ts';
import { layCable } from '../support/cable.ts';
import { until, useClients } from '../support/client.ts';
import { buildTalk } from '../support/talk.ts';
import { asStaff } from '../support/worlds.ts';

// 3 s between two relays of typing are 300 ms here, 7 s of silence 700 ms.
const app = useApp({ TEST_TIME_SCALE: '10' });
const { clients: open, start } = useClients();

const lines = (state: ThreadState | null) => state?.messages.map(({ text, delivery }) => [text, delivery]);

async function startBoth() {
  const { buyer, seller, thread } = await buildTalk(app);
  const [mine, theirs] = [await start(app, buyer), await start(app, seller)];
  for (const client of [mine, theirs]) await until(client.thread(thread.id), state => state !== null);
  return { buyer, seller, mine, theirs, threadId: thread.id };
}

test('a message goes from pending over sent and delivered to read, and keeps its key', async () => {
  const { mine, theirs, threadId } = await startBoth();
  const seen: (string | null)[] = [];
  const shown = mine.thread(threadId);
  shown.subscribe(() => {
    const [first] = shown.getSnapshot()!.messages;
    if (first && seen.at(-1) !== first.delivery) seen.push(first.delivery);
  });
  const key = mine.send(threadId, { text: 'Bormi?' });
  expect(lines(shown.getSnapshot())).toEqual([['Bormi?', 'pending']]);
  await until(shown, state => state!.messages[0]!.delivery === 'delivered');
  expect(theirs.unread.getSnapshot()).toEqual({ threads: 1, messages: 1 });
  await theirs.markRead(threadId);
  await until(shown, state => state!.messages[0]!.delivery === 'read');
  expect(shown.getSnapshot()!.messages[0]!.key).toBe(key);
  // between sent and delivered anything may be skipped, but nothing goes back
  expect(['pending', 'sent', 'delivered', 'read'].filter(one => seen.includes(one))).toEqual(seen);
  expect(theirs.unread.getSnapshot()).toEqual({ threads: 0, messages: 0 });
});

test('each line has a key of its own, whatever the other side calls its messages', async () => {
  const { mine, seller, threadId } = await startBoth();
  const key = mine.send(threadId, { text: 'one' });
  await until(mine.thread(threadId), state => state!.messages[0]?.message != null);
  await app.post(seller, '/api/chat/send/', { thread_id: threadId, client_id: key, text: 'two' });
  const state = await until(mine.thread(threadId), now => now!.messages.length === 2);
  expect(new Set(state!.messages.map(one => one.key)).size).toBe(2);
});

test('a snapshot is the same object until something changes, and a line that has not changed stays the same', async () => {
  const { mine, theirs, threadId } = await startBoth();
  mine.send(threadId, { text: 'one' });
  const before = await until(mine.thread(threadId), state => state!.messages[0]?.delivery === 'delivered');
  expect(mine.thread(threadId).getSnapshot()).toBe(before);
  expect(mine.threads.getSnapshot()).toBe(mine.threads.getSnapshot());
  theirs.send(threadId, { text: 'two' });
  const after = await until(mine.thread(threadId), state => state!.messages.length === 2);
  expect(after!.messages[0]!.message).toBe(before!.messages[0]!.message);
  // whoever answers has read: the first line changes with the second message, and not with the third
  const read = await until(mine.thread(threadId), state => state!.messages[0]!.delivery === 'read');
  theirs.send(threadId, { text: 'three' });
  const last = await until(mine.thread(threadId), state => state!.messages.length === 3);
  expect(last!.messages[0]).toBe(read!.messages[0]);
});

test('a listener that throws keeps nothing from being shown, sent or told to others', async () => {
  const { mine, theirs, threadId } = await startBoth();
  const thrown: string[] = [];
  process.setUncaughtExceptionCaptureCallback(error => thrown.push((error as Error).message));
  onTestFinished(() => process.setUncaughtExceptionCaptureCallback(null));
  let [threw, told] = [0, 0];
  const listen = ({ subscribe }: typeof mine.threads) =>
    subscribe(() => {
      threw += 1;
      throw new Error('mine');
    });
  const ends = [mine, theirs].map(({ threads }) => listen(threads));
  theirs.threads.subscribe(() => {
    told += 1;
  });
  for (const text of ['one', 'two']) mine.send(threadId, { text });
  await until(mine.thread(threadId), state => state!.messages.every(one => one.delivery === 'delivered'));
  expect(
    theirs
      .thread(threadId)
      .getSnapshot()!
      .messages.map(one => one.text),
  ).toEqual(['one', 'two']);
  expect(told).toBeGreaterThan(0);
  for (const end of ends) end();
  await eventually(() => expect(thrown).toEqual(Array(threw).fill('mine')));
});

test('a refused message is failed until it is sent again or discarded', async () => {
  const { mine, buyer, seller, threadId } = await startBoth();
  await mine.ask('user:block', { user_id: seller.id });
  mine.send(threadId, { text: 'hello' });
  const failed = await until(mine.thread(threadId), state => state!.messages[0]?.delivery === 'failed');
  expect(failed!.messages[0]!.error).toMatchObject({ code: 'recipient_unavailable' });
  const other = mine.send(threadId, { text: 'never mind' });
  await until(mine.thread(threadId), state => state!.messages[1]?.delivery === 'failed');
  mine.discard(other);
  await mine.ask('user:unblock', { user_id: seller.id });
  mine.retry(failed!.messages[0]!.key);
  await until(mine.thread(threadId), state => state!.messages.length === 1 && state!.messages[0]!.message !== null);
  const { body } = await app.get(buyer, `/api/chat/threads/${threadId}/messages/`);
  expect(body.results.map(({ text }: { text: string }) => text)).toEqual(['hello']);
});

test('what was refused in a conversation that is gone is still there to be discarded', async () => {
  const { mine, buyer, threadId } = await startBoth();
  mine.disconnect();
  const key = mine.send(threadId, { text: 'too late' });
  expect(mine.unsent.getSnapshot()).toMatchObject([{ message: { client_id: key, text: 'too late' }, error: null }]);
  await asStaff(app, ctx => removeParticipant(ctx, { threadId, userId: buyer.id, reason: 'fraud' }));
  await mine.connect();
  await until(mine.unsent, ([first]) => first?.error?.code === 'not_found');
  expect(mine.thread(threadId).getSnapshot()).toBe(null);
  mine.discard(key);
  expect(mine.unsent.getSnapshot()).toEqual([]);
});

test('what is written without a connection is pending over a restart, and sent once after it', async () => {
  const { seller, mine, buyer, threadId } = await startBoth();
  mine.disconnect();
  const kept = new Map<string, string>();
  const storage = {
    get length() {
      return kept.size;
    },
    key: (index: number) => [...kept.keys()][index] ?? null,
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  };
  const offline = await start(app, buyer, { outbox: localOutbox(storage) });
  await until(offline.thread(threadId), state => state !== null);
  offline.disconnect();
  for (const text of ['first', 'second', 'third']) offline.send(threadId, { text });
  expect(lines(offline.thread(threadId).getSnapshot())).toEqual([['first', 'pending'], ['second', 'pending'], ['third', 'pending']]); // biome-ignore format: a list
  await eventually(() => expect(kept.size).toBe(3));

  // the application is started again, twice: in two tabs
  const tabs = [await start(app, buyer, { outbox: localOutbox(storage) }), await start(app, buyer, { outbox: localOutbox(storage) })]; // biome-ignore format: a list
  for (const tab of tabs)
    await until(tab.thread(threadId), state => state?.messages.length === 3 && state.messages.every(one => one.message !== null)); // biome-ignore format: one line reads better
  const { body } = await app.get(seller, `/api/chat/threads/${threadId}/messages/`);
  expect(body.results.map(({ text }: { text: string }) => text)).toEqual(['first', 'second', 'third']);
  await eventually(() => expect(kept.size).toBe(0));
});

test('a thread that was marked unread is read again', async () => {
  const { mine, threadId } = await startBoth();
  await mine.ask('thread:mark-unread', { thread_id: threadId });
  await until(mine.unread, ({ threads }) => threads === 1);
  await mine.markRead(threadId);
  await until(mine.unread, ({ threads }) => threads === 0);
});

test('what is read without a connection is told with the next one', async () => {
  const { mine, theirs, threadId } = await startBoth();
  theirs.send(threadId, { text: 'Bor' });
  await until(mine.unread, ({ messages }) => messages === 1);
  mine.disconnect();
  await mine.markRead(threadId);
  await mine.connect();
  await until(theirs.thread(threadId), state => state!.messages[0]!.delivery === 'read');
  expect(mine.unread.getSnapshot()).toEqual({ threads: 0, messages: 0 });
});

test('what is read faster than it may be told is read to the end', async () => {
  const { mine, theirs, threadId } = await startBoth();
  mine.thread(threadId).subscribe(() => void mine.markRead(threadId));
  const said = Array.from({ length: 15 }, (_, index) => ({ thread_id: threadId, client_id: randomUUID(), text: `${index}` })); // biome-ignore format: one line reads better
  await Promise.all(said.map(message => theirs.ask('message:send', message)));
  await until(mine.thread(threadId), state => state!.thread.last_seq === 15 && state!.thread.me.unread === 0);
});

test('who writes is shown while they write, and no longer than that', async () => {
  const { mine, theirs, seller, threadId } = await startBoth();
  theirs.type(threadId);
  await until(mine.thread(threadId), state => state!.typing[0] === seller.id);
  theirs.send(threadId, { text: 'done' });
  const after = await until(mine.thread(threadId), state => state!.messages.length === 1);
  expect(after!.typing).toEqual([]);
  await eventually(() => {
    theirs.type(threadId);
    expect(mine.thread(threadId).getSnapshot()!.typing).toEqual([seller.id]);
  });
  await until(mine.thread(threadId), state => state!.typing.length === 0);
});

test('the other side is seen while it is there, and no longer', async () => {
  const { mine, theirs, seller } = await startBoth();
  const state = mine.presence.of(seller.id);
  state.subscribe(() => {});
  await until(state, ({ status }) => status === 'online');
  theirs.disconnect();
  await until(state, ({ status }) => status === 'offline');
});

test('older messages are added before those that are held', async () => {
  const { buyer, thread } = await buildTalk(app);
  const em = app.orm.em.fork();
  await em.execute(
    `insert into messages (id, thread_id, seq, rev, client_id, content_hash, sender_id, type, text, created_at)
     select gen_random_uuid(), ?, n, n + 1, gen_random_uuid(), '\\x00', ?, 'text', n::text, now() from generate_series(1, 230) n`,
    [thread.id, buyer.id],
  );
  await em.execute('update threads set last_seq = 230, rev = 231 where id = ?', [thread.id]);
  const mine = await start(app, buyer);
  const newest = await until(mine.thread(thread.id), state => (state?.messages.length ?? 0) > 0);
  expect(newest).toMatchObject({ hasOlder: true });
  const oldest = newest!.messages[0]!.message!.seq;
  await mine.loadOlder(thread.id);
  await mine.loadOlder(thread.id);
  const all = mine.thread(thread.id).getSnapshot()!;
  expect(oldest).toBeGreaterThan(100);
  expect(all.messages.map(one => one.text)).toEqual(Array.from({ length: 230 }, (_, index) => `${index + 1}`));
  expect(all.hasOlder).toBe(false);
});

test('a conversation that is opened from a post is in the list of both', async () => {
  const { seller, outsider, thread } = await buildTalk(app);
  const [mine, theirs] = [await start(app, outsider), await start(app, seller)];
  const opened = await mine.openThread(thread.postId, 'Salom');
  for (const client of [mine, theirs])
    await until(client.threads, threads => threads.some(one => one.id === opened.id && one.last_message?.text === 'Salom')); // biome-ignore format: one line reads better
});

test('badge and notifications follow what happens, and an alert is told once', async () => {
  const { mine, theirs, threadId } = await startBoth();
  const alerts: string[] = [];
  theirs.notifications.onAlert(({ body }) => alerts.push(body));
  await theirs.notifications.load();
  mine.send(threadId, { text: 'Bormi?' });
  await until(theirs.notifications.list, ({ items }) => items.length === 1);
  expect(theirs.notifications.badge.getSnapshot()).toMatchObject({ unread: 1 });
  const [note] = theirs.notifications.list.getSnapshot().items;
  await theirs.notifications.read({ id: note!.id });
  expect(theirs.notifications.badge.getSnapshot()).toMatchObject({ unread: 0 });
  await until(theirs.notifications.list, ({ items }) => items[0]!.read_at !== null);
  expect(alerts).toHaveLength(1);
});

test('whatever happens to the network, both end with every message, once and in one order', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const cable = await layCable();
  cable.leadTo(app.url);
  try {
    const clients = [await start(app, buyer, { url: cable.url }), await start(app, seller, { url: cable.url })];
    const sent: string[] = [];
    for (let round = 0; round < 8; round += 1) {
      for (const [side, client] of clients.entries()) {
        for (const part of [1, 2]) {
          const text = `${side}: ${round}.${part}`;
          client.send(thread.id, { text });
          sent.push(text);
        }
        if (side === 0) cable.cut();
      }
      cable.join();
      await Promise.all(clients.map(client => client.connect()));
      if (round % 2 === 0) await until(clients[round % 4 === 0 ? 0 : 1]!.connection, ({ state }) => state === 'online');
    }
    const texts = [];
    for (const client of clients) {
      const isWhole = (state: ThreadState | null) => state?.messages.length === sent.length && state.messages.every(one => one.message); // biome-ignore format: one line reads better
      const state = await until(client.thread(thread.id), isWhole);
      texts.push(state!.messages.map(one => one.text!));
    }
    expect(texts[0]).toEqual(texts[1]);
    for (const side of ['0', '1'])
      expect(texts[0]!.filter(text => text.startsWith(side))).toEqual(sent.filter(text => text.startsWith(side)));
  } finally {
    for (const client of open.splice(0)) client.disconnect();
    await cable.close();
  }
});
