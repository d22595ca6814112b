import type { Socket } from 'socket.io-client';
import { beforeAll, expect, test } from 'vitest';
import webPush from 'web-push';
import { facts as accounts } from '../../src/accounts/contract.ts';
import { FocusLease } from '../../src/chat/entities.ts';
import { newId } from '../../src/common/ids.ts';
import { PushSubscription } from '../../src/notifications/entities.ts';
import { type Browser, type FakePush, fakePush } from '../fakes/push.ts';
import { eventually, type TestUser, useApp } from '../support/app.ts';
import { buildTalk, done, message, type Talk } from '../support/talk.ts';
import { asStaff } from '../support/worlds.ts';

const SCALE = 20;
const FIRST_LOOK_MS = 10_000 / SCALE;
const keys = webPush.generateVAPIDKeys();
const app = useApp({
  VAPID_PUBLIC_KEY: keys.publicKey,
  VAPID_PRIVATE_KEY: keys.privateKey,
  VAPID_SUBJECT: 'mailto:ops@example.uz',
  PUSH_TEST_HOSTS: '127.0.0.1',
  TEST_TIME_SCALE: String(SCALE),
});
beforeAll(() => app.jobs.start(app.config.DATABASE_URL!));

const path = '/api/notifications/push-subscriptions/';
const subscribe = (who: TestUser, { subscription }: Browser) => app.post(who, path, subscription);
const send = ({ buyer, thread }: Talk, text = 'Is it new?') =>
  app.post(buyer, '/api/chat/send/', message(thread, { text }));

async function buildWatched(): Promise<{ talk: Talk; push: FakePush; browser: Browser }> {
  const [talk, push] = [await buildTalk(app), await fakePush()];
  const browser = push.buildBrowser();
  expect(await subscribe(talk.seller, browser)).toMatchObject({ status: 201, body: { id: expect.any(String) } });
  return { talk, push, browser };
}

/** Resolves once a push that was asked for after everything so far has come: what has not come by then does not come. */
async function fence(): Promise<void> {
  const { talk, browser } = await buildWatched();
  await send(talk, 'fence');
  await eventually(() => expect(browser.shown()).toHaveLength(1));
}

test('a user without a live device is told by web push, encrypted for the browser, once for a group', async () => {
  const { talk, push, browser } = await buildWatched();
  const others = push.buildBrowser();
  await subscribe(talk.outsider, others);
  await Promise.all(Array.from({ length: 20 }, () => send(talk)));
  await eventually(() => expect(browser.shown()).toHaveLength(1));
  expect(browser.shown()[0]).toMatchObject({
    type: 'chat_message',
    title: 'Brake pads',
    body: 'Is it new?',
    count: 20,
    tag: `thread:${talk.thread.id}`,
    data: { thread_id: talk.thread.id },
    badge: { unread: 1, unseen: 1 },
  });
  const [{ headers }] = push.received as [(typeof push.received)[number]];
  expect(headers).toMatchObject({ ttl: '86400', urgency: 'high', 'content-encoding': 'aes128gcm' });
  expect(headers['topic']).toMatch(/^[\w-]{32}$/);
  expect(headers.authorization).toContain(`k=${keys.publicKey}`);
  await send(talk, 'one more');
  await fence();
  expect(push.received).toHaveLength(1);
  expect(others.shown()).toEqual([]);
  expect(JSON.stringify(browser.shown())).not.toContain(talk.buyer.phone);
});

test('after an hour further notes of a group that is still unread are pushed again', async () => {
  const { talk, browser } = await buildWatched();
  await send(talk);
  await eventually(() => expect(browser.shown()).toHaveLength(1));
  await app.orm.em.fork().execute(`update notifications set pushed_at = now() - interval '61 minutes' where user_id = ?`, [talk.seller.id]); // biome-ignore format: one line reads better
  await send(talk, 'still there?');
  await eventually(() => expect(browser.shown()).toMatchObject([{ count: 1 }, { count: 2, body: 'still there?' }]));
});

interface Reason {
  before?: (talk: Talk) => Promise<unknown>;
  meanwhile?: (talk: Talk, messageId: string) => Promise<unknown>;
}

const prefer = ({ seller }: Talk, change: object) => app.put(seller, '/api/notifications/preferences/', change);
const always = { tz: 'Asia/Tashkent', days: [1, 2, 3, 4, 5, 6, 7], from: '00:00', to: '00:00' };

