import type { Socket } from 'socket.io-client';
import { expect, test } from 'vitest';
import { setThreadLock } from '../../src/chat/service/thread-changes.ts';
import { newId } from '../../src/common/ids.ts';
import { ask, eventually, record, useApp } from '../support/app.ts';
import { buildTalk, done, message } from '../support/talk.ts';
import { asStaff } from '../support/worlds.ts';

const app = useApp();
const refused = (code: string) => ({ ok: false, error: { code } });

async function buildSent(text = 'Is it new?') {
  const talk = await buildTalk(app);
  const [mine, theirs] = [await app.connect(talk.buyer, '/chat'), await app.connect(talk.seller, '/chat')];
  const { message: sent } = await done(mine, 'message:send', message(talk.thread, { text }));
  return { ...talk, mine, theirs, sent, target: { thread_id: talk.thread.id, message_id: sent.id } };
}

async function stored(socket: Socket, thread: { id: string }) {
  return (await done(socket, 'thread:history', { thread_id: thread.id })).messages;
}

/** As if it had been sent so long ago. */
async function age(id: string, minutes: number) {
  await app.orm.em.fork().execute(`update messages set created_at = created_at - interval '${minutes} minutes' where id = ?`, [id]); // biome-ignore format: one line reads better
}

test('the sender edits a message; both sides hear it, with the revision it made', async () => {
  const { mine, theirs, thread, sent, target } = await buildSent();
  const heard = [record(mine, 'message:edited'), record(theirs, 'message:edited')];
  const { message: edited } = await done(mine, 'message:edit', { ...target, text: ' Is it new or used? ' });
  expect(edited).toEqual({ ...sent, rev: 3, text: 'Is it new or used?', edited_at: expect.stringMatching(/Z$/) });
  const push = { thread_id: thread.id, rev: 3, at: edited.edited_at, message: edited };
  await eventually(() => expect(heard).toEqual([[push], [push]]));
  expect(await stored(theirs, thread)).toEqual([edited]);
  expect((await done(mine, 'thread:get', { thread_id: thread.id })).thread).toMatchObject({
    ...{ rev: 3, last_seq: 1, updated_at: edited.edited_at, last_message: { text: 'Is it new or used?' } },
  });
});

test('an edit to what it says already changes nothing; one made against an older rev is a conflict', async () => {
  const { mine, thread, sent, target } = await buildSent();
  expect(await done(mine, 'message:edit', { ...target, text: sent.text, expected_rev: 1 })).toEqual({ message: sent });
  const { message: edited } = await done(mine, 'message:edit', { ...target, text: 'b', expected_rev: sent.rev });
  expect(await ask(mine, 'message:edit', { ...target, text: 'c', expected_rev: sent.rev })).toMatchObject({
    ok: false,
    error: { code: 'conflict', details: { current: edited } },
  });
  expect(await stored(mine, thread)).toEqual([edited]);
});

test('nobody edits what another wrote, what is older than 15 minutes, a tombstone, or in a locked thread', async () => {
  const { mine, theirs, thread, sent, target } = await buildSent();
  const edit = { ...target, text: 'Changed' };
  expect(await ask(theirs, 'message:edit', edit)).toMatchObject(refused('permission_denied'));
  expect(await ask(mine, 'message:edit', { ...edit, message_id: newId() })).toMatchObject(refused('not_found'));
  expect(await ask(mine, 'message:edit', { ...edit, text: ' ' })).toMatchObject(refused('validation_failed'));
  await asStaff(app, ctx => setThreadLock(ctx, thread.id, true));
  expect(await ask(mine, 'message:edit', edit)).toMatchObject(refused('thread_locked'));
  await asStaff(app, ctx => setThreadLock(ctx, thread.id, false));
  await age(sent.id, 14);
  expect(await ask(mine, 'message:edit', edit)).toMatchObject({ ok: true });
  await age(sent.id, 1);
  expect(await ask(mine, 'message:edit', { ...edit, text: 'Again' })).toMatchObject(refused('edit_window_closed'));
  await done(mine, 'message:delete', target);
  expect(await ask(mine, 'message:edit', edit)).toMatchObject(refused('invalid_state'));
});

test('the sender deletes a message: a tombstone keeps its place for all', async () => {
  const { mine, theirs, thread, sent, target } = await buildSent('Part 06H-121-026');
  await done(theirs, 'message:react', { ...target, emoji: '👍', op: 'add' });
  const { message: reply } = await done(theirs, 'message:send', message(thread, { reply_to: sent.id }));
  const heard = record(theirs, 'message:deleted');
  const { message: gone } = await done(mine, 'message:delete', target);
  const at = expect.stringMatching(/Z$/);
  const empty = { text: null, attachments: [], reactions: [], part_numbers: [], reply_to: null };
  expect(gone).toEqual({ ...sent, ...empty, rev: 5, type: 'deleted', deleted_at: at });
  await eventually(() => expect(heard).toMatchObject([{ rev: 5, message: gone }]));
  const [, after] = await stored(theirs, thread);
  expect(after).toEqual({ ...reply, reply_to: { ...reply.reply_to, type: 'deleted', text: null } });
  expect(await done(mine, 'message:delete', target)).toEqual({ message: gone });
  const next = await done(mine, 'message:send', message(thread));
  expect(next.message).toMatchObject({ seq: 3, rev: 6 });
});

