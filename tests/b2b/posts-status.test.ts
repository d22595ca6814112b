import { expect, test } from 'vitest';
import type { Post, PostStatus } from '../../src/b2b/entities.ts';
import { type TestApp, type TestUser, useApp } from '../support/app.ts';
import { waiting } from '../support/locks.ts';
import { buildPost } from '../support/talk.ts';
import { act, buildDealer, postInput } from '../support/worlds.ts';

const app = useApp({ RATE_LIMITS: 'relaxed' });
const strict = useApp({ RATE_LIMITS: 'relaxed', POST_MODERATION: 'pre' });

const DAY = 86_400_000;
const later = (days: number) => new Date(Date.now() + days * DAY);
const at = (moment: Date) => ({ 'x-test-now': moment.toISOString() });

type Step = 'edit' | 'publish' | 'close' | 'renew' | 'delete' | 'approve' | 'reject' | 'hide' | 'restore';
const steps: Step[] = ['edit', 'publish', 'close', 'renew', 'delete', 'approve', 'reject', 'hide', 'restore'];
type State = PostStatus | 'expired by its date';

/** Where a step leads; whatever is not named is refused. */
const transitions: Record<State, Partial<Record<Step, PostStatus>>> = {
  draft: { edit: 'draft', publish: 'published', delete: 'removed' },
  pending: { edit: 'pending', delete: 'removed', approve: 'published', reject: 'rejected' },
  published: {
    ...{ edit: 'published', close: 'closed', renew: 'published', delete: 'removed' },
    ...{ approve: 'published', hide: 'hidden' },
  },
  rejected: { edit: 'pending', publish: 'pending', delete: 'removed' },
  closed: { edit: 'closed', publish: 'published', renew: 'published', delete: 'removed' },
  expired: { edit: 'expired', publish: 'published', renew: 'published', delete: 'removed' },
  'expired by its date': { edit: 'expired', publish: 'published', renew: 'published', delete: 'removed' },
  hidden: { delete: 'removed', restore: 'published' },
  removed: {},
};

async function buildIn(state: State, author: TestUser): Promise<string> {
  const published = { publishedAt: later(-10), countedAt: later(-10), expiresAt: later(20) };
  if (state === 'draft') return buildPost(app, author, { status: state, publishedAt: null });
  const isOver = state === 'expired' || state === 'expired by its date';
  const status = state === 'expired by its date' ? 'published' : state;
  return buildPost(app, author, { status, ...published, ...(isOver && { expiresAt: later(-1) }) });
}

async function take(step: Step, postId: string, owner: TestUser, moderator: TestUser): Promise<string> {
  if (step === 'approve' || step === 'reject' || step === 'hide' || step === 'restore')
    return (await act(app, moderator, `posts/${step}`, postId, { reason: 'as the rules say' })).code ?? 'done';
  const path = `/api/b2b/posts/${postId}/`;
  if (step === 'delete') return (await app.delete(owner, path)).body.code ?? 'done';
  const { body } = await (step === 'edit'
    ? app.patch(owner, path, { title: 'Kolodka, yangi' })
    : app.post(owner, `${path}${step}/`));
  return body.code ?? 'done';
}

async function statusOf(who: TestUser, id: string): Promise<string> {
  const { body } = await app.get(who, `/api/b2b/posts/${id}/`);
  return body.code === 'not_found' ? 'removed' : body.status;
}

test.each(Object.entries(transitions) as [State, Partial<Record<Step, PostStatus>>][])(
  'a post that is %s goes where it may, and nowhere else',
  async (state, allowed) => {
    const [owner, moderator] = [await buildDealer(app), await app.buildUser({ role: 'moderator' })];
    const seen = await Promise.all(
      steps.map(async step => {
        const id = await buildIn(state, owner);
        const answer = await take(step, id, owner, moderator);
        return [step, answer === 'done' ? await statusOf(owner, id) : answer];
      }),
    );
    const refusal = state === 'removed' ? 'not_found' : 'invalid_state';
    expect(Object.fromEntries(seen)).toEqual(Object.fromEntries(steps.map(step => [step, allowed[step] ?? refusal])));
  },
);

const create = (on: TestApp, who: TestUser, more: object = {}, headers = {}) =>
  on.post(who, '/api/b2b/posts/', postInput(more), headers);

test('a step names the state that refused it', async () => {
  const owner = await buildDealer(app);
  const { id } = (await create(app, owner)).body;
  expect(await app.post(owner, `/api/b2b/posts/${id}/publish/`)).toMatchObject({
    status: 409,
    body: { code: 'invalid_state', details: { state: 'published' } },
  });
});

