import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { facts } from '../../src/b2b/contract.ts';
import { Post } from '../../src/b2b/entities.ts';
import { type TestUser, useApp } from '../support/app.ts';
import { buildPost, buildThread } from '../support/talk.ts';
import { act, buildDealer, postInput } from '../support/worlds.ts';

const app = useApp({ RATE_LIMITS: 'relaxed', POST_MODERATION: 'pre' });

const DAY = 86_400_000;
const buildModerator = () => app.buildUser({ role: 'moderator' });

interface Told {
  fact: string;
  postId: string;
  status: string;
  decision?: string;
  reason?: string | null;
}

/** What an author's posts are said to have become, in order. */
function hear(author: TestUser): Told[] {
  const told: Told[] = [];
  for (const name of ['postReviewed', 'postExpiring', 'postExpired'] as const)
    app.listeners.on(facts[name], async announced => {
      for (const { payload } of announced) {
        const { authorId, post, ...rest } = payload as { authorId: string; post: { id: string; status: string } };
        if (authorId === author.id) told.push({ fact: name, postId: post.id, status: post.status, ...rest });
      }
    });
  return told;
}

test('an author is told what became of a post, and why; what changes nothing on the board is not told', async () => {
  const [owner, moderator] = [await buildDealer(app), await buildModerator()];
  const told = hear(owner);
  const { id } = (await app.post(owner, '/api/b2b/posts/', postInput())).body;
  const step = (action: string, reason?: string) => act(app, moderator, `posts/${action}`, id, { reason });
  await step('reject', 'No photo');
  await app.post(owner, `/api/b2b/posts/${id}/publish/`);
  await step('approve');
  await step('approve');
  await step('hide', 'Spam');
  await step('restore');
  const of = { fact: 'postReviewed', postId: id };
  expect(told).toEqual([
    { ...of, status: 'rejected', decision: 'rejected', reason: 'No photo' },
    { ...of, status: 'published', decision: 'approved', reason: null },
    { ...of, status: 'hidden', decision: 'hidden', reason: 'Spam' },
    { ...of, status: 'published', decision: 'approved', reason: null },
  ]);
  const audit = await app.orm.em
    .fork()
    .execute('select action, actor_id, after, reason from audit_log where object_id = ? order by id', [id]);
  expect(audit.map(row => [row.action, row.actor_id, row.after.status, row.reason])).toEqual([
    ['reject', moderator.id, 'rejected', 'No photo'],
    ['approve', moderator.id, 'published', null],
    ['approve', moderator.id, undefined, null],
    ['hide', moderator.id, 'hidden', 'Spam'],
    ['restore', moderator.id, 'published', null],
  ]);
});

test('a post is on the board from its approval on, for its whole lifetime', async () => {
  const [owner, moderator] = [await buildDealer(app), await buildModerator()];
  const { id } = (await app.post(owner, '/api/b2b/posts/', postInput({ expires_in_days: 10 }))).body;
  const moment = new Date(Date.now() + 60_000);
  await app.post(moderator, '/api/admin/posts/actions/approve/', { ids: [id] }, { 'x-test-now': moment.toISOString() });
  expect((await app.get(owner, `/api/b2b/posts/${id}/`)).body).toMatchObject({
    published_at: moment.toISOString(),
    expires_at: new Date(+moment + 10 * DAY).toISOString(),
  });
});

test('staff act on up to 200 posts at once; what one is refused does not hold up the others', async () => {
  const [owner, moderator] = [await buildDealer(app), await buildModerator()];
  const [first, closed, second] = [
    await buildPost(app, owner),
    await buildPost(app, owner, { status: 'closed' }),
    await buildPost(app, owner),
  ];
  const removed = await buildPost(app, owner, { status: 'removed' });
  const hide = (ids: string[], reason?: string) =>
    app.post(moderator, '/api/admin/posts/actions/hide/', { ids, reason });
  const { body } = await hide([first, closed, second, removed, randomUUID()], 'Spam');
  expect(
    Object.fromEntries(body.results.map((one: { id: string; code?: string }) => [one.id, one.code])),
  ).toMatchObject({
    [first]: undefined,
    [second]: undefined,
    [closed]: 'invalid_state',
    [removed]: 'not_found',
  });
  expect((await app.get(owner, `/api/b2b/posts/${second}/`)).body.status).toBe('hidden');
  expect((await hide([first])).body.details.fields).toEqual([{ path: 'reason', code: 'required' }]);
  expect(
    (
      await hide(
        Array.from({ length: 201 }, () => randomUUID()),
        'x',
      )
    ).body.code,
  ).toBe('validation_failed');
  expect((await app.post(moderator, '/api/admin/posts/actions/burn/', { ids: [first] })).body.code).toBe('not_found');
});