test('nobody deletes what another wrote, nor after 24 hours', async () => {
  const { mine, theirs, outsider, sent, target } = await buildSent();
  expect(await ask(theirs, 'message:delete', target)).toMatchObject(refused('permission_denied'));
  expect(await ask(await app.connect(outsider, '/chat'), 'message:delete', target)).toMatchObject(refused('not_found'));
  await age(sent.id, 24 * 60 + 1);
  expect(await ask(mine, 'message:delete', target)).toMatchObject(refused('edit_window_closed'));
});

test('G2: a retry after an edit is no conflict, and shows the message as it is now', async () => {
  const talk = await buildTalk(app);
  const socket = await app.connect(talk.buyer, '/chat');
  const sent = message(talk.thread);
  const { message: first } = await done(socket, 'message:send', sent);
  const target = { thread_id: talk.thread.id, message_id: first.id };
  const { message: edited } = await done(socket, 'message:edit', { ...target, text: 'Edited' });
  expect(await done(socket, 'message:send', sent)).toEqual({ message: edited, duplicate: true });
  const { message: gone } = await done(socket, 'message:delete', target);
  const heard = record(socket, 'message:created');
  expect(await done(socket, 'message:send', sent)).toEqual({ message: gone, duplicate: true });
  expect(heard).toMatchObject([{ rev: 4, message: gone }]);
});

test('both sides react; what is so already changes nothing', async () => {
  const { buyer, seller, mine, theirs, thread, target } = await buildSent();
  const heard = record(mine, 'message:reacted');
  const react = (socket: Socket, emoji: string, op = 'add') => done(socket, 'message:react', { ...target, emoji, op });
  await react(theirs, '👍');
  await react(mine, '👍');
  await react(mine, '❤️');
  const { message: all } = await react(mine, '❤️');
  expect(all).toMatchObject({ rev: 5, reactions: [{ emoji: '👍', user_ids: [seller.id, buyer.id] }, { emoji: '❤️', user_ids: [buyer.id] }] }); // biome-ignore format: one line reads better
  await react(theirs, '👍', 'remove');
  await react(theirs, '👍', 'remove');
  const { message: left } = await react(mine, '👍', 'remove');
  expect(left).toMatchObject({ rev: 7, reactions: [{ emoji: '❤️', user_ids: [buyer.id] }] });
  await eventually(() => expect(heard.map(push => push.rev)).toEqual([3, 4, 5, 6, 7]));
  expect(await stored(theirs, thread)).toEqual([left]);
});

test('a reaction is one emoji, on something that was written, by a participant', async () => {
  const { mine, outsider, target } = await buildSent();
  const react = { ...target, op: 'add' };
  for (const emoji of ['', 'a', '👍👍', '<b>', '1', '👍 '])
    expect(await ask(mine, 'message:react', { ...react, emoji })).toMatchObject(refused('validation_failed'));
  for (const emoji of ['👩‍🔧', '🇺🇿', '1️⃣', '👍🏽']) expect(await ask(mine, 'message:react', { ...react, emoji })).toMatchObject({ ok: true }); // biome-ignore format: one line reads better
  const stranger = await app.connect(outsider, '/chat');
  expect(await ask(stranger, 'message:react', { ...react, emoji: '👍' })).toMatchObject(refused('not_found'));
  await done(mine, 'message:delete', target);
  expect(await ask(mine, 'message:react', { ...react, emoji: '👍' })).toMatchObject(refused('invalid_state'));
});

test('G5: changes of old messages are found by a pull, beside new ones', async () => {
  const { mine, theirs, thread, target } = await buildSent();
  for (let sent = 0; sent < 5; sent += 1) await done(mine, 'message:send', message(thread));
  await done(theirs, 'message:react', { ...target, emoji: '👍', op: 'add' });
  const { message: edited } = await done(mine, 'message:edit', { ...target, text: 'Changed' });
  await done(theirs, 'message:send', message(thread));
  const pulled = await done(theirs, 'sync:pull', { threads: [{ thread_id: thread.id, rev: 7 }] });
  expect(pulled.threads[0]).toMatchObject({ reset: false, thread: { rev: 10 } });
  expect(pulled.threads[0].messages).toMatchObject([edited, { seq: 7, rev: 10 }]);
});
