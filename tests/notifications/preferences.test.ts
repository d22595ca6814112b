import { expect, test } from 'vitest';
import { facts as accounts } from '../../src/accounts/contract.ts';
import { facts as b2b } from '../../src/b2b/contract.ts';
import { FocusLease } from '../../src/chat/entities.ts';
import { notificationTypes } from '../../src/notifications/contract/shapes.ts';
import { isQuiet } from '../../src/notifications/service/quiet-hours.ts';
import { ask, eventually, once, record, type TestUser, useApp } from '../support/app.ts';
import { buildPost, buildTalk, buildTrader, done, message } from '../support/talk.ts';
import { asStaff } from '../support/worlds.ts';

const app = useApp();
const path = '/api/notifications/preferences/';
const set = (who: TestUser, preferences: object) => app.put(who, path, preferences);
const listOf = async (who: TestUser) => (await app.get(who, '/api/notifications/')).body;
const everyDay = [1, 2, 3, 4, 5, 6, 7];
const always = { tz: 'Asia/Tashkent', days: everyDay, from: '00:00', to: '00:00' };
const everything = Object.fromEntries(notificationTypes.map(type => [type, { enabled: true, alert: true }]));

test('before anything is set everything is told; both doors give and take the same', async () => {
  const [user, other] = [await app.buildUser(), await app.buildUser()];
  expect((await app.get(user, path)).body).toEqual({ types: everything, quiet_hours: null, read_receipts: true });
  const socket = await app.connect(user, '/notifications');
  const wanted = {
    types: { ...everything, search_match: { enabled: true, alert: false } },
    quiet_hours: { tz: 'Europe/Berlin', days: [1, 7], from: '22:00', to: '08:00' },
    read_receipts: false,
  };
  expect(await done(socket, 'preferences:set', wanted)).toEqual(wanted);
  expect((await app.get(user, path)).body).toEqual(wanted);
  expect(await done(socket, 'preferences:get', {})).toEqual(wanted);
  expect((await app.get(other, path)).body.quiet_hours).toBeNull();
});

test('what is not given stays, null ends quiet hours, unknown names are dropped', async () => {
  const user = await app.buildUser();
  await set(user, { types: { announcement: { enabled: false, alert: true } }, quiet_hours: always });
  await set(user, { types: { post_expired: { enabled: true, alert: false }, post_sold: {} }, more: 1 });
  expect((await app.get(user, path)).body).toEqual({
    types: {
      ...everything,
      announcement: { enabled: false, alert: true },
      post_expired: { enabled: true, alert: false },
    },
    quiet_hours: always,
    read_receipts: true,
  });
  expect((await set(user, { quiet_hours: null })).body).toMatchObject({ quiet_hours: null });
});

test.each([
  ['types.security_login', { types: { security_login: { enabled: false, alert: true } } }],
  ['types.security_changed', { types: { security_changed: { enabled: true, alert: false } } }],
  ['types.announcement.alert', { types: { announcement: { enabled: true } } }],
  ['quiet_hours.tz', { quiet_hours: { ...always, tz: 'Asia/Atlantis' } }],
  ['quiet_hours.from', { quiet_hours: { ...always, from: '24:00' } }],
  ['quiet_hours.days', { quiet_hours: { ...always, days: [] } }],
  ['quiet_hours.days', { quiet_hours: { ...always, days: [1, 1] } }],
  ['quiet_hours.days.0', { quiet_hours: { ...always, days: [0] } }],
  ['read_receipts', { read_receipts: 'no' }],
])('%s is refused where it makes no sense, and nothing is stored', async (field, preferences) => {
  const user = await app.buildUser();
  const refused = await set(user, { types: { post_expired: { enabled: false, alert: true } }, ...preferences });
  expect(refused).toMatchObject({ status: 400, body: { code: 'validation_failed' } });
  expect(refused.body.details.fields.map((one: { path: string }) => one.path)).toEqual([field]);
  expect((await app.get(user, path)).body.types).toEqual(everything);
});

test('a type that is switched off is neither stored nor heard, others are', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const off = { enabled: false, alert: true };
  await set(seller, { types: { chat_message: off, post_expired: off } });
  const heard = record(await app.connect(seller, '/notifications'), 'notification:created');
  await app.post(buyer, '/api/chat/send/', message(thread));
  const post = { id: thread.postId, title: 'Brake pads', part_number: null, price: null, currency: null };
  await asStaff(app, async ({ emit }) => {
    emit(b2b.postExpired, { authorId: seller.id, post: { ...post, status: 'expired', thumb_url: null } });
    emit(accounts.loggedIn, { userId: seller.id, device: null });
  });
  await eventually(() => expect(heard).toHaveLength(1));
  expect(await listOf(seller)).toMatchObject({ results: [{ type: 'security_login' }], badge: { unread: 1 } });
  expect((await app.get(seller, '/api/auth/me/')).body.unread).toEqual({ threads: 1, messages: 1 });
  await app.post(seller, '/api/chat/send/', message(thread));
  expect((await listOf(buyer)).results).toMatchObject([{ type: 'chat_message' }]);
});

test.each([
  ['nothing stands against it', {}, true],
  ['its type is without alert', { types: { chat_message: { enabled: true, alert: false } } }, false],
  ['another type is without alert', { types: { post_expired: { enabled: true, alert: false } } }, true],
  ['it is quiet hours', { quiet_hours: always }, false],
])('a message makes a noise unless the user wants none: %s', async (_case, preferences, alert) => {
  const { buyer, seller, thread } = await buildTalk(app);
  await set(seller, preferences);
  const socket = await app.connect(seller, '/notifications');
  const heard = once(socket, 'notification:created');
  await app.post(buyer, '/api/chat/send/', message(thread));
  expect(await heard).toMatchObject({ alert, badge: { unread: 1, unseen: 1 } });
});

