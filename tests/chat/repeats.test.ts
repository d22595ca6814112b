import { expect, test } from 'vitest';
import { setThreadLock } from '../../src/chat/service/thread-changes.ts';
import { ask, useApp } from '../support/app.ts';
import { buildTalk, done, message } from '../support/talk.ts';
import { asStaff } from '../support/worlds.ts';

const app = useApp();

test('G2: a repeat is a success in a thread that was locked meanwhile, and after a block', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const [mine, theirs] = [await app.connect(buyer, '/chat'), await app.connect(seller, '/chat')];
  const sent = message(thread);
  const { message: first } = await done(mine, 'message:send', sent);
  const again = { message: first, duplicate: true };
  await asStaff(app, ctx => setThreadLock(ctx, thread.id, true));
  expect(await ask(mine, 'message:send', message(thread))).toMatchObject({ error: { code: 'thread_locked' } });
  expect(await done(mine, 'message:send', sent)).toEqual(again);
  await asStaff(app, ctx => setThreadLock(ctx, thread.id, false));
  await done(theirs, 'user:block', { user_id: buyer.id });
  expect(await ask(mine, 'message:send', message(thread))).toMatchObject({ error: { code: 'recipient_unavailable' } });
  expect(await done(mine, 'message:send', sent)).toEqual(again);
  expect(await app.post(buyer, '/api/chat/send/', sent)).toMatchObject({ status: 200, body: again });
});
