import { expect, test } from 'vitest';
import { facts as accounts } from '../../src/accounts/contract.ts';
import { facts as b2b } from '../../src/b2b/contract.ts';
import { facts as billing } from '../../src/billing/contract.ts';
import type { Context } from '../../src/common/context.ts';
import { newId } from '../../src/common/ids.ts';
import { locales } from '../../src/common/messages.ts';
import { notificationTypes } from '../../src/notifications/contract/shapes.ts';
import { say } from '../../src/notifications/service/texts.ts';
import { eventually, record, type TestUser, useApp } from '../support/app.ts';
import { asStaff } from '../support/worlds.ts';

const app = useApp();
const snapshot = { part_number: null, price: null, currency: null, status: 'published', thumb_url: null };
const post = () => ({ id: newId(), title: 'Tormoz kolodkasi', ...snapshot });
const listOf = async (who: TestUser) => (await app.get(who, '/api/notifications/')).body;

/** Everything that other modules announce to one user. */
function announceAll({ emit }: Context<null>, userId: string, otherId: string): void {
  const plan = { userId, planCode: 'pro', planName: 'Pro', until: '2026-03-05T19:30:00.000Z' };
  const ofPost = () => ({ authorId: userId, post: post() });
  emit(accounts.loggedIn, { userId, device: 'Pixel' });
  emit(accounts.securityChanged, { userId, what: 'phone' });
  emit(b2b.profileEnabled, { userId, isEnabled: true });
  emit(b2b.profileEnabled, { userId, isEnabled: false, reason: 'Hujjat eskirgan' });
  emit(b2b.profileRejected, { userId, reason: 'STIR notoʻgʻri' });
  emit(b2b.postReviewed, { ...ofPost(), decision: 'approved', reason: null });
  emit(b2b.postReviewed, { ...ofPost(), decision: 'rejected', reason: 'Rasm yoʻq' });
  emit(b2b.postReviewed, { ...ofPost(), decision: 'hidden', reason: null });
  emit(b2b.postExpiring, { ...ofPost(), expiresAt: '2026-03-05T19:30:00.000Z' });
  emit(b2b.postExpired, ofPost());
  emit(b2b.searchMatched, {
    authorId: otherId,
    post: post(),
    matches: [{ userId, searchId: newId(), name: 'Kolodka' }],
  });
  emit(b2b.contactRevealed, { ...ofPost(), userId: otherId });
  emit(billing.subscriptionActivated, plan);
  emit(billing.subscriptionExpiring, plan);
  emit(billing.subscriptionExpired, plan);
  emit(billing.subscriptionCanceled, plan);
}

test('whatever is announced to a user is a row of its type, pushed live to that user alone', async () => {
  const [user, other] = [await app.buildUser(), await app.buildUser({ fullName: 'Olim Karimov' })];
  const heard = record(await app.connect(user, '/notifications'), 'notification:created');
  const overheard = record(await app.connect(other, '/notifications'), 'notification:created');
  await asStaff(app, async ctx => announceAll(ctx, user.id, other.id));
  const { results, badge } = await listOf(user);
  const byMessages = ['chat_message', 'announcement'];
  expect(new Set(results.map((one: { type: string }) => one.type))).toEqual(
    new Set(notificationTypes.filter(type => !byMessages.includes(type))),
  );
  expect(badge.unread).toBe(16);
  await eventually(() => expect(heard.map(push => push.notification.id).sort()).toEqual(results.map((one: { id: string }) => one.id).sort())); // biome-ignore format: one line reads better
  expect(heard.every(push => push.alert)).toBe(true);
  const found = (type: string) => results.find((one: { type: string }) => one.type === type);
  expect(found('subscription_expiring')).toMatchObject({
    title: 'Tarifingiz muddati tugayapti',
    body: 'Pro · 06.03.2026', // in Tashkent it is the next day already
    data: { plan: 'pro', until: '2026-03-05T19:30:00.000Z' },
  });
  expect(found('post_rejected')).toMatchObject({
    body: 'Tormoz kolodkasi: Rasm yoʻq',
    data: { reason: 'Rasm yoʻq', post_id: expect.any(String) },
  });
  expect(found('contact_revealed')).toMatchObject({ actors: [{ id: other.id, display_name: 'Olim Karimov' }] });
  expect(found('search_match')).toMatchObject({ group_key: expect.stringMatching(/^search:/), count: 1 });
  expect((await listOf(other)).results).toEqual([]);
  expect(overheard).toEqual([]);
  expect(JSON.stringify([results, heard])).not.toContain(other.phone);
});

