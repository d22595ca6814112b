import { randomUUID } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { AuditEntry } from '../../src/accounts/entities.ts';
import { isLabelled } from '../../src/admin/labels.ts';
import { resources } from '../../src/admin/resources.ts';
import { paramsOf } from '../../src/admin/service/params.ts';
import { seedPlans } from '../../src/billing/service/plans.ts';
import { newId } from '../../src/common/ids.ts';
import { type TestUser, useApp } from '../support/app.ts';
import { asStaff, buildDealer, postInput } from '../support/worlds.ts';

const app = useApp({ RATE_LIMITS: 'off' });

// As in a database of the locale C, which knows the two cases of ASCII alone.
beforeAll(() => app.orm.em.fork().execute('alter table users alter column full_name type varchar(80) collate "C"'));

const boss = () => app.buildUser({ role: 'superuser' });
const plan = (more: object = {}) => ({
  ...{ code: `p-${randomUUID().slice(0, 8)}`, name: 'Gold', price: '99000.00', posts_per_month: 7 },
  ...more,
});
const auditOf = (id: string) => app.orm.em.fork().find(AuditEntry, { objectId: id }, { orderBy: { id: 'asc' } });

test('a list is filtered, searched, ordered and paged; its count stops nowhere near', async () => {
  const [support, word] = [await app.buildUser({ role: 'support' }), `Зокир ${randomUUID().slice(0, 6)}`];
  const found = [];
  for (const n of [1, 2, 3]) found.push(await app.buildUser({ fullName: `${word} ${n}` }));
  const ids = async (query: string) =>
    (await app.get(support, `/api/admin/users/?${query}`)).body.results.map((row: { id: string }) => row.id);
  const [first, second, third] = found.map(({ id }) => id);
  const search = `search=${encodeURIComponent(word)}`;
  expect(await ids(search)).toEqual([third, second, first]);
  expect(await ids(`search=${encodeURIComponent(word.toUpperCase())}`)).toEqual([third, second, first]);
  expect(await ids(`${search}&ordering=created_at`)).toEqual([first, second, third]);
  expect(await ids(`${search}&page_size=2&page=2`)).toEqual([first]);
  expect((await app.get(support, `/api/admin/users/?${search}&page_size=1`)).body).toMatchObject({ count: 3, page: 1 });
  expect(await ids(`search=${second}`)).toEqual([second]);
  expect(await ids(`search=${encodeURIComponent(found[0]!.phone.slice(-7))}`)).toContain(first);
  expect(await ids(`phone=${encodeURIComponent(found[2]!.phone)}`)).toEqual([third]);
  expect(await ids('role=support')).toContain(support.id);
  expect(await ids(`role=support&is_staff=false`)).toEqual([]);
  expect(await ids(`created_after=${new Date(Date.now() + 60_000).toISOString()}`)).toEqual([]);
});

test('business profiles that wait for a decision come first, unless another order is asked for', async () => {
  const moderator = await app.buildUser({ role: 'moderator' });
  const company_name = `Kutish ${randomUUID().slice(0, 8)}`;
  const profiles = [];
  for (let n = 0; n < 4; n += 1) {
    const user = await app.buildUser();
    await app.put(user, '/api/b2b/profile/', { company_name, activity: ['seller'] });
    profiles.push(user.id);
  }
  const [first, second, third, fourth] = profiles;
  await app.post(moderator, '/api/admin/b2b-profiles/actions/enable/', { ids: [second, fourth] });
  const list = async (query = '') => {
    const path = `/api/admin/b2b-profiles/?search=${encodeURIComponent(company_name)}${query}`;
    return (await app.get(moderator, path)).body.results.map((row: { id: string }) => row.id);
  };
  expect(await list()).toEqual([third, first, fourth, second]);
  expect(await list('&page_size=1&page=3')).toEqual([fourth]);
  expect(await list('&ordering=-created_at')).toEqual([fourth, third, second, first]);
});