const deleters = new Map<string, Socket>();
const reasons: Record<string, Reason> = {
  'it was read meanwhile': { meanwhile: ({ seller }) => app.post(seller, '/api/notifications/read-all/') },
  'it was seen in the list meanwhile': { meanwhile: ({ seller }) => app.get(seller, '/api/notifications/') },
  'the thread was read meanwhile': {
    meanwhile: ({ seller, thread }) => app.post(seller, `/api/chat/threads/${thread.id}/read/`, { seq: 1 }),
  },
  'the message was deleted meanwhile': {
    before: async ({ buyer, thread }) => deleters.set(thread.id, await app.connect(buyer, '/chat')),
    meanwhile: async ({ thread }, message_id) =>
      done(deleters.get(thread.id)!, 'message:delete', { thread_id: thread.id, message_id }),
  },
  'the session has ended meanwhile': { meanwhile: ({ seller }) => app.post(seller, '/api/auth/logout/') },
  'the time of the session is over': {
    meanwhile: ({ seller }) =>
      app.orm.em.fork().execute('update sessions set expires_at = now() where id = ?', [seller.sessionId]),
  },
  'the thread was muted': {
    before: ({ seller, thread }) =>
      app.post(seller, `/api/chat/threads/${thread.id}/mute/`, { until: '2999-01-01T00:00:00Z' }),
  },
  'its type is without alert': {
    before: talk => prefer(talk, { types: { chat_message: { enabled: true, alert: false } } }),
  },
  'its type is switched off': {
    before: talk => prefer(talk, { types: { chat_message: { enabled: false, alert: true } } }),
  },
  'it is quiet hours': { before: talk => prefer(talk, { quiet_hours: always }) },
  'quiet hours have begun meanwhile': {
    async meanwhile(talk) {
      const at = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString().slice(11, 16);
      await prefer(talk, { quiet_hours: { ...always, tz: 'UTC', from: at(-30), to: at(60) } });
      await app.orm.em.fork().execute(`update notifications set updated_at = now() - interval '1 hour' where user_id = ?`, [talk.seller.id]); // biome-ignore format: one line reads better
    },
  },
  'the thread is looked at on a device': {
    async meanwhile({ seller, thread }) {
      const em = app.orm.em.fork();
      const expiresAt = new Date(Date.now() + 60_000);
      em.create(FocusLease, { connection: newId(), userId: seller.id, threadId: thread.id, expiresAt });
      await em.flush();
    },
  },
};

/** Again where a busy machine was so slow that the first look may have come before. */
async function actInTime(reason: Reason): Promise<FakePush> {
  const { before, meanwhile } = reason;
  const { talk, push } = await buildWatched();
  await before?.(talk);
  const startedAt = performance.now();
  const sent = await send(talk);
  await meanwhile?.(talk, sent.body.message.id);
  return performance.now() - startedAt < FIRST_LOOK_MS * 0.8 ? push : actInTime(reason);
}

test('nothing is pushed of what was read, seen or deleted meanwhile, nor where the user wants no noise', async () => {
  const watched = await Promise.all(
    Object.entries(reasons).map(async ([reason, acts]) => ({ reason, push: await actInTime(acts) })),
  );
  await fence();
  expect(watched.filter(({ push }) => push.received.length > 0).map(({ reason }) => reason)).toEqual([]);
});

test('a live device is told by its socket; web push comes late where it does not say that it got the message', async () => {
  const [silent, telling, elsewhere] = [await buildWatched(), await buildWatched(), await buildWatched()];
  await app.connect(silent.talk.seller, '/notifications');
  const socket = await app.connect(telling.talk.seller, '/chat');
  await app.connect(elsewhere.talk.seller, '/notifications');
  socket.on('message:created', ({ thread_id, message: { seq } }) =>
    socket.emit('thread:delivered', { items: [{ thread_id, seq }] }),
  );
  await asStaff(app, async ({ emit }) => emit(accounts.loggedIn, { userId: elsewhere.talk.seller.id, device: null }));
  for (const { talk } of [silent, telling]) await send(talk);
  await fence();
  expect(silent.push.received).toEqual([]);
  await eventually(() => expect(silent.browser.shown()).toHaveLength(1));
  expect([telling.push.received, elsewhere.push.received]).toEqual([[], []]);
});

test.each([404, 410])('a browser that is gone (%i) is forgotten, others of its user are told', async status => {
  const { talk, push } = await buildWatched();
  await subscribe(talk.seller, push.buildBrowser());
  push.next.push({ status }, { status: 201 });
  await send(talk);
  await eventually(() => expect(push.received).toHaveLength(2));
  const left = () =>
    app.orm.em.fork().execute('select endpoint from push_subscriptions where user_id = ?', [talk.seller.id]);
  await eventually(async () => expect(await left()).toEqual([{ endpoint: push.url + push.received[1]!.path }]));
});