test('S-37: with POST_MODERATION=pre a post is seen once a moderator has approved it, never by its owner alone', async () => {
  const [owner, other] = [await buildDealer(strict, { plan: 'basic' }), await buildDealer(strict, { plan: null })];
  const moderator = await strict.buildUser({ role: 'moderator' });
  const { body } = await create(strict, owner);
  const path = `/api/b2b/posts/${body.id}/`;
  expect(body).toMatchObject({
    ...{ status: 'pending', published_at: null, moderation: { state: 'pending', reason: null } },
    usage: { posts_used: 1 },
  });
  expect((await strict.get(other, path)).body.code).toBe('not_found');
  expect(await act(strict, owner, 'posts/approve', body.id)).toMatchObject({ code: 'permission_denied' });
  expect((await strict.post(owner, `${path}publish/`)).body.code).toBe('invalid_state');
  const fields = { status: 'published', moderation: { state: 'approved' }, moderation_state: 'approved' };
  expect((await strict.patch(owner, path, fields)).body.status).toBe('pending');

  const reason = 'No such part exists';
  expect(await act(strict, moderator, 'posts/reject', body.id)).toMatchObject({ code: 'validation_failed' });
  expect(await act(strict, moderator, 'posts/reject', body.id, { reason })).toEqual({ id: body.id, ok: true });
  expect((await strict.get(owner, path)).body).toMatchObject({
    status: 'rejected',
    moderation: { state: 'rejected', reason },
  });
  expect((await strict.patch(owner, path, { body: 'It does.' })).body).toMatchObject({
    status: 'pending',
    moderation: { state: 'pending', reason: null },
  });
  expect(await act(strict, moderator, 'posts/approve', body.id)).toMatchObject({ ok: true });
  const seen = (await strict.get(other, path)).body;
  expect(seen).toMatchObject({ status: 'published', published_at: expect.any(String), moderation: null });
  expect((await strict.get(owner, '/api/billing/me/')).body.usage.posts_used).toBe(1);
});

test('with POST_MODERATION=post a post appears at once; a moderator hides and restores it, its owner does not', async () => {
  const [owner, moderator, other] = [
    await buildDealer(app),
    await app.buildUser({ role: 'moderator' }),
    await buildDealer(app, { plan: null }),
  ];
  const { body } = await create(app, owner);
  const path = `/api/b2b/posts/${body.id}/`;
  expect(body).toMatchObject({ status: 'published', moderation: { state: 'pending' } });
  await act(app, moderator, 'posts/approve', body.id);
  expect((await app.get(owner, path)).body.moderation).toEqual({ state: 'approved', reason: null });
  const same = { title: body.title, price: Number(body.price), category_id: null };
  expect((await app.patch(owner, path, same)).body.moderation.state).toBe('approved');
  // what was approved is not what it says now
  expect((await app.patch(owner, path, { body: 'Boshqa' })).body).toMatchObject({
    status: 'published',
    moderation: { state: 'pending' },
  });
  await act(app, moderator, 'posts/hide', body.id, { reason: 'Spam' });
  expect((await app.get(other, path)).body.code).toBe('not_found');
  expect((await app.get(owner, path)).body).toMatchObject({
    status: 'hidden',
    moderation: { state: 'hidden', reason: 'Spam' },
  });
  for (const step of ['publish', 'renew', 'close'])
    expect((await app.post(owner, `${path}${step}/`)).body.code).toBe('invalid_state');
  await act(app, moderator, 'posts/restore', body.id);
  expect((await app.get(other, path)).body.status).toBe('published');
});

test('a lifetime ends by its date for everybody, a late job or not: no conversation is opened any more', async () => {
  const [owner, buyer] = [await buildDealer(app), await buildDealer(app, { plan: null })];
  const { id } = (await create(app, owner, { expires_in_days: 5 })).body;
  const [before, after] = [later(4.9), later(5.1)];
  const open = (moment: Date) =>
    app.post(app.tokenOf(buyer, moment), '/api/chat/start/', { post_id: id }, at(moment)).then(({ body }) => body.code);
  const status = (moment: Date) =>
    app
      .get(app.tokenOf(buyer, moment), `/api/b2b/posts/${id}/`, at(moment))
      .then(({ body }) => [body.status, body.rev]);
  expect(await status(before)).toEqual(['published', 1]);
  expect([await open(after), await status(after)]).toEqual(['post_unavailable', ['expired', 1]]);
  await app.jobs.run('end-lifetimes', before);
  expect(await status(before)).toEqual(['published', 1]);
  await app.jobs.run('end-lifetimes', after);
  expect(await status(after)).toEqual(['expired', 2]);
  expect(await open(after)).toBe('post_unavailable');
  const renewed = await app.post(app.tokenOf(owner, after), `/api/b2b/posts/${id}/renew/`, {}, at(after));
  expect(renewed.body).toMatchObject({ status: 'published', expires_at: new Date(+after + 5 * DAY).toISOString() });
  expect(await open(after)).toBeUndefined();
});

