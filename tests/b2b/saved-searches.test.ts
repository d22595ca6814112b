import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { facts } from '../../src/b2b/contract.ts';
import { enableProfile } from '../../src/b2b/service/profiles.ts';
import { categoryId } from '../../src/b2b/service/reference.ts';
import { rows } from '../../src/common/database.ts';
import { newId } from '../../src/common/ids.ts';
import { type Reply, type TestUser, useApp } from '../support/app.ts';
import { askWhileDeleted } from '../support/deleting.ts';
import { waiting } from '../support/locks.ts';
import { asStaff, buildDealer } from '../support/worlds.ts';

const app = useApp({ RATE_LIMITS: 'relaxed' });
const path = '/api/b2b/saved-searches/';
const save = (who: TestUser | null, filters: object, more: object = {}) =>
  app.post(who, path, { name: 'Kuzatuv', filters, ...more });
const countOf = async (who: TestUser, id: string): Promise<number> =>
  (await app.get(who, path)).body.results.find((one: { id: string }) => one.id === id).new_count;
const publish = (who: TestUser, post: object, headers = {}) => app.post(who, '/api/b2b/posts/', post, headers);

interface Told {
  postId: string;
  searchId: string;
  userId: string;
}

/** How these users are told from now on, in the order of the posts. */
function hearMatches(users?: readonly TestUser[]): Told[] {
  const told: Told[] = [];
  app.listeners.on(facts.searchMatched, async matched => {
    for (const { payload } of matched)
      for (const { searchId, userId } of payload.matches)
        if (!users || users.some(user => user.id === userId)) told.push({ postId: payload.post.id, searchId, userId });
  });
  return told;
}

test('a search is saved, listed, changed and forgotten by its owner alone', async () => {
  const [owner, other] = [await buildDealer(app), await buildDealer(app)];
  const filters = { q: 'kolodka', brand: 'Bosch', price_max: 500_000, currency: 'UZS' };
  const { status, body } = await save(owner, { ...filters, mine: true, surprise: 1 }, { new_count: 7 });
  expect(status).toBe(201);
  expect(body).toEqual({
    ...{ id: expect.any(String), name: 'Kuzatuv', filters, notify: true, new_count: 0 },
    created_at: expect.any(String),
  });
  const one = `${path}${body.id}/`;
  expect((await app.patch(owner, one, { name: 'Boshqa', notify: false })).body).toMatchObject({
    ...{ name: 'Boshqa', notify: false, filters },
  });
  expect((await app.get(other, path)).body).toMatchObject({ results: [], next: null, previous: null });
  const unknown = await app.patch(other, `${path}${randomUUID()}/`, { name: 'Mening' });
  for (const reply of [await app.patch(other, one, { name: 'Mening' }), await app.delete(other, one)])
    expect([reply.status, reply.body.code]).toEqual([404, unknown.body.code]);
  expect((await app.delete(owner, one)).status).toBe(204);
  expect((await app.delete(owner, one)).status).toBe(404);
  expect((await app.get(owner, path)).body.results).toEqual([]);
});

test.each([
  [{ name: '' }, 'name'],
  [{ name: 'x'.repeat(61) }, 'name'],
  [{ filters: { intent: 'rent' } }, 'filters.intent'],
  [{ filters: { year: 'old' } }, 'filters.year'],
  [{ filters: { price_min: 5 } }, 'currency'],
  [{ filters: { q: 'a\u0000b' } }, 'filters.q'],
  [{ filters: [] }, 'filters'],
])('S-51: a wrong field is named: %j', async (more, field) => {
  const reply = await save(await buildDealer(app), {}, more);
  expect(reply).toMatchObject({ status: 400, body: { code: 'validation_failed' } });
  expect(reply.body.details.fields.map((one: { path: string }) => one.path)).toContain(field);
});

/** All of them are under way before the first is stored. */
async function atOnce(who: TestUser, count: number): Promise<Promise<Reply>[]> {
  return app.orm.em.fork().transactional(async em => {
    await em.execute('select from users where id = ? for update', [who.id]);
    const replies = Array.from({ length: count }, () => save(who, { q: 'kolodka' }));
    await waiting(app, count);
    return replies;
  });
}