test('a push service that is busy, down or silent is tried again until it takes the push, one that refuses is not', async () => {
  const answers = [{ status: 429 }, { status: 503 }, 'hang', { status: 400 }] as const;
  const watched = await Promise.all(
    answers.map(async answer => {
      const one = await buildWatched();
      one.push.next.push(answer);
      await send(one.talk);
      return one.push;
    }),
  );
  const counts = () => watched.map(push => push.received.length);
  await eventually(() => expect(counts()).toEqual([2, 2, 2, 1]), 15_000);
  await fence();
  expect(counts()).toEqual([2, 2, 2, 1]);
});

test('a push service that says when to come again is left alone until then', async () => {
  const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1_000).toUTCString();
  const asked = ['20', inSeconds(-20), 'later', '86400', inSeconds(86_400)];
  const watched = await Promise.all(
    asked.map(async (after, index) => {
      const one = await buildWatched();
      one.push.next.push({ status: index % 2 ? 503 : 429, headers: { 'retry-after': after } });
      await send(one.talk);
      return one.push;
    }),
  );
  const counts = () => watched.map(push => push.received.length);
  await eventually(() => expect(counts()).toEqual([2, 2, 2, 1, 1]), 15_000);
  await fence();
  await fence();
  expect(counts()).toEqual([2, 2, 2, 1, 1]);
  const [furthest]: { seconds: string }[] = await app.orm.em
    .fork()
    .execute(`select extract(epoch from max(start_after) - now()) as seconds from pgboss.job where state = 'created' and name = 'send-push'`); // biome-ignore format: one line reads better
  expect(Number(furthest!.seconds)).toBeLessThanOrEqual((15 * 60) / SCALE);
});

test('a push service puts off a push five times at most', async () => {
  const { talk, push } = await buildWatched();
  push.next.push(...Array.from({ length: 6 }, () => ({ status: 429, headers: { 'retry-after': '0' } })));
  await send(talk);
  await eventually(() => expect(push.received).toHaveLength(7), 19_000);
  const [most]: { delays: number }[] = await app.orm.em
    .fork()
    .execute(`select max((data->>'delays')::int) as delays from pgboss.job where name = 'send-push'`);
  expect(most!.delays).toBe(5);
});

test('senders wait for no push service', async () => {
  const { talk, push } = await buildWatched();
  push.next.push('hang', 'hang', 'hang');
  await send(talk);
  await eventually(() => expect(push.received).toHaveLength(1));
  expect((await send(talk)).status).toBe(201);
});

test('a note whose push was lost with its instance is found by the sweep', async () => {
  const { talk, browser } = await buildWatched();
  await app.put(talk.seller, '/api/notifications/preferences/', { types: { chat_message: { enabled: true, alert: false } } }); // biome-ignore format: one line reads better
  await send(talk);
  await fence();
  expect(browser.shown()).toEqual([]);
  await app.put(talk.seller, '/api/notifications/preferences/', { types: { chat_message: { enabled: true, alert: true } } }); // biome-ignore format: one line reads better
  await app.jobs.run('sweep-pushes', new Date(Date.now() + 5 * 60_000));
  await eventually(() => expect(browser.shown()).toHaveLength(1));
});

test('a browser belongs to whoever subscribed last, and only its owner ends it', async () => {
  const { talk, browser } = await buildWatched();
  const { endpoint } = browser.subscription;
  const own = () => app.orm.em.fork().execute('select user_id from push_subscriptions where endpoint = ?', [endpoint]);
  expect((await app.delete(talk.outsider, path, { endpoint })).status).toBe(204);
  expect(await own()).toEqual([{ user_id: talk.seller.id }]);
  await subscribe(talk.outsider, browser);
  expect(await own()).toEqual([{ user_id: talk.outsider.id }]);
  expect((await app.delete(talk.outsider, path, { endpoint })).status).toBe(204);
  expect(await own()).toEqual([]);
});

test('a user keeps the twenty newest subscriptions', async () => {
  const [user, push] = [await app.buildUser(), await fakePush()];
  for (let n = 0; n < 22; n += 1) await subscribe(user, push.buildBrowser());
  expect(await app.orm.em.fork().count(PushSubscription, { userId: user.id })).toBe(20);
});
