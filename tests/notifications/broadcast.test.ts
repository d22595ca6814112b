import { beforeAll, expect, test } from 'vitest';
import { User } from '../../src/accounts/entities.ts';
import { newId } from '../../src/common/ids.ts';
import { Broadcast, Notification } from '../../src/notifications/entities.ts';
import { eventually, once, type TestUser, useApp } from '../support/app.ts';
import { buildTrader } from '../support/talk.ts';

const app = useApp();
const path = '/api/admin/notifications/actions/broadcast/';
const title = { uz: 'Yangilanish', ru: 'Обновление', en: 'Update' };
const body = { uz: 'Bugun kechasi', ru: 'Сегодня ночью', en: 'Tonight' };
const announcement = (more: object = {}) => ({ params: { id: newId(), title, body, ...more }, reason: 'maintenance' });

let staff: TestUser;
beforeAll(async () => {
  staff = await app.buildUser({ role: 'superuser' });
});

const notesOf = (userId: string) => app.orm.em.fork().find(Notification, { userId, type: 'announcement' });
const finished = (id: string) =>
  eventually(async () => {
    const found = await app.orm.em.fork().findOneOrFail(Broadcast, { id });
    expect(found.finishedAt).not.toBeNull();
    return found;
  });

/** The number of a preview, confirmed. */
async function confirm(more: object = {}) {
  const asked = announcement(more);
  const { count } = (await app.post(staff, path, asked)).body;
  const confirmed = { ...asked, params: { ...asked.params, confirm: count } };
  return { confirmed, count, answer: await app.post(staff, path, confirmed) };
}

test('a preview counts and sends nothing; a wrong number is refused and sends nothing', async () => {
  const { id } = await app.buildUser();
  const asked = announcement();
  const preview = (await app.post(staff, path, asked)).body;
  expect(preview).toEqual({ id: asked.params.id, state: 'preview', count: expect.any(Number), sent: 0 });
  const wrong = { ...asked, params: { ...asked.params, confirm: preview.count + 5 } };
  expect(await app.post(staff, path, wrong)).toMatchObject({
    status: 409,
    body: { code: 'conflict', details: { current: { count: preview.count } } },
  });
  expect(await app.orm.em.fork().count(Broadcast, { id: asked.params.id })).toBe(0);
  expect(await notesOf(id)).toEqual([]);
});

test.each(['user', 'moderator', 'billing', 'support', 'auditor'] as const)('a %s announces nothing', async role => {
  const somebody = await app.buildUser({ role });
  expect(await app.post(somebody, path, announcement({ confirm: 1 }))).toMatchObject({
    status: 403,
    body: { code: 'permission_denied' },
  });
});

test('unknown fields and empty texts are refused', async () => {
  for (const wrong of [{ title: { ...title, uz: ' ' } }, { title: { uz: 'x' } }, { audience: 'some' }, { more: 1 }])
    expect((await app.post(staff, path, announcement(wrong))).body.code).toBe('validation_failed');
});

test('what was confirmed waits for its job, reaches everybody once in their language, and is in the audit', async () => {
  const [user, russian, off, banned] = await Promise.all([0, 1, 2, 3].map(() => app.buildUser()));
  await app.patch(russian!, '/api/auth/me/', { locale: 'ru' });
  const disabled = { types: { announcement: { enabled: false, alert: true } } };
  await app.put(off!, '/api/notifications/preferences/', disabled);
  await app.orm.em.fork().nativeUpdate(User, { id: banned!.id }, { blockedAt: new Date() });
  const { confirmed, count, answer } = await confirm();
  expect(answer.body).toEqual({ id: confirmed.params.id, state: 'sending', count, sent: 0 });
  const later = await app.buildUser();
  expect(await notesOf(user!.id)).toEqual([]);
  const heard = once(await app.connect(user!, '/notifications'), 'notification:created');
  // as after a crash before the job was asked for
  await app.jobs.start(app.config.DATABASE_URL!);
  await app.jobs.run('resume-broadcasts');
  expect(await finished(confirmed.params.id)).toMatchObject({ sent: count });
  expect(await heard).toMatchObject({ notification: { type: 'announcement', title: 'Yangilanish' }, alert: true });
  expect(await notesOf(russian!.id)).toMatchObject([{ title: 'Обновление', body: 'Сегодня ночью' }]);
  for (const { id } of [off!, banned!, later]) expect(await notesOf(id)).toEqual([]);
  const again = await app.post(staff, path, confirmed);
  expect(again.body).toEqual({ id: confirmed.params.id, state: 'sent', count, sent: count });
  const other = { ...confirmed, params: { ...confirmed.params, title: { ...title, en: 'Other' } } };
  expect(await app.post(staff, path, other)).toMatchObject({ status: 422, body: { code: 'idempotency_conflict' } });
  expect(await notesOf(user!.id)).toHaveLength(1);
  const audited = await app.orm.em
    .fork()
    .execute(`select actor_id, resource, reason, after from audit_log where action = 'broadcast' and object_id = ?`, [
      confirmed.params.id,
    ]);
  expect(audited).toMatchObject([
    { actor_id: staff.id, resource: 'notifications', reason: 'maintenance', after: { count } },
  ]);
});

test('an interrupted announcement goes on where it was: each of 2,500 users has it once', async () => {
  const now = new Date();
  const em = app.orm.em.fork();
  const ids = Array.from({ length: 2_500 }, newId);
  await em.insertMany(
    User,
    ids.map(id => ({ id, phone: null, createdAt: now })),
  );
  const { confirmed, count } = await confirm();
  // several workers at once, as after a crash that was none
  await Promise.all(Array.from({ length: 3 }, () => app.jobs.run('resume-broadcasts')));
  expect(count).toBeGreaterThan(2_500);
  expect(await finished(confirmed.params.id)).toMatchObject({ sent: count });
  const [row] = await em.execute(
    `select count(*)::int as notes, count(distinct user_id)::int as users from notifications
     where type = 'announcement' and user_id = any(?::uuid[])`,
    [`{${ids.join(',')}}`],
  );
  expect(row).toEqual({ notes: 2_500, users: 2_500 });
});

test('an announcement to businesses reaches enabled ones alone', async () => {
  const [trader, user] = [await buildTrader(app), await app.buildUser()];
  const { confirmed } = await confirm({ audience: 'businesses' });
  await finished(confirmed.params.id);
  expect(await notesOf(trader.id)).toHaveLength(1);
  expect(await notesOf(user.id)).toEqual([]);
});

test('the same announcement confirmed many times at once is sent once', async () => {
  const user = await app.buildUser();
  const asked = announcement();
  const { count } = (await app.post(staff, path, asked)).body;
  const confirmed = { ...asked, params: { ...asked.params, confirm: count } };
  const answers = await Promise.all(Array.from({ length: 6 }, () => app.post(staff, path, confirmed)));
  expect(answers.map(answer => answer.status)).toEqual(answers.map(() => 200));
  await finished(asked.params.id);
  expect(await notesOf(user.id)).toHaveLength(1);
});
