import { randomUUID } from 'node:crypto';
import { get } from 'node:http';
import { expect, test } from 'vitest';
import { eventually, type TestUser, useApp } from '../support/app.ts';
import { buildPost } from '../support/talk.ts';
import { act, buildDealer } from '../support/worlds.ts';

const app = useApp({ RATE_LIMITS: 'relaxed' });
const open = useApp({ B2B_FEED_ACCESS: 'public' });

const DAY = 86_400_000;
const pathOf = (id: string) => `/api/b2b/posts/${id}/`;
const keep = (who: TestUser | null, id: string) => app.post(who, `${pathOf(id)}favorite/`);
const drop = (who: TestUser, id: string) => app.delete(who, `${pathOf(id)}favorite/`);
const kept = async (who: TestUser, path = '/api/b2b/favorites/') => (await app.get(who, path)).body;
const idsOf = (page: { results: { id: string }[] }) => page.results.map(post => post.id);

async function buildReader(): Promise<TestUser> {
  return buildDealer(app, { plan: null });
}

test('a kept post is marked for the one who keeps it, counted for all, and once', async () => {
  const [owner, reader, other] = [await buildDealer(app), await buildReader(), await buildReader()];
  const id = await buildPost(app, owner);
  const replies = await Promise.all(Array.from({ length: 8 }, () => keep(reader, id)));
  expect(replies.map(({ status }) => status)).toEqual(Array(8).fill(204));
  expect((await app.get(reader, pathOf(id))).body).toMatchObject({ is_favorite: true, favorites_count: 1 });
  expect((await app.get(other, pathOf(id))).body).toMatchObject({ is_favorite: false, favorites_count: 1 });
  await keep(other, id);
  const gone = await Promise.all([drop(reader, id), drop(reader, id)]);
  expect(gone.map(({ status }) => status)).toEqual([204, 204]);
  const { body, headers } = await app.get(reader, pathOf(id));
  // keeping it is no change of the post
  expect(body).toMatchObject({ is_favorite: false, favorites_count: 1, rev: 1 });
  await keep(reader, id);
  // so its tag, which is that of the revision, does not say that nothing is new
  const held = { 'if-none-match': headers.get('etag')!, authorization: `Bearer ${reader.token}` };
  // `fetch` would ask past all caches
  const again = await new Promise<number | undefined>(resolve => {
    get(app.url + pathOf(id), { headers: held }, response => resolve(response.resume().statusCode));
  });
  expect(again).toBe(200);
});

test('favourites are listed by the time they were kept, page by page, to their owner alone', async () => {
  const [owner, reader, other] = [await buildDealer(app), await buildReader(), await buildReader()];
  const ids = [await buildPost(app, owner), await buildPost(app, owner), await buildPost(app, owner)];
  for (const id of [ids[1]!, ids[2]!, ids[0]!]) await keep(reader, id);
  const path = '/api/b2b/favorites/?limit=2';
  const first = await kept(reader, path);
  expect([idsOf(first), first.results[0].is_favorite, first.previous]).toEqual([[ids[0], ids[2]], true, null]);
  const second = await kept(reader, first.next);
  expect([idsOf(second), second.next_cursor]).toEqual([[ids[1]], null]);
  expect(idsOf(await kept(other))).toEqual([]);
  expect((await app.get(other, first.next)).body.code).toBe('invalid_cursor');
});

test('a post that is hidden or removed leaves the favourites, a closed one stays', async () => {
  const [owner, reader, moderator] = [
    await buildDealer(app),
    await buildReader(),
    await app.buildUser({ role: 'moderator' }),
  ];
  const [hidden, removed, closed] = [
    await buildPost(app, owner),
    await buildPost(app, owner),
    await buildPost(app, owner),
  ];
  for (const id of [hidden, removed, closed]) await keep(reader, id);
  await act(app, moderator, 'posts/hide', hidden, { reason: 'Spam' });
  await app.delete(owner, pathOf(removed));
  await app.post(owner, `${pathOf(closed)}close/`);
  expect(idsOf(await kept(reader))).toEqual([closed]);
  expect((await drop(reader, removed)).status).toBe(204);
});

test('what cannot be seen cannot be kept, and the board is for those it is open to', async () => {
  const [owner, reader, stranger] = [await buildDealer(app), await buildReader(), await app.buildUser()];
  const draft = await buildPost(app, owner, { status: 'draft' });
  for (const id of [draft, randomUUID()]) expect((await keep(reader, id)).body.code).toBe('not_found');
  expect((await keep(stranger, draft)).body.code).toBe('b2b_not_enabled');
  expect((await app.get(stranger, '/api/b2b/favorites/')).body.code).toBe('b2b_not_enabled');
  expect((await keep(null, draft)).body.code).toBe('auth_required');
});

test('a look counts once for a user and day, however many come at once; the owner and staff do not count', async () => {
  const owner = await buildDealer(app);
  const [id, fence] = [await buildPost(app, owner), await buildPost(app, owner)];
  const [first, second, staff] = [await buildReader(), await buildReader(), await app.buildUser({ role: 'support' })];
  const look = (who: TestUser, moment = new Date()) =>
    app.get(app.tokenOf(who, moment), pathOf(id), { 'x-test-now': moment.toISOString() });
  const views = async (postId = id) => (await app.get(owner, pathOf(postId))).body.views_count;
  const replies = await Promise.all([first, first, first, second, second, owner].map(who => look(who)));
  expect(replies.map(({ status }) => status)).toEqual(Array(6).fill(200));
  await app.get(staff, pathOf(id));
  // looks are counted in their order: once this one is, those before it are
  await app.get(second, pathOf(fence));
  await eventually(async () => expect(await views(fence)).toBe(1));
  expect(await views()).toBe(2);
  await look(first, new Date(Date.now() + DAY));
  await eventually(async () => expect(await views()).toBe(3));
  expect((await app.get(owner, pathOf(id))).body.rev).toBe(1);
});

test('who has looked is forgotten after a day, the count stays', async () => {
  const [owner, reader] = [await buildDealer(app), await buildReader()];
  const id = await buildPost(app, owner);
  await app.get(reader, pathOf(id));
  const views = async () => (await app.get(owner, pathOf(id))).body.views_count;
  await eventually(async () => expect(await views()).toBe(1));
  const rows = () => app.orm.em.fork().execute('select 1 from post_views where post_id = ?', [id]);
  await app.jobs.run('forget-views', new Date(Date.now() + DAY));
  expect(await rows()).toHaveLength(1);
  await app.jobs.run('forget-views', new Date(Date.now() + 2 * DAY));
  expect([await rows(), await views()]).toEqual([[], 1]);
});

test('a public board shows posts without a token, and counts no such look', async () => {
  const owner = await buildDealer(open);
  const [id, fence] = [await buildPost(open, owner), await buildPost(open, owner)];
  expect((await open.get(null, pathOf(id))).body).toMatchObject({
    is_favorite: false,
    is_owner: false,
    moderation: null,
  });
  await open.get(await open.buildUser(), pathOf(fence));
  await eventually(async () => expect((await open.get(owner, pathOf(fence))).body.views_count).toBe(1));
  expect((await open.get(owner, pathOf(id))).body.views_count).toBe(0);
});