test('S-50: a plan allows so many, none allows one; parallel calls do not pass it', async () => {
  const [planless, basic] = [await buildDealer(app, { plan: null }), await buildDealer(app, { plan: 'basic' })];
  for (const [who, limit] of [
    [planless, 1],
    [basic, 3],
  ] as const) {
    const replies = await Promise.all(await atOnce(who, 7));
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(limit);
    expect(replies.find(({ status }) => status !== 201)).toMatchObject({
      status: 403,
      body: { code: 'saved_search_limit_reached', details: { limit } },
    });
    expect((await app.get(who, path)).body.results).toHaveLength(limit);
  }
});

const offer = {
  ...{ title: 'Орқа тормоз kolodkasi', category_id: categoryId('brake-pads'), brand: 'Шевроле', condition: 'used' },
  ...{ price: '250.00', currency: 'USD', region: 'UZ-SA', city: 'Самарқанд', part_number: 'AB-77' },
  fitments: [{ make: 'Chevrolet', model: 'Cobalt', year_from: 2013, year_to: 2020 }],
};

test('a new post is counted in the searches that find it, in those that do not it is not', async () => {
  const [seller, watcher] = [await buildDealer(app), await buildDealer(app)];
  const created_after = new Date(Date.now() - 60_000).toISOString();
  const fitting: Record<string, unknown>[] = [
    ...[{}, { q: 'kolodka' }, { q: 'колодка' }, { q: 'ab77' }, { q: 'тормоз 77' }, { q: 'brake pads', intent: 'sell' }],
    ...[{ category: 'brakes' }, { category: 'brake-pads' }, { brand: 'Chevrolet' }, { brand: 'шевролет' }],
    ...[
      { part_number: 'ав 77' },
      { make: 'Шевроле' },
      { make: 'chevrolet', model: 'cobalt', year: 2013 },
      { year: 2020 },
    ],
    ...[{ condition: 'used' }, { currency: 'USD', price_min: 250, price_max: 250 }, { region: 'UZ-SA' }],
    ...[{ city: 'samarqand' }, { author: seller.id }, { has_images: false }, { created_after }],
    { q: 'kolodka', category: 'brakes', brand: 'chevrolet', make: 'chevrolet', region: 'UZ-SA', condition: 'used' },
  ];
  const others: Record<string, unknown>[] = [
    ...[{ q: 'kolotka' }, { q: 'filtr' }, { q: '!!!' }, { q: 'kolodka filtr' }, { q: 'ab78' }, { intent: 'buy' }],
    ...[{ category: 'oil-filters' }, { category: 'nowhere' }, { brand: 'Bosch' }, { part_number: 'AB-7' }],
    ...[{ make: 'Lada' }, { make: 'chevrolet', year: 2021 }, { model: 'spark' }, { condition: 'new' }],
    ...[{ currency: 'UZS' }, { currency: 'USD', price_min: 251 }, { currency: 'USD', price_max: 249 }],
    ...[{ region: 'UZ-TK' }, { city: 'Toshkent' }, { author: watcher.id }, { has_images: true }],
    { q: 'kolodka', brand: 'bosch' },
  ];
  const ids: string[] = [];
  for (const filters of [...fitting, ...others]) {
    const { status, body } = await save(watcher, filters);
    expect(status, JSON.stringify(filters)).toBe(201);
    ids.push(body.id);
  }
  expect((await publish(seller, offer)).status).toBe(201);
  const { body } = await app.get(watcher, `${path}?limit=100`);
  const counts = new Map(body.results.map((one: { id: string; new_count: number }) => [one.id, one.new_count]));
  const counted = ids.filter(id => counts.get(id) === 1).map(id => [...fitting, ...others][ids.indexOf(id)]);
  expect(counted).toEqual(fitting);
  for (const filters of [...fitting, ...others]) {
    const query = new URLSearchParams(Object.entries(filters).map(([name, value]) => [name, `${value}`]));
    const { results } = (await app.get(watcher, `/api/b2b/posts/?${query}&author=${seller.id}`)).body;
    // only the board looks for what is misspelt
    const isFound = results?.length === 1 && filters['q'] !== 'kolotka';
    if (!filters['author']) expect([filters, isFound]).toEqual([filters, fitting.includes(filters)]);
  }
});

