import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { facts } from '../../src/b2b/contract.ts';
import { type TestUser, useApp } from '../support/app.ts';
import { buildPost } from '../support/talk.ts';
import { act, buildDealer } from '../support/worlds.ts';

const app = useApp({ RATE_LIMITS: 'relaxed' });

const reveal = (who: TestUser | null, id: string, headers = {}) =>
  app.post(who, `/api/b2b/posts/${id}/reveal-contact/`, {}, headers);
const buildPosts = (owner: TestUser, count: number) =>
  Promise.all(Array.from({ length: count }, () => buildPost(app, owner)));

function hearReveals(authorId: string): { userId: string; postId: string }[] {
  const told: { userId: string; postId: string }[] = [];
  app.listeners.on(facts.contactRevealed, async announced => {
    for (const { payload } of announced)
      if (payload.authorId === authorId) told.push({ userId: payload.userId, postId: payload.post.id });
  });
  return told;
}

test('S-41: a reader is shown the number of an author, who is told, once for a post and day', async () => {
  const [owner, reader] = [await buildDealer(app), await buildDealer(app, { plan: 'basic' })];
  const told = hearReveals(owner.id);
  const id = await buildPost(app, owner);
  const replies = await Promise.all(Array.from({ length: 5 }, () => reveal(reader, id)));
  for (const reply of replies) expect(reply).toMatchObject({ status: 200, body: { phone: owner.phone } });
  expect(told).toEqual([{ userId: reader.id, postId: id }]);
  const log = await app.orm.em.fork().execute('select user_id, author_id from contact_reveals where post_id = ?', [id]);
  expect(log).toEqual([{ user_id: reader.id, author_id: owner.id }]);
});

test.each([
  [null, 3],
  ['basic', 10],
] as const)('S-41: with the plan %s %i contacts a day, also when they are asked for at once', async (plan, limit) => {
  const [owner, reader] = [await buildDealer(app), await buildDealer(app, { plan })];
  const ids = await buildPosts(owner, limit + 3);
  const replies = await Promise.all(ids.map(id => reveal(reader, id)));
  expect(replies.filter(({ status }) => status === 200)).toHaveLength(limit);
  const refused = replies.findIndex(({ status }) => status !== 200);
  expect(replies[refused]).toMatchObject({
    status: 429,
    body: { code: 'reveal_limit_reached', retryable: true, details: { limit, resets_at: expect.any(String) } },
  });
  // what was shown today is shown again
  const shown = ids[replies.findIndex(({ status }) => status === 200)]!;
  expect((await reveal(reader, shown)).status).toBe(200);
  expect((await reveal(reader, ids[refused]!)).status).toBe(429);
});

test('S-41: the day begins at midnight in Tashkent', async () => {
  const [owner, reader] = [await buildDealer(app), await buildDealer(app, { plan: null })];
  const ids = await buildPosts(owner, 4);
  const midnight = new Date(`${new Date(Date.now() + 86_400_000).toISOString().slice(0, 10)}T19:00:00.000Z`);
  const ask = (id: string, moment: Date) =>
    reveal(app.tokenOf(reader, moment), id, { 'x-test-now': moment.toISOString() });
  const last = new Date(midnight.getTime() - 1);
  for (const id of ids.slice(0, 3)) expect((await ask(id, last)).status).toBe(200);
  expect((await ask(ids[3]!, last)).body).toMatchObject({
    code: 'reveal_limit_reached',
    details: { resets_at: midnight.toISOString() },
    retry_after_ms: 1,
  });
  expect((await ask(ids[3]!, midnight)).status).toBe(200);
});

test('an author who hides the number, or lost the account, is not shown, and no contact is spent', async () => {
  const [owner, reader] = [await buildDealer(app), await buildDealer(app, { plan: null })];
  const ids = await buildPosts(owner, 3);
  await app.put(owner, '/api/b2b/profile/', { company_name: 'Yashirin', hide_phone: true });
  for (const id of ids)
    expect(await reveal(reader, id)).toMatchObject({ status: 403, body: { code: 'contact_hidden' } });
  await app.put(owner, '/api/b2b/profile/', { company_name: 'Ochiq' });
  await app.orm.em.fork().execute('update users set blocked_at = now() where id = ?', [owner.id]);
  expect((await reveal(reader, ids[0]!)).body.code).toBe('contact_hidden');
  await app.orm.em.fork().execute('update users set blocked_at = null where id = ?', [owner.id]);
  for (const id of ids) expect((await reveal(reader, id)).status).toBe(200);
});

test('only what is on the board leads to a number, and only for those whom the board is open to', async () => {
  const [owner, reader, stranger] = [await buildDealer(app), await buildDealer(app), await app.buildUser()];
  const moderator = await app.buildUser({ role: 'moderator' });
  const [id, closed, draft] = [
    await buildPost(app, owner),
    await buildPost(app, owner, { status: 'closed' }),
    await buildPost(app, owner, { status: 'draft' }),
  ];
  const over = await buildPost(app, owner, { expiresAt: new Date(Date.now() - 1) });
  expect((await reveal(null, id)).body.code).toBe('auth_required');
  expect((await reveal(stranger, id)).body.code).toBe('b2b_not_enabled');
  expect((await reveal(owner, id)).body.code).toBe('own_post');
  expect((await reveal(reader, closed)).body).toMatchObject({ code: 'invalid_state', details: { state: 'closed' } });
  expect((await reveal(reader, over)).body).toMatchObject({ code: 'invalid_state', details: { state: 'expired' } });
  for (const one of [draft, randomUUID()]) expect((await reveal(reader, one)).body.code).toBe('not_found');
  // S-38: with the old token, at once
  await act(app, moderator, 'b2b-profiles/suspend', reader.id, { reason: 'Harvests numbers' });
  expect((await reveal(reader, id)).body.code).toBe('b2b_not_enabled');
});