test('of a moderator who hides and an owner who closes at once one is first, and the other is refused', async () => {
  const [owner, moderator] = [await buildDealer(app), await buildModerator()];
  for (let n = 0; n < 5; n += 1) {
    const id = await buildPost(app, owner);
    const [hidden, closed] = await Promise.all([
      act(app, moderator, 'posts/hide', id, { reason: 'Spam' }),
      app.post(owner, `/api/b2b/posts/${id}/close/`),
    ]);
    expect([hidden.code, closed.body.code].filter(Boolean)).toEqual(['invalid_state']);
    expect((await app.get(owner, `/api/b2b/posts/${id}/`)).body.status).toBe(hidden.ok ? 'hidden' : 'closed');
  }
});

test('conversations about a post are told that it was hidden and restored', async () => {
  const [owner, buyer, moderator] = [await buildDealer(app), await buildDealer(app), await buildModerator()];
  const postId = await buildPost(app, owner);
  const thread = await buildThread(app, { buyer, seller: owner, postId });
  const shown = async () => (await app.get(buyer, `/api/chat/threads/${thread.id}/`)).body.thread.post.status;
  await act(app, moderator, 'posts/hide', postId, { reason: 'Spam' });
  expect(await shown()).toBe('hidden');
  await act(app, moderator, 'posts/restore', postId);
  expect(await shown()).toBe('published');
});

test.each([
  ['published', 'pending'],
  ['closed', 'closed'],
] as const)('conversations do not show what a %s post says before a moderator has read it', async (status, then) => {
  const [owner, buyer, moderator] = [await buildDealer(app), await buildDealer(app), await buildModerator()];
  const postId = await buildPost(app, owner, { status, title: 'Water pump', moderationState: 'approved' });
  const thread = await buildThread(app, { buyer, seller: owner, postId });
  const path = `/api/b2b/posts/${postId}/`;
  const shown = async () => (await app.get(buyer, `/api/chat/threads/${thread.id}/`)).body.thread.post;
  const { title: before } = await shown();
  await app.patch(owner, path, { title: 'Call me at the market', price: '1.00', currency: 'USD' });
  expect(await shown()).toMatchObject({ title: before, status: then });
  await app.post(owner, `${path}publish/`);
  await act(app, moderator, 'posts/reject', postId, { reason: 'Spam' });
  expect(await shown()).toMatchObject({ title: before, status: 'rejected' });
  await app.patch(owner, path, { title: 'Oil pump' });
  await act(app, moderator, 'posts/approve', postId);
  expect(await shown()).toMatchObject({ title: 'Oil pump', price: '1.00', status: 'published' });
  await app.patch(owner, path, { title: 'Call me at the market' });
  await app.delete(owner, path);
  expect(await shown()).toMatchObject({ title: 'Oil pump', status: 'removed', thumb_url: null });
});

test('an author is told three days before a lifetime ends and when it has, each once for a lifetime', async () => {
  const owner = await buildDealer(app);
  const told = hear(owner);
  const now = Date.now();
  const at = (days: number) => new Date(now + days * DAY);
  const id = await buildPost(app, owner, { expiresAt: at(10), expiresInDays: 10 });
  // one of two days needs no warning
  await buildPost(app, owner, { expiresAt: at(9.5), expiresInDays: 2 });
  const run = (days: number) => app.jobs.run('end-lifetimes', at(days));
  await run(6.9);
  expect(told).toEqual([]);
  await run(7.1);
  await run(7.2);
  const expiring = { fact: 'postExpiring', postId: id, status: 'published', expiresAt: at(10).toISOString() };
  expect(told).toEqual([expiring]);
  await run(9.4);
  await Promise.all([run(10), run(10)]);
  expect(told.slice(1).map(one => [one.fact, one.status])).toEqual([
    ['postExpired', 'expired'],
    ['postExpired', 'expired'],
  ]);
  await app.post(
    app.tokenOf(owner, at(11)),
    `/api/b2b/posts/${id}/publish/`,
    {},
    { 'x-test-now': at(11).toISOString() },
  );
  await run(18.5);
  expect(told.slice(3).map(one => [one.fact, one.postId])).toEqual([['postExpiring', id]]);
});

async function buildApproved(owner: TestUser, moderator: TestUser): Promise<string> {
  const { id } = (await app.post(owner, '/api/b2b/posts/', postInput())).body;
  await act(app, moderator, 'posts/approve', id);
  return id;
}