test('posts on the board that nobody has looked at yet are found', async () => {
  const [author, moderator] = [await buildDealer(app), await app.buildUser({ role: 'moderator' })];
  const { id } = (await app.post(author, '/api/b2b/posts/', postInput())).body;
  const list = async () => {
    const path = `/api/admin/posts/?status=published&moderation_state=pending&author_id=${author.id}`;
    return (await app.get(moderator, path)).body.results.map((row: { id: string }) => row.id);
  };
  expect(await list()).toEqual([id]);
  await app.post(moderator, '/api/admin/posts/actions/approve/', { ids: [id] });
  expect(await list()).toEqual([]);
});

test('what the registry does not know is refused, in the query and in the body', async () => {
  const user = await boss();
  const refused = async (path: string) => (await app.get(user, path)).body;
  for (const query of ['colour=red', 'phone[]=1', 'ordering=password_hash', 'page=0', 'page_size=101', 'search=a'])
    expect(await refused(`/api/admin/users/?${query}`)).toMatchObject({ status: 400, code: 'validation_failed' });
  expect(await refused('/api/admin/users/?role=user&role=support')).toMatchObject({ code: 'duplicate_parameter' });
  expect(await refused('/api/admin/users/?page=401')).toMatchObject({ details: { fields: [{ path: 'page' }] } });
  expect(await refused('/api/admin/?x=1')).toMatchObject({ code: 'validation_failed' });
  const body = await app.post(user, '/api/admin/plans/', plan({ is_superb: true }));
  expect(body).toMatchObject({ status: 400, body: { code: 'validation_failed' } });
  const target = await app.buildUser();
  const changed = await app.patch(user, `/api/admin/users/${target.id}/`, { role: 'superuser' });
  expect(changed).toMatchObject({ status: 400, body: { code: 'validation_failed' } });
  const acted = { ids: [target.id], params: { colour: 'red' } };
  expect((await app.post(user, '/api/admin/users/actions/unblock/', acted)).status).toBe(400);
});

test('S-51: what looks like SQL or a pattern is only text', async () => {
  const user = await boss();
  for (const text of ["' or 1=1 --", '%%', '__', '\\\\', "o'g'il", '%_%', ':* ! &'])
    for (const asked of ['users/?search', 'posts/?search', 'audit/?object_id', 'otp-log/?phone']) {
      const { body } = await app.get(user, `/api/admin/${asked}=${encodeURIComponent(text)}`);
      expect(body).toMatchObject({ results: [], count: 0 });
    }
  expect((await app.get(user, '/api/admin/users/?search=%00%00')).status).toBe(400);
  for (const text of ['--', '()', '++', ') (']) {
    const { body } = await app.get(user, `/api/admin/users/?search=${encodeURIComponent(text)}`);
    expect(body).toMatchObject({ results: [], count: 0 });
  }
});

test('S-66: a record that staff make or change leaves what it was, what it is, who and why', async () => {
  const user = await app.buildUser({ role: 'billing' });
  const made = await app.post(user, '/api/admin/plans/', plan({ reason: 'For the spring' }));
  expect(made).toMatchObject({ status: 201, body: { name: 'Gold', posts_per_month: 7, saved_searches: 3 } });
  const path = `/api/admin/plans/${made.body.id}/`;
  const changed = await app.patch(user, path, { price: '89000.00', posts_per_month: null, reason: 'A discount' });
  expect(changed).toMatchObject({
    status: 200,
    body: { price: '89000.00', posts_per_month: null, saved_searches: 3, max_images_per_post: 3 },
  });
  const { body } = await app.get(user, `${path}history/`);
  expect(body).toMatchObject({ count: 2, page: 1 });
  expect(body.results).toMatchObject([
    {
      ...{ action: 'edit', resource: 'plans', actor_id: user.id, actor_role: 'billing', reason: 'A discount' },
      ...{ before: { price: '99000.00', posts_per_month: 7 }, after: { price: '89000.00', posts_per_month: null } },
    },
    {
      ...{ action: 'create', before: null, reason: 'For the spring' },
      after: { code: made.body.code, name: 'Gold', price: '99000.00' },
    },
  ]);
  const listed = (await app.get(null, '/api/billing/plans/')).body.results;
  expect(listed).toContainEqual(expect.objectContaining({ name: 'Gold', price: '89000.00' }));
});