test('a search meets posts under a name that staff have given its brand since it was saved', async () => {
  const [seller, watcher] = [await buildDealer(app), await buildDealer(app)];
  const ids = await Promise.all(
    [{ brand: 'SKF' }, { make: 'skf', year: 2015 }].map(async filters => (await save(watcher, filters)).body.id),
  );
  const moderator = await app.buildUser({ role: 'moderator' });
  const [brand] = (await app.get(moderator, '/api/admin/brands/?code=skf')).body.results;
  const aliases = [...brand.aliases, 'Эскаэф'];
  expect((await app.patch(moderator, `/api/admin/brands/${brand.id}/`, { aliases })).status).toBe(200);
  await publish(seller, { title: 'Podshipnik', brand: 'ЭСКАЭФ', fitments: [{ make: 'Эскаэф', year_from: 2014 }] });
  expect(await Promise.all(ids.map(id => countOf(watcher, id)))).toEqual([1, 1]);
});

test('the count begins again when the search was looked at, or looks for something else', async () => {
  const [seller, watcher] = [await buildDealer(app), await buildDealer(app)];
  const { id } = (await save(watcher, { part_number: 'SEEN-1' })).body;
  const one = `${path}${id}/`;
  for (let n = 0; n < 2; n += 1)
    await publish(seller, { title: `Detal ${n}`, part_number: 'seen 1', oem_numbers: [`N${n}`] });
  expect(await countOf(watcher, id)).toBeGreaterThanOrEqual(1);
  expect((await app.patch(watcher, one, { name: 'Hali' })).body.new_count).toBeGreaterThanOrEqual(1);
  expect((await app.patch(watcher, one, { seen: true })).body.new_count).toBe(0);
  await publish(await buildDealer(app), { title: 'Yana', part_number: 'SEEN1' });
  expect(await countOf(watcher, id)).toBe(1);
  expect((await app.patch(watcher, one, { filters: { q: 'boshqa' } })).body).toMatchObject({ new_count: 0 });
});

test('who is told: not the author, not who switched it off, has lost the board or looks for drafts; and once for a post', async () => {
  const [seller, watcher, silent, lost] = [
    ...[await buildDealer(app), await buildDealer(app)],
    ...[await buildDealer(app), await buildDealer(app)],
  ] as [TestUser, TestUser, TestUser, TestUser];
  const filters = { part_number: 'WHO-1' };
  const [own, first] = [await save(seller, filters), await save(watcher, filters)];
  await save(watcher, { q: 'who1' });
  const quiet = await save(silent, filters, { notify: false });
  await save(lost, filters);
  await asStaff(app, ctx => enableProfile(ctx, { userId: lost.id, isEnabled: false }));
  const told = hearMatches([seller, watcher, silent, lost]);
  const draft = (await publish(seller, { title: 'Kimga', part_number: 'who-1', status: 'draft' })).body;
  expect(told).toEqual([]);
  const act = (action: string) => app.post(seller, `/api/b2b/posts/${draft.id}/${action}/`);
  expect((await act('publish')).status).toBe(200);
  await act('close');
  expect((await act('publish')).status).toBe(200);
  expect(told).toEqual([{ postId: draft.id, searchId: first.body.id, userId: watcher.id }]);
  expect([await countOf(seller, own.body.id), await countOf(silent, quiet.body.id)]).toEqual([0, 1]);
});

