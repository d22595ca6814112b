import { expect, onTestFinished, test } from 'vitest';
import { AuditEntry, OtpRequestLog } from '../../src/accounts/entities.ts';
import { bearer, DAY, later, logIn, newPhone, requestCode } from '../support/accounts.ts';
import { ask, eventually, once, openSocket, type TestUser, useApp } from '../support/app.ts';
import { buildTalk, done, message } from '../support/talk.ts';

const app = useApp({ RATE_LIMITS: 'off', TEST_TIME_SCALE: '100' });
const auditOf = (id: string) => app.orm.em.fork().find(AuditEntry, { objectId: id }, { orderBy: { id: 'asc' } });
const act = async (who: TestUser, path: string, ids: string[], more: object = {}) =>
  (await app.post(who, `/api/admin/${path}/`, { ids, ...more })).body;

async function buildReport() {
  const talk = await buildTalk(app);
  const [mine, theirs] = [await app.connect(talk.buyer, '/chat'), await app.connect(talk.seller, '/chat')];
  const { message: bad } = await done(theirs, 'message:send', message(talk.thread, { text: 'Pay to this card' }));
  const target = { type: 'message', id: bad.id };
  const { report_id: reportId } = await done(mine, 'report:create', { client_id: bad.id, target, reason: 'fraud' });
  return { ...talk, mine, theirs, reportId };
}

test('S-40: a thread is read by its open report alone, and each read is in the audit', async () => {
  const moderator = await app.buildUser({ role: 'moderator' });
  const [{ thread, reportId }, other] = [await buildReport(), await buildTalk(app)];
  const read = (id: string, query: string) => app.get(moderator, `/api/admin/threads/${id}/${query}`);
  const one = await read(thread.id, `?report_id=${reportId}`);
  expect(one).toMatchObject({ status: 200, body: { id: thread.id, messages: [{ text: 'Pay to this card' }] } });
  expect((await app.get(moderator, `/api/admin/threads/?report_id=${reportId}`)).body).toMatchObject({
    results: [{ id: thread.id }],
  });
  expect(await auditOf(thread.id)).toMatchObject([
    { action: 'read', resource: 'threads', actorId: moderator.id, after: { report_id: reportId } },
    { action: 'read' },
  ]);
  expect((await read(thread.id, '')).status).toBe(400);
  expect((await app.get(moderator, '/api/admin/threads/')).status).toBe(400);
  expect((await read(other.thread.id, `?report_id=${reportId}`)).status).toBe(404);
  expect((await read(thread.id, `?report_id=${other.thread.id}`)).status).toBe(404);
  for (const role of ['auditor', 'support', 'billing'] as const)
    expect((await app.get(await app.buildUser({ role }), `/api/admin/threads/?report_id=${reportId}`)).status).toBe(
      403,
    );
  await act(moderator, 'reports/actions/resolve', [reportId], { reason: 'Warned' });
  expect(await read(thread.id, `?report_id=${reportId}`)).toMatchObject({
    status: 409,
    body: { code: 'invalid_state' },
  });
  expect(await auditOf(thread.id)).toHaveLength(2);
  expect(await auditOf(other.thread.id)).toEqual([]);
});

test('a report is taken over and closed once, with the words of the moderator', async () => {
  const [moderator, colleague] = [
    await app.buildUser({ role: 'moderator' }),
    await app.buildUser({ role: 'moderator' }),
  ];
  const { reportId, buyer } = await buildReport();
  const assign = (assignee_id?: string) =>
    act(moderator, 'reports/actions/assign', [reportId], { params: { assignee_id } });
  expect((await assign(buyer.id)).code).toBe('not_found');
  expect((await assign(colleague.id)).results).toEqual([{ id: reportId, ok: true }]);
  expect((await app.get(moderator, `/api/admin/reports/${reportId}/`)).body).toMatchObject({
    ...{ status: 'assigned', assignee_id: colleague.id, reason: 'fraud' },
    copy: { message: { text: 'Pay to this card' } },
  });
  expect((await act(moderator, 'reports/actions/resolve', [reportId])).code).toBe('validation_failed');
  const resolve = () => act(moderator, 'reports/actions/resolve', [reportId], { reason: 'Thread locked' });
  const answers = await Promise.all([resolve(), resolve()]);
  expect(
    answers
      .flatMap(({ results }) => results)
      .map(({ ok, code }) => ok || code)
      .sort(),
  ).toEqual(['invalid_state', true]);
  expect((await auditOf(reportId)).map(({ action, reason, after }) => [action, reason, after?.['status']])).toEqual([
    ['assign', null, 'assigned'],
    ['resolve', 'Thread locked', 'resolved'],
  ]);
});

test('a moderator locks the thread of a report and takes somebody out of it', async () => {
  const moderator = await app.buildUser({ role: 'moderator' });
  const [{ thread, reportId, seller, mine, theirs }, other] = [await buildReport(), await buildTalk(app)];
  const on = (action: string, ids: string[], more: object = {}, params: object = {}) =>
    act(moderator, `threads/actions/${action}`, ids, { ...more, params: { report_id: reportId, ...params } });
  const reason = { reason: 'Fraud' };
  expect((await on('lock', [thread.id])).code).toBe('validation_failed');
  expect((await on('lock', [thread.id, other.thread.id], reason)).results).toEqual(
    expect.arrayContaining([
      { id: thread.id, ok: true },
      { id: other.thread.id, ok: false, code: 'not_found' },
    ]),
  );
  expect(await ask(mine, 'message:send', message(thread))).toMatchObject({
    ok: false,
    error: { code: 'thread_locked' },
  });
  await on('unlock', [thread.id]);
  await done(mine, 'message:send', message(thread));
  expect((await on('remove_participant', [thread.id], reason)).code).toBe('validation_failed');
  const revoked = once(theirs, 'access:revoked');
  await on('remove_participant', [thread.id], reason, { user_id: seller.id });
  expect(await revoked).toMatchObject({ thread_id: thread.id, reason: 'moderation' });
  expect((await auditOf(thread.id)).map(({ action }) => action)).toEqual(['lock', 'unlock', 'remove_participant']);
});