test('categories, brands and regions are edited, and found by their new names', async () => {
  const moderator = await app.buildUser({ role: 'moderator' });
  const first = async (path: string) => (await app.get(moderator, `/api/admin/${path}`)).body.results[0];
  const brand = await first('brands/?code=bosch');
  const changed = await app.patch(moderator, `/api/admin/brands/${brand.id}/`, { aliases: ['Boshcha'] });
  expect(changed).toMatchObject({ status: 200, body: { name: brand.name, aliases: ['Boshcha'] } });
  const found = (await app.get(null, '/api/b2b/brands/?q=boshch')).body.results;
  expect(found).toMatchObject([{ code: 'bosch' }]);
  const category = await first('categories/');
  const path = `/api/admin/categories/${category.id}/`;
  const renamed = await app.patch(moderator, path, { name_ru: 'Расходники', reason: 'Shorter' });
  expect(renamed.body).toMatchObject({ name_ru: 'Расходники', name_uz: category.name_uz });
  const history = (await app.get(moderator, `${path}history/`)).body.results;
  expect(history).toMatchObject([{ before: { name_ru: category.name_ru }, after: { name_ru: 'Расходники' } }]);
  const region = await first('regions/');
  const named = await app.patch(moderator, `/api/admin/regions/${region.id}/`, { name_en: 'Elsewhere' });
  expect(named).toMatchObject({ status: 200, body: { id: region.id, name_en: 'Elsewhere' } });
  expect((await app.get(moderator, '/api/admin/regions/nowhere/')).status).toBe(404);
});

test('a name of a brand in a script that is not read finds no other word of that script', async () => {
  const [moderator, dealer] = [await app.buildUser({ role: 'moderator' }), await buildDealer(app)];
  const [brand] = (await app.get(moderator, '/api/admin/brands/?code=haval')).body.results;
  await app.patch(moderator, `/api/admin/brands/${brand.id}/`, { aliases: [...brand.aliases, '哈弗'] });
  await app.post(dealer, '/api/b2b/posts/', { title: 'Bamper', brand: 'Haval', fitments: [{ make: 'Haval' }] });
  const found = async (filter: object) =>
    (await app.get(dealer, `/api/b2b/posts/?${new URLSearchParams({ ...filter })}`)).body.results.length;
  expect([await found({ brand: 'Haval' }), await found({ make: 'haval' })]).toEqual([1, 1]);
  expect([await found({ brand: '汽车' }), await found({ make: '汽车' })]).toEqual([0, 0]);
});

test('a tax number that staff change has been checked by nobody, and the audit says so', async () => {
  const [moderator, dealer] = [await app.buildUser({ role: 'moderator' }), await buildDealer(app)];
  const profile = { company_name: 'Yangi Savdo', activity: ['seller'], tin: '123456789' };
  await app.put(dealer, '/api/b2b/profile/', profile);
  await app.post(moderator, '/api/admin/b2b-profiles/actions/verify/', { ids: [dealer.id] });
  const change = async (more: object) =>
    (await app.patch(moderator, `/api/admin/b2b-profiles/${dealer.id}/`, more)).body.is_verified;
  expect(await change({ tin: '123456789', city: 'Toshkent' })).toBe(true);
  expect(await change({ tin: '987654321' })).toBe(false);
  expect((await auditOf(dealer.id)).at(-1)).toMatchObject({
    before: { tin: '123456789', is_verified: true },
    after: { tin: '987654321', is_verified: false },
  });
  expect(await change({ tin: '123456789' })).toBe(false);
});