test('what was approved and says something else now is read by nobody before it is approved again', async () => {
  const [owner, reader, moderator] = [await buildDealer(app), await buildDealer(app), await buildModerator()];
  const id = await buildApproved(owner, moderator);
  const path = `/api/b2b/posts/${id}/`;
  const before = (await app.get(reader, path)).body;
  const edits = [
    () => app.patch(owner, path, { title: 'Something else entirely' }),
    () => app.put(owner, path, postInput()),
    () => app.patch(owner, path, { body: 'Call another number' }),
  ];
  for (const edit of edits) {
    expect((await edit()).body).toMatchObject({ status: 'pending', moderation: { state: 'pending' } });
    expect((await app.get(reader, path)).status).toBe(404);
    await act(app, moderator, 'posts/approve', id);
    // An edit is no way to a longer lifetime, nor to the top of the list.
    const { expires_at, bumped_at } = before;
    expect((await app.get(reader, path)).body).toMatchObject({ status: 'published', expires_at, bumped_at });
  }
  expect((await app.patch(owner, path, { price: '1.00' })).body).toMatchObject({ status: 'published' });
  expect((await app.get(reader, path)).body.price).toBe('1.00');
});

test('what says the same stays on the board and approved, however it is written again', async () => {
  const [owner, moderator] = [await buildDealer(app), await buildModerator()];
  const car = { make: 'Chevrolet', model: 'Cobalt', year_from: 2013, year_to: 2020, engine: '1.5' };
  const post = postInput({ fitments: [car] });
  const { id } = (await app.post(owner, '/api/b2b/posts/', post)).body;
  await act(app, moderator, 'posts/approve', id);
  const approved = { status: 'published', moderation: { state: 'approved' } };
  const path = `/api/b2b/posts/${id}/`;
  expect((await app.put(owner, path, { ...post, price: '2.00' })).body).toMatchObject({ ...approved, price: '2.00' });
  expect((await app.patch(owner, path, { fitments: [car], unit: null })).body).toMatchObject(approved);
  expect((await app.patch(owner, path, { fitments: [{ ...car, year_to: 2021 }] })).body.status).toBe('pending');
});

test.each(['closed', 'expired'])(
  'what is %s and says something else is read by its owner and staff alone until it is approved',
  async state => {
    const [owner, reader, moderator] = [await buildDealer(app), await buildDealer(app), await buildModerator()];
    const id = await buildApproved(owner, moderator);
    const path = `/api/b2b/posts/${id}/`;
    await app.post(reader, `${path}favorite/`);
    if (state === 'closed') await app.post(owner, `${path}close/`);
    else await app.orm.em.fork().nativeUpdate(Post, { id }, { expiresAt: new Date(Date.now() - 1_000) });
    const kept = async () => (await app.get(reader, '/api/b2b/favorites/')).body.results.length;
    expect([(await app.get(reader, path)).body.status, await kept()]).toEqual([state, 1]);
    await app.patch(owner, path, { body: 'Call another number' });
    for (const who of [owner, moderator])
      expect((await app.get(who, path)).body).toMatchObject({ status: state, body: 'Call another number' });
    expect([(await app.get(reader, path)).status, await kept()]).toEqual([404, 0]);
    expect((await app.patch(reader, path, { body: 'Mine' })).status).toBe(404);
    await app.post(owner, `${path}publish/`);
    await act(app, moderator, 'posts/approve', id);
    expect([(await app.get(reader, path)).body.body, await kept()]).toEqual(['Call another number', 1]);
  },
);

test.each(['publish', 'renew'])(
  'a closed post that was edited waits for approval when its owner calls %s',
  async step => {
    const [owner, reader, moderator] = [await buildDealer(app), await buildDealer(app), await buildModerator()];
    const [edited, untouched] = [await buildApproved(owner, moderator), await buildApproved(owner, moderator)];
    for (const id of [edited, untouched]) await app.post(owner, `/api/b2b/posts/${id}/close/`);
    await app.patch(owner, `/api/b2b/posts/${edited}/`, { title: 'Something else entirely' });
    for (const [id, status] of [[edited, 'pending'], [untouched, 'published']] as const) // biome-ignore format: one line reads better
      expect((await app.post(owner, `/api/b2b/posts/${id}/${step}/`)).body).toMatchObject({ status });
    expect((await app.get(reader, `/api/b2b/posts/${edited}/`)).status).toBe(404);
    await act(app, moderator, 'posts/approve', edited);
    expect((await app.get(reader, `/api/b2b/posts/${edited}/`)).body).toMatchObject({
      title: 'Something else entirely',
    });
  },
);