test('S-29: support ends a session of a user, and none of staff', async () => {
  const support = await app.buildUser({ role: 'support' });
  const [member, colleague] = [await logIn(app), await app.buildUser({ role: 'billing' })];
  const socket = openSocket(app.url, '/chat', { token: member.body.access });
  await once(socket, 'session:ready');
  const told = once(socket, 'session:revoked');
  const { session_id: id } = member.body;
  const { results } = await act(support, 'sessions/actions/end', [id, colleague.sessionId]);
  expect(results).toEqual(
    expect.arrayContaining([
      { id, ok: true },
      { id: colleague.sessionId, ok: false, code: 'permission_denied' },
    ]),
  );
  expect(await told).toEqual({ reason: 'admin' });
  expect((await app.get(null, '/api/auth/me/', bearer(member.body.access))).body.code).toBe('session_revoked');
  expect((await act(support, 'sessions/actions/end', [id])).results[0]).toMatchObject({ code: 'invalid_state' });
});

test('support blocks the numbers around a logged one, or its address, for a time; staff still log in', async () => {
  const support = await app.buildUser({ role: 'support' });
  const phone = newPhone();
  await requestCode(app, phone);
  const em = app.orm.em.fork();
  const logged = await em.findOneOrFail(OtpRequestLog, { phone });
  const on = (action: string, more: object = {}) => act(support, `otp-log/actions/${action}`, [logged.id], more);
  expect((await on('block_prefix')).code).toBe('validation_failed');
  await on('block_prefix', { reason: 'SMS pumping' });
  const neighbour = `${phone.slice(0, -3)}${phone.endsWith('001') ? '002' : '001'}`;
  const asked = async (number: string, ms = 0) => (await requestCode(app, number, {}, later(ms))).body.code;
  expect(await asked(neighbour)).toBe('otp_locked');
  expect(await asked(newPhone())).toBeUndefined();
  expect(await asked(neighbour, DAY + 1_000)).toBeUndefined();
  await on('unblock_prefix');
  await on('block_ip', { reason: 'SMS pumping', params: { until: new Date(Date.now() + DAY).toISOString() } });
  expect(await asked(newPhone())).toBe('otp_locked');
  await on('unblock_ip');
  expect(await asked(newPhone())).toBeUndefined();
  expect((await auditOf(logged.id)).map(({ action }) => action)).toEqual([
    ...['block_prefix', 'unblock_prefix', 'block_ip', 'unblock_ip'],
  ]);
});

test('a block ends in the future, and until when is in the audit', async () => {
  const support = await app.buildUser({ role: 'support' });
  const target = await app.buildUser();
  await requestCode(app, target.phone);
  const logged = await app.orm.em.fork().findOneOrFail(OtpRequestLog, { phone: target.phone });
  const block = (path: string, id: string, ms: number) => {
    const until = new Date(Date.now() + ms).toISOString();
    return act(support, path, [id], { reason: 'Spam', params: { until } });
  };
  for (const [path, id] of [
    ['users/actions/block', target.id],
    ['otp-log/actions/block_prefix', logged.id],
    ['otp-log/actions/block_ip', logged.id],
  ] as const)
    expect(await block(path, id, -DAY)).toMatchObject({ code: 'validation_failed', details: { fields: [{ path: 'params.until' }] } }); // biome-ignore format: one line reads better
  expect([await auditOf(target.id), await auditOf(logged.id)]).toEqual([[], []]);
  expect((await app.get(target, '/api/auth/me/')).status).toBe(200);
  await block('users/actions/block', target.id, DAY);
  await block('users/actions/block', target.id, 2 * DAY);
  const ends = (await auditOf(target.id)).map(({ before, after }) => [before, after].map(one => one!['blocked_until']));
  expect(ends).toEqual([[null, expect.any(String)], [ends[0]![1], expect.any(String)]]); // biome-ignore format: one line reads better
  expect(ends[1]![1]).not.toBe(ends[0]![1]);
});

test('staff with a socket hear when more or less waits for somebody; users do not', async () => {
  const [moderator, user] = [await app.buildUser({ role: 'moderator' }), await app.buildUser()];
  const [socket, other] = [await app.connect(moderator, '/notifications'), await app.connect(user, '/notifications')];
  const heard: { queues: { reports: number } }[] = [];
  const wrong: unknown[] = [];
  socket.on('queues:updated', push => heard.push(push));
  other.on('queues:updated', push => wrong.push(push));
  const { queues } = (await app.get(moderator, '/api/admin/')).body;
  await eventually(async () => {
    const { reportId } = await buildReport();
    expect(reportId).toEqual(expect.any(String));
    expect(heard.at(-1)?.queues.reports).toBeGreaterThan(queues.reports);
  });
  await ask(other, 'notification:list', {});
  expect(wrong).toEqual([]);
});

test('staff who connect are told what waits, whoever was told before', async () => {
  const [first, second] = [await app.buildUser({ role: 'moderator' }), await app.buildUser({ role: 'moderator' })];
  await buildReport();
  const { queues } = (await app.get(first, '/api/admin/')).body;
  for (const who of [first, second]) {
    const socket = openSocket(app.url, '/notifications', { token: who.token });
    onTestFinished(() => void socket.close());
    expect(await once(socket, 'queues:updated')).toMatchObject({ queues });
  }
});