test('S-66: a change that is refused leaves no row, and neither does a record that is not there', async () => {
  const user = await boss();
  await asStaff(app, seedPlans);
  const taken = await app.post(user, '/api/admin/plans/', plan({ code: 'basic' }));
  expect(taken).toMatchObject({ status: 400, body: { details: { fields: [{ path: 'code', code: 'taken' }] } } });
  const id = newId();
  expect((await app.patch(user, `/api/admin/plans/${id}/`, { name: 'None' })).status).toBe(404);
  expect(await auditOf(id)).toEqual([]);
  expect((await app.patch(user, `/api/admin/plans/nothing/`, { name: 'None' })).status).toBe(404);
});

test('S-66: no call changes or removes a row of the audit', async () => {
  const user = await boss();
  await app.post(user, '/api/admin/plans/', plan());
  const [row] = (await app.get(user, '/api/admin/audit/')).body.results;
  const path = `/api/admin/audit/${row.id}/`;
  expect((await app.get(user, path)).status).toBe(200);
  for (const method of ['PATCH', 'PUT', 'DELETE'] as const)
    expect((await app.request(method, user, path, { reason: 'none' })).status).toBe(405);
  expect((await app.post(user, '/api/admin/audit/', { action: 'x' })).status).toBe(405);
  const em = app.orm.em.fork();
  await expect(em.execute('update audit_log set reason = ? where id = ?', ['none', row.id])).rejects.toThrow();
  await expect(em.execute('delete from audit_log where id = ?', [row.id])).rejects.toThrow();
});

test('two who change one record at the same moment: both changes are told, each from what the other left', async () => {
  const user = await boss();
  const { body } = await app.post(user, '/api/admin/plans/', plan({ sort_order: 0 }));
  const path = `/api/admin/plans/${body.id}/`;
  await Promise.all(Array.from({ length: 8 }, (_, n) => app.patch(user, path, { sort_order: n + 1 })));
  const steps = (await auditOf(body.id)).filter(({ action }) => action === 'edit');
  expect(steps).toHaveLength(8);
  const left = new Set(steps.map(({ before }) => before!['sort_order']));
  expect(left.size).toBe(8);
});

test('S-66: of operators who act on one user or session at once each tells what the one before left', async () => {
  const [chief, target, other] = [await boss(), await app.buildUser(), await app.buildUser()]; // biome-ignore format: one line reads better
  const act = async (path: string, { id }: { id: string }, more: object = {}) => {
    const { body } = await app.post(chief, `/api/admin/${path.replace('/', '/actions/')}/`, { ids: [id], ...more });
    return body.results[0];
  };
  const roles = ['moderator', 'billing', 'support', 'auditor', 'superuser'];
  await Promise.all(roles.map(role => act('users/set_role', target, { params: { role } })));
  const told = await auditOf(target.id);
  const left = ['user', ...told.map(({ after }) => after!['role'])];
  expect(told.map(({ before }) => before!['role'])).toEqual(left.slice(0, roles.length));
  const ends = await Promise.all([1, 2, 3].map(() => act('sessions/end', { id: other.sessionId })));
  const codes = ends.map(({ ok, code }: { ok: boolean; code: string }) => ok || code);
  expect(codes.sort()).toEqual(['invalid_state', 'invalid_state', true]);
  expect(await auditOf(other.sessionId)).toHaveLength(1);
});