test('a post is renewed once in 24 hours, also by two calls at once, and takes no unit', async () => {
  const owner = await buildDealer(app, { plan: 'basic' });
  const { id, bumped_at } = (await create(app, owner)).body;
  const renew = (moment: Date) => app.post(app.tokenOf(owner, moment), `/api/b2b/posts/${id}/renew/`, {}, at(moment));
  const first = later(0.01);
  const both = await Promise.all([renew(first), renew(first)]);
  expect(both.map(({ status }) => status).sort()).toEqual([200, 429]);
  const refused = both.find(({ status }) => status === 429)!;
  expect(refused).toMatchObject({ body: { code: 'rate_limited', retryable: true, retry_after_ms: DAY } });
  const renewed = both.find(({ status }) => status === 200)!.body;
  expect(renewed).toMatchObject({
    bumped_at: first.toISOString(),
    expires_at: new Date(+first + 30 * DAY).toISOString(),
  });
  expect(renewed.bumped_at > bumped_at).toBe(true);
  expect((await renew(new Date(+first + DAY - 1))).status).toBe(429);
  expect((await renew(new Date(+first + DAY))).status).toBe(200);
  expect((await app.get(owner, '/api/billing/me/')).body.usage.posts_used).toBe(1);
});

test('closing and publishing again lifts a post no oftener than renewing it', async () => {
  const owner = await buildDealer(app);
  const { id, bumped_at, published_at } = (await create(app, owner)).body;
  const path = `/api/b2b/posts/${id}/`;
  expect((await app.post(owner, `${path}close/`, { reason: 'sold' })).body.status).toBe('closed');
  expect((await app.post(owner, `${path}close/`, { reason: 'bored' })).body.code).toBe('validation_failed');
  expect((await app.post(owner, `${path}publish/`)).body).toMatchObject({
    ...{ status: 'published', bumped_at, published_at },
  });
});

test('of several removals at once one is made', async () => {
  const owner = await buildDealer(app);
  const { id } = (await create(app, owner)).body;
  const replies = await Promise.all(Array.from({ length: 5 }, () => app.delete(owner, `/api/b2b/posts/${id}/`)));
  expect(replies.map(({ status }) => status).sort()).toEqual([204, 404, 404, 404, 404]);
});

test('a conversation about a post that is being closed waits for it, and is not begun', async () => {
  const [owner, buyer] = [await buildDealer(app), await buildDealer(app)];
  const { id: post_id } = (await create(app, owner)).body;
  const starting = await app.orm.em.fork().transactional(async em => {
    await em.execute(`update posts set status = 'closed' where id = ?`, [post_id]);
    const asked = app.post(buyer, '/api/chat/start/', { post_id });
    await waiting(app, 1);
    return { asked };
  });
  expect(await starting.asked).toMatchObject({ status: 409, body: { code: 'post_unavailable' } });
});

test('S-38: whoever lost the profile or the plan publishes, changes and renews nothing, with an old token', async () => {
  const [owner, moderator] = [await buildDealer(app), await app.buildUser({ role: 'moderator' })];
  const { id } = (await create(app, owner, { status: 'draft' })).body;
  const closed = await buildPost(app, owner, { status: 'closed' } satisfies Partial<Post>);
  const rejected = await buildPost(app, owner, { status: 'rejected' } satisfies Partial<Post>);
  const codes = async () => [
    (await create(app, owner)).body.code,
    (await app.post(owner, `/api/b2b/posts/${rejected}/publish/`)).body.code,
    (await app.patch(owner, `/api/b2b/posts/${rejected}/`, { title: 'Nimadir' })).body.code,
    (await app.post(owner, `/api/b2b/posts/${id}/publish/`)).body.code,
    (await app.post(owner, `/api/b2b/posts/${closed}/renew/`)).body.code,
    (await app.post(owner, `/api/b2b/posts/${closed}/publish/`)).body.code,
  ];
  await app.orm.em
    .fork()
    .execute(`update subscriptions set current_period_end = now() - interval '9 days' where user_id = ?`, [owner.id]);
  expect(await codes()).toEqual(Array(6).fill('subscription_required'));
  await act(app, moderator, 'b2b-profiles/suspend', owner.id, { reason: 'Fraud' });
  expect(await codes()).toEqual(Array(6).fill('b2b_not_enabled'));
  expect((await app.patch(owner, `/api/b2b/posts/${id}/`, { title: 'Nimadir' })).body).toMatchObject({
    code: 'b2b_not_enabled',
    details: { status: 'suspended' },
  });
});
