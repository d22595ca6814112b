import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { facts } from '../../src/b2b/contract.ts';
import { type TestUser, useApp } from '../support/app.ts';
import { askWhileDeleted, deleteAccount } from '../support/deleting.ts';
import { waiting } from '../support/locks.ts';
import { act, buildDealer, postInput } from '../support/worlds.ts';

const app = useApp({ RATE_LIMITS: 'relaxed' });
const limited = useApp();

const DAY = 86_400_000;
const create = (who: TestUser, more: object = {}, headers = {}) =>
  app.post(who, '/api/b2b/posts/', postInput(more), headers);
const onBoard = async (author: TestUser) =>
  (await app.get(await buildDealer(app), `/api/b2b/posts/?author=${author.id}`)).body.results;
const used = async (who: TestUser) => (await app.get(who, '/api/billing/me/')).body.usage.posts_used;

test.each([
  ['the title in another script', { title: 'Ўриндиқ ғилофи' }, { title: 'Oʻrindiq  gʻilofi' }],
  ['the title with е for ё', { title: 'Щётка стеклоочистителя' }, { title: 'ЩЕТКА стеклоочистителя' }],
  ['the title as Latin writes ц', { title: 'Цилиндр' }, { title: 'silindr' }],
  ['the part number in another spelling', { part_number: '90919-02252' }, { part_number: '90919 02252' }],
  ['the part number in look-alike letters', { part_number: 'АВ-12' }, { part_number: 'ab12' }],
])('S-43: the same again within 24 hours is refused by %s, and its unit is given back', async (_by, first, again) => {
  const [owner, other] = [await buildDealer(app), await buildDealer(app)];
  const { id } = (await create(owner, first)).body;
  expect(await create(owner, again)).toMatchObject({
    status: 409,
    body: { code: 'duplicate_post', details: { post_id: id } },
  });
  expect(await used(owner)).toBe(1);
  // not others, not the other intent, not a draft
  expect((await create(other, again)).status).toBe(201);
  expect((await create(owner, { ...again, intent: 'buy' })).status).toBe(201);
  const draft = await create(owner, { ...again, status: 'draft' });
  expect(draft.status).toBe(201);
  const publish = (moment: Date) =>
    app.post(
      app.tokenOf(owner, moment),
      `/api/b2b/posts/${draft.body.id}/publish/`,
      {},
      { 'x-test-now': moment.toISOString() },
    );
  expect((await publish(new Date())).body.code).toBe('duplicate_post');
  expect((await publish(new Date(Date.now() + DAY))).status).toBe(200);
});

test('S-44: what was removed may be published again, for another unit', async () => {
  const owner = await buildDealer(app, { plan: 'basic' });
  const post = postInput();
  const { body } = await app.post(owner, '/api/b2b/posts/', post);
  await app.delete(owner, `/api/b2b/posts/${body.id}/`);
  expect((await app.post(owner, '/api/b2b/posts/', post)).status).toBe(201);
  expect(await used(owner)).toBe(2);
});

test('S-43: of ten equal posts at once one is published and one unit is taken', async () => {
  const owner = await buildDealer(app);
  const post = postInput();
  const replies = await Promise.all(Array.from({ length: 10 }, () => app.post(owner, '/api/b2b/posts/', post)));
  const made = replies.filter(({ status }) => status === 201);
  expect(made).toHaveLength(1);
  for (const { body } of replies.filter(reply => reply !== made[0]))
    expect(body).toMatchObject({ code: 'duplicate_post', details: { post_id: made[0]!.body.id } });
  expect(await used(owner)).toBe(1);
});