test('S-34: phones and addresses are for roles that need them, as columns, filters and words to search', async () => {
  const auditor = await app.buildUser({ role: 'auditor' });
  const target = await app.buildUser({ fullName: 'Karim Masked' });
  const { body } = await app.get(auditor, `/api/admin/users/${target.id}/`);
  expect(body).toMatchObject({
    full_name: 'Karim Masked',
    phone: `${target.phone.slice(0, 6)}*****${target.phone.slice(-2)}`,
  });
  const list = async (query: string) => (await app.get(auditor, `/api/admin/users/?${query}`)).body;
  expect((await list(`phone=${encodeURIComponent(target.phone)}`)).code).toBe('permission_denied');
  expect((await list(`search=${target.phone.slice(1)}`)).results).toEqual([]);
  expect((await list('search=Karim Masked')).results).toHaveLength(1);
  const session = await app.get(auditor, `/api/admin/sessions/${target.sessionId}/`);
  expect(session.body).toMatchObject({ user_id: target.id, ip: null });
});

test('support edits users; staff are edited by superusers alone', async () => {
  const [support, user, chief] = [await app.buildUser({ role: 'support' }), await app.buildUser(), await boss()];
  const rename = (who: TestUser, { id }: TestUser) =>
    app.patch(who, `/api/admin/users/${id}/`, { full_name: 'Renamed' });
  expect((await rename(support, user)).status).toBe(200);
  for (const staff of [chief, support])
    expect(await rename(support, staff)).toMatchObject({ status: 403, body: { code: 'permission_denied' } });
  expect(await auditOf(chief.id)).toEqual([]);
  expect((await rename(chief, support)).status).toBe(200);
});

test('S-34: what a column hides from a role its history and the audit hide too', async () => {
  const [moderator, auditor] = [await app.buildUser({ role: 'moderator' }), await app.buildUser({ role: 'auditor' })];
  const dealer = await buildDealer(app);
  const path = `/api/admin/b2b-profiles/${dealer.id}/`;
  await app.patch(moderator, path, { tin: '123456789', address: 'Amir Temur 1', city: 'Toshkent' });
  const told = async (who: TestUser) => (await app.get(who, `${path}history/`)).body.results[0];
  const { id, after } = await told(auditor);
  expect(after).toEqual({ tin: '***', address: '***', city: 'Toshkent' });
  expect((await told(auditor)).before).toEqual({ tin: null, address: null, city: null });
  expect((await app.get(auditor, `/api/admin/audit/${id}/`)).body.after).toEqual(after);
  await app.get(moderator, '/api/admin/b2b-profiles/export.csv?tin=123456789');
  const [asked] = (await app.get(auditor, `/api/admin/audit/?action=export&actor_id=${moderator.id}`)).body.results;
  expect((await app.get(auditor, `/api/admin/audit/${asked.id}/`)).body.after).toEqual({ filters: { tin: '***' } });
  expect((await told(moderator)).after).toEqual({ tin: '123456789', address: 'Amir Temur 1', city: 'Toshkent' });
  const boss = await app.buildUser({ role: 'superuser' });
  expect((await app.get(boss, `/api/admin/audit/${id}/`)).body.after.tin).toBe('123456789');
});

test('an answer holds nothing but what its contract names: no hash, no salt', async () => {
  const user = await boss();
  const target = await app.buildUser({ passwordHash: 'a hash' });
  const { body } = await app.get(user, `/api/admin/users/${target.id}/`);
  expect(body).toMatchObject({ has_password: true });
  expect(JSON.stringify(body)).not.toContain('a hash');
});

test('the registry names everything in three languages', () => {
  const names = resources.flatMap(({ name, columns, filters = {}, fields = {}, actions }) => [
    name,
    ...[columns, filters, fields].flatMap(Object.keys),
    ...[columns, filters, fields].flatMap(some => Object.values(some).flatMap(({ choices }) => choices ?? [])),
    ...Object.keys(actions?.each ?? {}),
    ...Object.values(actions?.each ?? {}).flatMap(({ params = [] }) => params),
    ...(actions ? Object.values(paramsOf(actions.operation)).flatMap(({ choices }) => choices ?? []) : []),
  ]);
  expect([...new Set(names)].filter(name => !isLabelled(name))).toEqual([]);
});