test('a note speaks the language of its recipient, and names stay as they are', async () => {
  const titles = await Promise.all(
    locales.map(async locale => {
      const user = await app.buildUser();
      await app.patch(user, '/api/auth/me/', { locale });
      await asStaff(app, async ({ emit }) => {
        const matches = [{ userId: user.id, searchId: newId(), name: 'Kolodka' }];
        emit(b2b.searchMatched, { authorId: user.id, post: post(), matches });
      });
      return (await listOf(user)).results[0].title;
    }),
  );
  expect(titles).toEqual([
    '“Kolodka” boʻyicha yangi eʼlon',
    '“Kolodka” бўйича янги эълон',
    'Новое объявление по запросу «Kolodka»',
    'A new post for “Kolodka”',
  ]);
});

test('an announcement without a text in Cyrillic is written over from the Latin', () => {
  const text = { uz: 'Yangilanish', ru: 'Обновление', en: 'Update' };
  const said = locales.map(locale => say({ announcement: { title: text, body: text } }, locale).title);
  expect(said).toEqual(['Yangilanish', 'Янгиланиш', 'Обновление', 'Update']);
});

test.each([
  ["O'zbekiston bo‘ylab tog`, yog’ va ma'no", 'Ўзбекистон бўйлаб тоғ, ёғ ва маъно'],
  ['“Eski” narx (ertaga) 31-dekabrgacha, narx-navo', '“Эски” нарх (эртага) 31-декабргача, нарх-наво'],
  ["M-12 va 5W-40, e-mail, parthub.uz, «'moy'»", "M-12 ва 5W-40, e-mail, parthub.uz, «'мой'»"],
])('“%s” is “%s” in the Cyrillic of Uzbek', (uz, cyrillic) => {
  const text = { uz, ru: '-', en: '-' };
  expect(say({ announcement: { title: text, body: text } }, 'uz-Cyrl').body).toBe(cyrillic);
});

test('unread matches of one search are one row with their number, the last ones to cause it in front', async () => {
  const user = await app.buildUser();
  const authors = await Promise.all(Array.from({ length: 4 }, () => app.buildUser()));
  const searchId = newId();
  for (const author of authors)
    await asStaff(app, async ({ emit }) =>
      emit(b2b.searchMatched, {
        authorId: author.id,
        post: post(),
        matches: [{ userId: user.id, searchId, name: 'Kolodka' }],
      }),
    );
  const { results, badge } = await listOf(user);
  expect(results).toMatchObject([{ count: 4, group_key: `search:${searchId}` }]);
  expect(results[0].actors.map((actor: { id: string }) => actor.id)).toEqual(
    authors
      .slice(1)
      .reverse()
      .map(author => author.id),
  );
  expect(badge.unread).toBe(1);
});

test('a note of a transaction that fails is nowhere', async () => {
  const user = await app.buildUser();
  const heard = record(await app.connect(user, '/notifications'), 'notification:created');
  const failed = asStaff(app, async ({ emit }) => {
    emit(accounts.loggedIn, { userId: user.id, device: null });
    emit(accounts.loggedIn, { userId: 'no id', device: null });
  });
  await expect(failed).rejects.toThrow();
  expect(await listOf(user)).toMatchObject({ results: [], badge: { unread: 0 } });
  expect(heard).toEqual([]);
});

test('of a deleted account no note is kept', async () => {
  const user = await app.buildUser();
  await asStaff(app, async ctx => announceAll(ctx, user.id, user.id));
  expect((await app.delete(user, '/api/auth/me/', { confirm: 'DELETE' })).status).toBe(202);
  const left = await app.orm.em.fork().execute('select 1 from notifications where user_id = ?', [user.id]);
  expect(left).toEqual([]);
});