test('S-48: with an Idempotency-Key a retry publishes nothing twice and gets the same answer', async () => {
  const [owner, other] = [await buildDealer(app), await buildDealer(app)];
  const [post, key] = [postInput(), { 'idempotency-key': randomUUID() }];
  const first = await app.post(owner, '/api/b2b/posts/', post, key);
  const again = await app.post(owner, '/api/b2b/posts/', post, key);
  expect([again.status, again.body]).toEqual([201, first.body]);
  expect(['etag', 'location', 'idempotent-replayed'].map(name => again.headers.get(name))).toEqual([
    ...['etag', 'location'].map(name => first.headers.get(name)),
    'true',
  ]);
  expect((await app.post(owner, '/api/b2b/posts/', postInput(), key)).body.code).toBe('idempotency_conflict');
  expect((await app.post(other, '/api/b2b/posts/', post, key)).status).toBe(201);
  const path = `/api/b2b/posts/${first.body.id}/renew/`;
  const renewals = [await app.post(owner, path, {}, key), await app.post(owner, path, {}, key)];
  expect(renewals.map(({ status, body }) => [status, body.rev])).toEqual([
    [200, 2],
    [200, 2],
  ]);
  expect(await used(owner)).toBe(1);
});

test('S-50: twenty posts an hour, drafts too', async () => {
  const owner = await buildDealer(limited);
  const make = () => limited.post(owner, '/api/b2b/posts/', postInput({ status: 'draft' }));
  const replies = await Promise.all(Array.from({ length: 21 }, make));
  expect(replies.filter(({ status }) => status === 201)).toHaveLength(20);
  const refused = replies.find(({ status }) => status !== 201)!;
  expect(refused).toMatchObject({ status: 429, body: { code: 'rate_limited', retryable: true } });
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
});

test('publishing is told once, in its transaction, and not again when the post comes back', async () => {
  const owner = await buildDealer(app);
  const told: string[] = [];
  app.listeners.on(facts.postPublished, async announced => {
    told.push(...announced.map(({ payload }) => payload.postId));
  });
  const { id } = (await create(owner, { status: 'draft' })).body;
  expect(told).toEqual([]);
  for (const step of ['publish', 'close', 'publish', 'renew'])
    expect((await app.post(owner, `/api/b2b/posts/${id}/${step}/`)).status).toBe(200);
  expect(told).toEqual([id]);
});

const words = '/api/admin/banned-words/';

test('a post that holds a banned word is refused in any script, until the word is allowed again', async () => {
  const [owner, moderator] = [await buildDealer(app), await app.buildUser({ role: 'moderator' })];
  const draft = (await create(owner, { title: 'Chilim sotiladi', status: 'draft' })).body;
  const added = await app.post(moderator, words, { word: 'Chilim' });
  expect(added).toMatchObject({ status: 201, body: { word: 'chilim' } });
  expect((await app.post(moderator, words, { word: 'ЧИЛИМ' })).body).toEqual(added.body);
  const ending = (await app.post(moderator, words, { word: 'oʻgʻir*' })).body;
  expect(await create(owner, { title: 'Чилим, янги', body: 'ok' })).toMatchObject({
    status: 422,
    body: { code: 'content_rejected', details: { fields: [{ path: 'title', code: 'banned_word' }] } },
  });
  expect(await create(owner, { body: "O'g'irlangan mator" })).toMatchObject({ body: { code: 'content_rejected' } });
  expect((await app.post(owner, `/api/b2b/posts/${draft.id}/publish/`)).body.code).toBe('content_rejected');
  for (const more of [
    { part_number: 'Чилим 5' },
    { oem_numbers: ['90919', 'CHILIM-7'] },
    { fitments: [{ make: 'Chevrolet', model: 'Cobalt', engine: 'chilim 1.5' }] },
  ])
    expect((await create(owner, more)).body).toMatchObject({
      ...{ code: 'content_rejected', details: { fields: [{ path: Object.keys(more)[0], code: 'banned_word' }] } },
    });
  const clean = (await create(owner, { title: `Chilimlar ${randomUUID()}` })).body;
  expect(clean.status).toBe('published');
  expect((await app.patch(owner, `/api/b2b/posts/${clean.id}/`, { title: 'CHILIM!' })).body.code).toBe(
    'content_rejected',
  );
  expect(await used(owner)).toBe(1);
  expect((await app.get(moderator, words)).body.results).toMatchObject([added.body, ending]);
  expect((await app.delete(moderator, `${words}${added.body.id}/`)).status).toBe(204);
  expect((await app.delete(moderator, `${words}${added.body.id}/`)).body.code).toBe('not_found');
  expect((await app.post(owner, `/api/b2b/posts/${draft.id}/publish/`)).status).toBe(200);
  const again = (await app.post(moderator, words, { word: 'Chilim' })).body;
  expect((await app.post(owner, `/api/b2b/posts/${draft.id}/renew/`)).body.code).toBe('content_rejected');
  for (const { id } of [ending, again]) await app.delete(moderator, `${words}${id}/`);
});