test('S-50: a user is told twenty times an hour, all posts are counted', async () => {
  const watcher = await buildDealer(app);
  const { id } = (await save(watcher, { q: 'yigirmata' })).body;
  const told = hearMatches([watcher]);
  const sellers = await Promise.all(Array.from({ length: 5 }, () => buildDealer(app)));
  const hour = new Date(Math.floor(Date.now() / 3_600_000) * 3_600_000);
  const at = (moment: Date) => ({ 'x-test-now': moment.toISOString() });
  for (let round = 0; round < 5; round += 1)
    await Promise.all(
      sellers.map(async (seller, n) => {
        const reply = await publish(
          app.tokenOf(seller, hour),
          { title: `Yigirmata ${round} ${n} ${randomUUID()}` },
          at(hour),
        );
        expect(reply.status, JSON.stringify(reply.body)).toBe(201);
      }),
    );
  expect([told.length, await countOf(watcher, id)]).toEqual([20, 25]);
  const next = new Date(hour.getTime() + 3_600_000);
  await publish(app.tokenOf(sellers[0]!, next), { title: `Yigirmata yana ${randomUUID()}` }, at(next));
  expect([told.length, await countOf(watcher, id)]).toEqual([21, 26]);
});

test('S-50: of one post two hundred users are told, and all searches count it', async () => {
  const seller = await buildDealer(app);
  const em = app.orm.em.fork();
  await rows(
    em,
    sql`with people as (
          insert into users (id, phone, created_at)
          select gen_random_uuid(), '+99877' || lpad(n::text, 7, '0'), now() from generate_series(1, 230) as n returning id
        ), companies as (
          insert into b2b_profiles (user_id, is_enabled, status, created_at, updated_at) select id, true, 'enabled', now(), now() from people
        )
        insert into saved_searches (id, user_id, name, filters, wanted, anchors, created_at)
        select gen_random_uuid(), id, 'Ommaviy', '{"part_number": "MANY-1"}', '{"part": "MANY1"}', '{part:MANY1}', now() from people`,
  );
  const told = hearMatches();
  expect((await publish(seller, { title: 'Ommaviy', part_number: 'many 1' })).status).toBe(201);
  expect([told.length, new Set(told.map(({ userId }) => userId)).size]).toEqual([200, 200]);
  expect(
    await rows(em, sql`select count(*)::int as n from saved_searches where name = 'Ommaviy' and new_count = 1`),
  ).toEqual([{ n: 230 }]);
});

test('many searches of one user are listed page by page, latest first', async () => {
  const owner = await buildDealer(app);
  for (let n = 0; n < 5; n += 1) await save(owner, {}, { name: `${n}` });
  const first = (await app.get(owner, `${path}?limit=3`)).body;
  const second = (await app.get(owner, first.next)).body;
  const names = [...first.results, ...second.results].map((one: { name: string }) => one.name);
  expect([names, second.next]).toEqual([['4', '3', '2', '1', '0'], null]);
  const other = await buildDealer(app);
  expect(await app.get(other, first.next)).toMatchObject({ status: 400, body: { code: 'invalid_cursor' } });
});

test('a post that is refused after all has been counted by nobody', async () => {
  const [seller, watcher] = [await buildDealer(app), await buildDealer(app)];
  const { id } = (await save(watcher, { q: 'qaytarilgan' })).body;
  const request = { now: new Date(), requestId: newId(), ip: '', userAgent: null };
  const { id: postId } = (await publish(seller, { title: 'Qaytarilgan', status: 'draft' })).body;
  const work = app.executor.transaction(request, async ctx => {
    await rows(ctx.em, sql`update posts set status = 'published' where id = ${postId}`);
    ctx.emit(facts.postPublished, { postId, authorId: seller.id });
    ctx.emit(facts.postPublished, { postId: 'no id', authorId: seller.id });
  });
  await expect(work).rejects.toThrow();
  expect(await countOf(watcher, id)).toBe(0);
});

test('whoever saves a search while their account is being deleted leaves none behind', async () => {
  const user = await buildDealer(app);
  expect((await askWhileDeleted(app, user, () => save(user, {}))).body.code).toBe('session_revoked');
  const kept = 'select id from saved_searches where user_id = ?';
  expect(await app.orm.em.fork().execute(kept, [user.id])).toEqual([]);
});