test('a thread that is muted or looked at on any device makes no noise', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const [phone, laptop] = [await app.connect(seller, '/notifications'), await app.connect(seller, '/chat')];
  async function nextAlert(): Promise<boolean> {
    await app.post(seller, '/api/notifications/read-all/');
    const heard = once(phone, 'notification:created');
    await app.post(buyer, '/api/chat/send/', message(thread));
    return (await heard).alert;
  }
  async function focus(thread_id: string | null): Promise<void> {
    laptop.emit('thread:focus', { thread_id });
    const leases = () => app.orm.em.fork().count(FocusLease, { userId: seller.id });
    await eventually(async () => expect(await leases()).toBe(thread_id === null ? 0 : 1));
  }
  expect(await nextAlert()).toBe(true);
  await focus(thread.id);
  expect(await nextAlert()).toBe(false);
  await focus(null);
  expect(await nextAlert()).toBe(true);
  await done(laptop, 'thread:mute', { thread_id: thread.id, until: '2999-01-01T00:00:00Z' });
  expect(await nextAlert()).toBe(false);
});

const night = { tz: 'Asia/Tashkent', from: '22:00', to: '08:00' };
const workdays = [1, 2, 3, 4, 5];
test.each([
  // 2026-03-06 is a Friday; Tashkent is UTC+5
  ['before they begin', { ...night, days: workdays }, '2026-03-06T16:59:59Z', false],
  ['when they begin', { ...night, days: workdays }, '2026-03-06T17:00:00Z', true],
  ['after midnight of their day', { ...night, days: workdays }, '2026-03-06T23:30:00Z', true],
  ['when they end', { ...night, days: workdays }, '2026-03-07T03:00:00Z', false],
  ['the night of another day', { ...night, days: workdays }, '2026-03-07T18:00:00Z', false],
  ['the morning after another day', { ...night, days: workdays }, '2026-03-09T01:00:00Z', false],
  ['the morning after Sunday, which begins on Sunday', { ...night, days: [7] }, '2026-03-09T01:00:00Z', true],
  ['at noon', { tz: 'Asia/Tashkent', from: '12:00', to: '13:00', days: [5] }, '2026-03-06T07:30:00Z', true],
  ['after noon', { tz: 'Asia/Tashkent', from: '12:00', to: '13:00', days: [5] }, '2026-03-06T08:00:00Z', false],
  ['the whole day', { tz: 'Asia/Tashkent', from: '00:00', to: '00:00', days: [5] }, '2026-03-06T10:00:00Z', true],
  ['the day before', { tz: 'Asia/Tashkent', from: '00:00', to: '00:00', days: [5] }, '2026-03-05T10:00:00Z', false],
  ['where the clock was put forward', { ...night, tz: 'Europe/Berlin', days: [6] }, '2026-03-29T05:59:00Z', true],
  ['an hour of summer later', { ...night, tz: 'Europe/Berlin', days: [6] }, '2026-03-29T06:00:00Z', false],
])('quiet hours hold where the user lives: %s', (_case, hours, at, expected) => {
  expect(isQuiet(hours, new Date(at))).toBe(expected);
});

test('read receipts that are switched off hide what is read, in threads of before and after', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  await app.post(seller, '/api/chat/send/', message(thread));
  await set(buyer, { read_receipts: false });
  await app.post(buyer, `/api/chat/threads/${thread.id}/read/`, { seq: 1 });
  const readOf = async (threadId: string) => {
    const { participants } = (await app.get(seller, `/api/chat/threads/${threadId}/`)).body.thread;
    return participants.map((one: { read_seq: number | null }) => one.read_seq);
  };
  expect(await readOf(thread.id)).toEqual([null, null]);
  const other = await buildTalk(app);
  const started = await app.post(buyer, '/api/chat/start/', { post_id: other.thread.postId, text: 'Hi' });
  expect(started.body.thread.participants[0].read_seq).toBeNull();
  await set(buyer, { read_receipts: true });
  expect(await readOf(thread.id)).toEqual([1, 1]);
});

test('a thread that begins while read receipts are switched off knows of it', async () => {
  const seller = await buildTrader(app);
  const buyers = await Promise.all(Array.from({ length: 12 }, () => buildTrader(app)));
  const postIds = await Promise.all(buyers.map(() => buildPost(app, seller)));
  await Promise.all([
    ...buyers.map((buyer, index) => app.post(buyer, '/api/chat/start/', { post_id: postIds[index], text: 'Hi' })),
    set(seller, { read_receipts: false }),
  ]);
  const hidden = await app.orm.em
    .fork()
    .execute('select hides_receipts from participants where user_id = ?', [seller.id]);
  expect(hidden).toEqual(Array.from({ length: 12 }, () => ({ hides_receipts: true })));
});

test('preferences of somebody else are neither read nor written', async () => {
  const [user, other] = [await app.buildUser(), await app.buildUser()];
  await set(user, { read_receipts: false, user_id: other.id });
  const socket = await app.connect(other, '/notifications');
  expect((await ask(socket, 'preferences:get', { user_id: user.id })).ok).toBe(true);
  expect((await app.get(other, path)).body.read_receipts).toBe(true);
  expect((await app.get(null, path)).body.code).toBe('auth_required');
});