test.each([
  ['yelim', 'елим'],
  ['елим', 'Yelim'],
  ['sirk', 'ЦИРК'],
  ['цирк', 'sirk'],
  ['чёрный металл', 'Черный металл'],
  ['черный мет*', 'чёрного нет, чёрный металлолом'],
  ['чёрный', 'chyorniy'],
])('“%s” is banned in all that it may become: “%s”', async (word, written) => {
  const [owner, moderator] = [await buildDealer(app), await app.buildUser({ role: 'moderator' })];
  const { id } = (await app.post(moderator, words, { word })).body;
  const post = { title: `${written} sotiladi` };
  expect((await create(owner, post)).body.code).toBe('content_rejected');
  await app.delete(moderator, `${words}${id}/`);
  expect((await create(owner, post)).status).toBe(201);
});

test('a phrase of sixty letters is banned in any script; one that becomes longer is refused by name', async () => {
  const [owner, moderator] = [await buildDealer(app), await app.buildUser({ role: 'moderator' })];
  const { status, body } = await app.post(moderator, words, { word: 'щ'.repeat(60) });
  expect([status, body.word]).toEqual([201, 'щ'.repeat(60)]);
  expect((await create(owner, { body: 'Щ'.repeat(60) })).body.code).toBe('content_rejected');
  await app.delete(moderator, `${words}${body.id}/`);
  expect(await app.post(moderator, words, { word: 'ﬃ'.repeat(30) })).toMatchObject({
    status: 400,
    body: { code: 'validation_failed', details: { fields: [{ path: 'word', code: 'too_big' }] } },
  });
});

test.each(['user', 'billing', 'support', 'auditor'] as const)(
  'the role %s bans no words and moderates nothing',
  async role => {
    const [nobody, owner] = [await app.buildUser({ role }), await buildDealer(app)];
    const { id } = (await create(owner)).body;
    expect((await app.post(nobody, words, { word: 'kolodka' })).body.code).toBe('permission_denied');
    expect((await app.get(nobody, words)).body.code).toBe(role === 'auditor' ? undefined : 'permission_denied');
    for (const step of ['posts/hide', 'b2b-profiles/suspend'] as const)
      expect(await act(app, nobody, step, id, { reason: 'no' })).toMatchObject({ code: 'permission_denied' });
    expect((await app.get(owner, `/api/b2b/posts/${id}/`)).body.status).toBe('published');
  },
);

test.each(['', '*', '!?', 'x'])('a word that bans everything is refused: %j', async word => {
  const moderator = await app.buildUser({ role: 'moderator' });
  expect((await app.post(moderator, words, { word })).body.code).toBe('validation_failed');
});

test('whoever publishes while their account is being deleted leaves no post behind', async () => {
  const owner = await buildDealer(app);
  const refused = await askWhileDeleted(app, owner, () => create(owner));
  expect([refused.status, refused.body.code]).toEqual([401, 'session_revoked']);
  expect(await onBoard(owner)).toEqual([]);
});

test('what is being published when an account is deleted is removed with the rest', async () => {
  const owner = await buildDealer(app);
  await create(owner);
  const { creating, deleting } = await app.orm.em.fork().transactional(async em => {
    await em.execute('select 1 from monthly_usage where user_id = ? for update', [owner.id]);
    const creating = create(owner);
    await waiting(app, 1);
    const deleting = deleteAccount(app, owner);
    await waiting(app, 2);
    return { creating, deleting };
  });
  expect([(await creating).status, (await deleting).status]).toEqual([201, 202]);
  expect(await onBoard(owner)).toEqual([]);
});
