import { expect, test } from 'vitest';
import { setThreadLock } from '../../src/chat/service/thread-changes.ts';
import { ask, useApp } from '../support/app.ts';
import { buildTalk, done, message } from '../support/talk.ts';
import { uploadFolder, uploadImage } from '../support/uploads.ts';
import { asStaff } from '../support/worlds.ts';

const app = useApp({ RATE_LIMITS: 'relaxed', UPLOAD_DIR: await uploadFolder() });
const refused = (code: string) => ({ ok: false, error: { code } });

/** A message of the buyer that answers another one, with an image and a part number. */
async function buildRich() {
  const talk = await buildTalk(app);
  const [mine, theirs] = [await app.connect(talk.buyer, '/chat'), await app.connect(talk.seller, '/chat')];
  const image = await uploadImage(app, talk.buyer, 'chat');
  const { message: first } = await done(theirs, 'message:send', message(talk.thread));
  const content = { text: 'Need 06H-121-026', reply_to: first.id, attachments: [image.id] };
  const { message: sent } = await done(mine, 'message:send', message(talk.thread, content));
  return { ...talk, mine, theirs, first, sent, target: { thread_id: talk.thread.id, message_id: sent.id } };
}

const partsFound = async (socket: Parameters<typeof ask>[0], q: string) =>
  (await done(socket, 'message:search', { q })).results.length;

test('of a deleted message neither image, answer nor part number is left, for nobody and in no search', async () => {
  const { mine, theirs, thread, first, sent, target } = await buildRich();
  expect(sent).toMatchObject({ attachments: [{}], reply_to: { id: first.id }, part_numbers: ['06H121026'] });
  expect(await partsFound(theirs, '06h121026')).toBe(1);
  const { message: gone } = await done(mine, 'message:delete', target);
  expect(gone).toMatchObject({ type: 'deleted', text: null, attachments: [], reply_to: null, part_numbers: [] });
  expect((await done(theirs, 'thread:history', { thread_id: thread.id })).messages).toEqual([first, gone]);
  expect(await partsFound(theirs, '06h121026')).toBe(0);
  const [row] = await app.orm.em
    .fork()
    .execute('select attachments, reply_to_id, part_numbers from messages where id = ?', [sent.id]);
  expect(row).toEqual({ attachments: null, reply_to_id: null, part_numbers: null });
});

test('after an edit a message is found by the part numbers of its new text alone; image and answer stay', async () => {
  const { mine, theirs, first, sent, target } = await buildRich();
  const edit = async (text: string) => (await done(mine, 'message:edit', { ...target, text })).message;
  const { attachments } = sent;
  const kept = { attachments, reply_to: { id: first.id } };
  expect(await edit('Need 1K0-615-301')).toMatchObject({ ...kept, part_numbers: ['1K0615301'] });
  expect([await partsFound(theirs, '06h121026'), await partsFound(theirs, '1k0 615 301')]).toEqual([0, 1]);
  expect(await edit('Need nothing any more')).toMatchObject({ ...kept, part_numbers: [] });
  expect(await partsFound(theirs, '1k0615301')).toBe(0);
});

test.each(['locked', 'blocked'])(
  'in a thread that is %s one may still delete what one wrote, and nothing else',
  async how => {
    const { buyer, mine, theirs, thread, target } = await buildRich();
    if (how === 'locked') await asStaff(app, ctx => setThreadLock(ctx, thread.id, true));
    else await done(theirs, 'user:block', { user_id: buyer.id });
    const code = how === 'locked' ? 'thread_locked' : 'recipient_unavailable';
    expect(await ask(mine, 'message:edit', { ...target, text: 'x' })).toMatchObject(refused(code));
    expect(await ask(mine, 'message:react', { ...target, emoji: '👍', op: 'add' })).toMatchObject(refused(code));
    expect((await done(mine, 'message:delete', target)).message).toMatchObject({ type: 'deleted', text: null });
  },
);

test('a user has at most 20 different reactions under a message; the other one has their own', async () => {
  const { mine, theirs, target } = await buildRich();
  const emoji = Array.from({ length: 21 }, (_, index) => String.fromCodePoint(0x1f600 + index));
  const react = (socket: typeof mine, index: number, op = 'add') =>
    ask(socket, 'message:react', { ...target, emoji: emoji[index], op });
  for (let index = 0; index < 20; index += 1) expect(await react(mine, index)).toMatchObject({ ok: true });
  const tooMany = { ok: false, error: { code: 'invalid_state', details: { state: 'too_many_reactions' } } };
  expect(await react(mine, 20)).toMatchObject(tooMany);
  // What is so already is no reaction more.
  expect(await react(mine, 0)).toMatchObject({ ok: true });
  expect(await react(theirs, 20)).toMatchObject({ ok: true });
  // Nor may one join that of the other one.
  expect(await react(mine, 20)).toMatchObject(tooMany);
  await react(mine, 7, 'remove');
  const last = await react(mine, 20);
  expect(last.ok && last.data.message.reactions).toHaveLength(20);
});

test('expected_rev is that of the message: what else happens in the thread is no conflict, a reaction to it is', async () => {
  const { mine, theirs, thread, sent, target } = await buildRich();
  await done(theirs, 'message:send', message(thread));
  const edit = (text: string, expected_rev: number) => ask(mine, 'message:edit', { ...target, text, expected_rev });
  const edited = await edit('one', sent.rev);
  expect(edited).toMatchObject({ ok: true, data: { message: { rev: sent.rev + 2 } } });
  const { message: reacted } = await done(theirs, 'message:react', { ...target, emoji: '👍', op: 'add' });
  const conflict = { ok: false, error: { code: 'conflict', details: { current: reacted } } };
  expect(await edit('two', reacted.rev - 1)).toMatchObject(conflict);
  expect(await edit('two', reacted.rev + 1)).toMatchObject(conflict);
  expect(await edit('two', reacted.rev)).toMatchObject({ ok: true });
});
