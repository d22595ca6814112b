import { expect, test } from 'vitest';
import { endSessions } from '../../src/accounts/service/sessions.ts';
import { ask, eventually, once, record, useApp } from '../support/app.ts';
import { arrived, holdThread } from '../support/batches.ts';
import { waiting } from '../support/locks.ts';
import { buildTalk, message } from '../support/talk.ts';
import { act, asStaff } from '../support/worlds.ts';

const app = useApp({ RATE_LIMITS: 'relaxed' });

test('S-82: what waits behind the event under way when a session ends is never done', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const [socket, neighbour] = [await app.connect(buyer, '/chat'), await app.connect(seller, '/chat')];
  const release = await holdThread(app, thread);
  socket.emit('thread:archive', { thread_id: thread.id, archived: true });
  socket.emit('thread:mark-unread', { thread_id: thread.id });
  await arrived(socket);
  const isGone = once(socket, 'disconnect');
  await asStaff(app, ctx => endSessions(ctx, buyer.id, [buyer.sessionId], 'admin'));
  await isGone;
  await release();
  const stateOf = async () => {
    const sql = 'select is_archived, is_marked_unread from participants where thread_id = ? and user_id = ?';
    return (await app.orm.em.fork().execute(sql, [thread.id, buyer.id]))[0];
  };
  await eventually(async () => expect(await stateOf()).toMatchObject({ is_archived: true }));
  for (let n = 0; n < 20; n += 1) await ask(neighbour, 'thread:list', {});
  expect(await stateOf()).toEqual({ is_archived: true, is_marked_unread: false });
});

test('S-82: messages that wait for those under way when a session ends are never stored', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const [socket, neighbour] = [await app.connect(buyer, '/chat'), await app.connect(seller, '/chat')];
  const release = await holdThread(app, thread);
  socket.emit('message:send', message(thread, { text: 'under way' }));
  await waiting(app, 1);
  socket.emit('message:send', message(thread, { text: 'of the ended session' }));
  await arrived(socket);
  const peers = ask(neighbour, 'message:send', message(thread, { text: 'of the peer' }));
  await arrived(neighbour);
  const isGone = once(socket, 'disconnect');
  await asStaff(app, ctx => endSessions(ctx, buyer.id, [buyer.sessionId], 'blocked'));
  await isGone;
  await release();
  expect(await peers).toMatchObject({ ok: true });
  const ack = await ask(neighbour, 'thread:history', { thread_id: thread.id });
  expect(ack.ok && ack.data.messages.map((one: { text: string }) => one.text)).toEqual(['under way', 'of the peer']);
});

test.each([
  ['another role', 'set_role', { params: { role: 'moderator' } }],
  ['the end of all sessions by staff', 'revoke_sessions', {}],
])('S-28, S-29: %s ends the sessions of a user on both doors', async (_what, action, more) => {
  const [boss, user, other] = [
    await app.buildUser({ role: 'superuser' }),
    await app.buildUser(),
    await app.buildUser(),
  ];
  const sockets = [await app.connect(user, '/chat'), await app.connect(user, '/notifications')];
  const neighbour = await app.connect(other, '/chat');
  const revoked = sockets.map(socket => record(socket, 'session:revoked'));
  expect(await act(app, boss, `users/${action}`, user.id, more)).toMatchObject({ ok: true });
  await eventually(() => expect(sockets.map(socket => socket.connected)).toEqual([false, false]), 1_000);
  expect(revoked).toEqual([[{ reason: 'admin' }], [{ reason: 'admin' }]]);
  expect(await app.get(user, '/api/auth/me/')).toMatchObject({ status: 401, body: { code: 'session_revoked' } });
  await expect(app.connect(user, '/chat')).rejects.toThrow('session_revoked');
  expect(await ask(neighbour, 'thread:list', {})).toMatchObject({ ok: true });
});
