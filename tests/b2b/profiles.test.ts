import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { facts } from '../../src/b2b/contract.ts';
import { B2bProfile } from '../../src/b2b/entities.ts';
import { type TestUser, useApp } from '../support/app.ts';
import { askWhileDeleted } from '../support/deleting.ts';
import { waiting } from '../support/locks.ts';
import { uploadFolder, uploadImage } from '../support/uploads.ts';
import { act, buildDealer, postInput } from '../support/worlds.ts';

const app = useApp({ RATE_LIMITS: 'relaxed', UPLOAD_DIR: await uploadFolder() });
const generous = useApp({ B2B_AUTO_ENABLE: '1' });

const path = '/api/b2b/profile/';
const put = (who: TestUser, more: object = {}, headers = {}) =>
  app.put(who, path, { company_name: 'Sergeli Auto', tin: '123456789', ...more }, headers);
const profileOf = async (who: TestUser) => (await app.get(who, path)).body;
const avatarOf = async (who: TestUser) => (await app.get(who, '/api/auth/me/')).body.avatar_url;
const buildModerator = () => app.buildUser({ role: 'moderator' });

test('S-35: what only staff decide is not taken from the body of a profile', async () => {
  const user = await app.buildUser();
  const wanted = {
    is_enabled: true,
    is_verified: true,
    status: 'enabled',
    reason: 'none',
    rev: 9,
    user_id: randomUUID(),
    role: 'superuser',
    logo_url: '/x',
  };
  expect((await put(user, wanted)).body).toMatchObject({
    ...{ is_enabled: false, status: 'pending', reason: null, rev: 1, logo_url: null },
  });
  expect((await app.get(user, '/api/auth/me/')).body).toMatchObject({ role: 'user', b2b: { is_enabled: false } });
});

/** What may be done to a profile in each state, and where it leads. */
test.each([
  ['pending', { enable: 'enabled', reject: 'rejected' }],
  ['enabled', { suspend: 'suspended' }],
  ['rejected', { enable: 'enabled' }],
  ['suspended', { enable: 'enabled' }],
] as const)(
  'a profile that is %s goes where staff may send it, and nowhere else',
  async (state, allowed: Record<string, string>) => {
    const moderator = await buildModerator();
    for (const action of ['enable', 'reject', 'suspend']) {
      const user = await app.buildUser();
      await put(user);
      if (state === 'rejected') await act(app, moderator, 'b2b-profiles/reject', user.id, { reason: 'No papers' });
      if (state === 'enabled' || state === 'suspended') await act(app, moderator, 'b2b-profiles/enable', user.id);
      if (state === 'suspended') await act(app, moderator, 'b2b-profiles/suspend', user.id, { reason: 'Fraud' });
      expect((await profileOf(user)).status).toBe(state);
      const answer = await act(app, moderator, `b2b-profiles/${action}`, user.id, { reason: 'because' });
      const { status, is_enabled, reason } = await profileOf(user);
      expect([action, answer.code ?? status]).toEqual([action, allowed[action] ?? 'invalid_state']);
      if (answer.ok)
        expect([is_enabled, reason]).toEqual([action === 'enable', action === 'enable' ? null : 'because']);
    }
  },
);

test('of decisions on one profile at once each sees what the one before has made', async () => {
  const [moderator, user] = [await buildModerator(), await app.buildUser()];
  await put(user);
  const reject = () => act(app, moderator, 'b2b-profiles/reject', user.id, { reason: 'No papers' });
  const { asked } = await app.orm.em.fork().transactional(async em => {
    await em.execute('select 1 from b2b_profiles where user_id = ? for update', [user.id]);
    const asked = [reject(), reject()];
    await waiting(app, 2);
    return { asked };
  });
  const answers = await Promise.all(asked);
  expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
});

test('staff decide with a reason, each object is answered by itself, and the user is told', async () => {
  const [moderator, first, second] = [await buildModerator(), await app.buildUser(), await app.buildUser()];
  const told: unknown[] = [];
  const mine = [first.id, second.id];
  for (const fact of [facts.profileEnabled, facts.profileRejected])
    app.listeners.on(fact, async announced => {
      told.push(...announced.map(({ payload }) => payload).filter(({ userId }) => mine.includes(userId)));
    });
  for (const user of [first, second]) await put(user);
  const asked = (action: string, ids: string[], reason?: string) =>
    app.post(moderator, `/api/admin/b2b-profiles/actions/${action}/`, { ids, reason });
  for (const action of ['reject', 'suspend'])
    expect((await asked(action, mine)).body).toMatchObject({
      code: 'validation_failed',
      details: { fields: [{ path: 'reason' }] },
    });
  const missing = randomUUID();
  const { body } = await asked('enable', [first.id, missing, first.id]);
  expect(body.results).toHaveLength(2);
  expect(body.results).toEqual(
    expect.arrayContaining([
      { id: first.id, ok: true },
      { id: missing, ok: false, code: 'not_found' },
    ]),
  );
  await asked('suspend', [first.id], 'Fraud');
  await asked('reject', [second.id], 'No papers');
  expect(told).toEqual([
    { userId: first.id, isEnabled: true, reason: null },
    { userId: first.id, isEnabled: false, reason: 'Fraud' },
    { userId: second.id, reason: 'No papers' },
  ]);
  const audit = await app.orm.em
    .fork()
    .execute('select action, before, after, reason from audit_log where object_id = ? order by id', [first.id]);
  expect(audit).toEqual([
    { action: 'enable', before: { status: 'pending' }, after: { status: 'enabled' }, reason: null },
    { action: 'suspend', before: { status: 'enabled' }, after: { status: 'suspended' }, reason: 'Fraud' },
  ]);
});

test('S-38: what staff give and take holds for the next request, with the old token', async () => {
  const [moderator, user] = [await buildModerator(), await app.buildUser()];
  await put(user);
  const draft = () => app.post(user, '/api/b2b/posts/', postInput({ status: 'draft' }));
  expect((await draft()).body).toMatchObject({ code: 'b2b_not_enabled', details: { status: 'pending' } });
  await act(app, moderator, 'b2b-profiles/enable', user.id);
  expect((await draft()).status).toBe(201);
  await act(app, moderator, 'b2b-profiles/suspend', user.id, { reason: 'Fraud' });
  expect((await draft()).body).toMatchObject({ code: 'b2b_not_enabled', details: { status: 'suspended' } });
  expect((await app.get(user, '/api/b2b/posts/')).body.code).toBe('b2b_not_enabled');
  // a suspended business does not ask its way back
  expect((await put(user)).body).toMatchObject({ status: 'suspended', reason: 'Fraud' });
});

test('a rejected profile that is written anew asks again', async () => {
  const [moderator, user] = [await buildModerator(), await app.buildUser()];
  await put(user);
  await act(app, moderator, 'b2b-profiles/reject', user.id, { reason: 'No papers' });
  expect(await profileOf(user)).toMatchObject({ status: 'rejected', reason: 'No papers' });
  expect((await put(user)).body).toMatchObject({ status: 'pending', reason: null });
});

test('with B2B_AUTO_ENABLE the first profile opens the board without staff', async () => {
  const user = await generous.buildUser();
  const { body } = await generous.put(user, path, { company_name: 'Sergeli Auto' });
  expect(body).toMatchObject({ status: 'enabled', is_enabled: true, rev: 2 });
  expect((await generous.get(user, '/api/b2b/posts/')).status).toBe(200);
});

test('with B2B_AUTO_ENABLE too, what staff have rejected waits for them', async () => {
  const user = await generous.buildUser();
  await generous.put(user, path, { company_name: 'Sergeli Auto' });
  // as it was left by staff before the setting was made
  await generous.orm.em.fork().nativeUpdate(B2bProfile, { user: user.id }, { status: 'rejected', isEnabled: false });
  for (const company_name of ['Sergeli Auto', 'Sergeli Auto Plus'])
    expect((await generous.put(user, path, { company_name })).body).toMatchObject({
      ...{ status: 'pending', is_enabled: false, company_name },
    });
  expect((await generous.get(user, '/api/b2b/posts/')).body.code).toBe('b2b_not_enabled');
});

test('a verified tax number shows at the name; another number has to be verified again', async () => {
  const [moderator, owner] = [await buildModerator(), await buildDealer(app)];
  const isVerified = async () => (await app.post(owner, '/api/b2b/posts/', postInput())).body.author.is_verified;
  expect(await act(app, moderator, 'b2b-profiles/verify', owner.id)).toMatchObject({ code: 'invalid_state' });
  await put(owner);
  expect(await isVerified()).toBe(false);
  expect(await act(app, moderator, 'b2b-profiles/verify', owner.id)).toMatchObject({ ok: true });
  await put(owner, { about: 'Ehtiyot qismlar' });
  expect(await isVerified()).toBe(true);
  await put(owner, { tin: '987654321' });
  expect(await isVerified()).toBe(false);
});

test('If-Match: of eight changes of a profile that saw the same state one is made', async () => {
  const user = await app.buildUser();
  expect((await app.get(user, path)).headers.get('etag')).toBe('"0"');
  const made = await put(user, {}, { 'if-match': '"0"' });
  expect([made.status, made.headers.get('etag')]).toEqual([200, '"1"']);
  for (let rev = 1; rev <= 4; rev += 1) {
    const change = (n: number) => put(user, { company_name: `Company ${n}` }, { 'if-match': `"${rev}"` });
    const all = await Promise.all(Array.from({ length: 8 }, (_, n) => change(n)));
    const [done, ...others] = all.filter(({ status }) => status === 200);
    expect(others).toEqual([]);
    const current = { company_name: done!.body.company_name, rev: rev + 1 };
    for (const { status, body } of all.filter(reply => reply !== done))
      expect({ status, body }).toMatchObject({ status: 412, body: { code: 'conflict', details: { current } } });
  }
});

test('the logo of a company stands beside its name, until the user has a picture of their own', async () => {
  const [owner, other] = [await buildDealer(app), await buildDealer(app)];
  const [logo, picture] = [await uploadImage(app, owner, 'avatar'), await uploadImage(app, owner, 'avatar')];
  expect((await put(owner, { logo_upload_id: logo.id })).body).toMatchObject({
    ...{ logo_upload_id: logo.id, logo_url: logo.thumb_url },
  });
  const { body } = await app.post(owner, '/api/b2b/posts/', postInput());
  const shown = async () => (await app.get(other, `/api/b2b/posts/${body.id}/`)).body.author.avatar_url;
  expect([await shown(), await avatarOf(owner)]).toEqual([logo.thumb_url, logo.thumb_url]);
  // the same again changes nothing
  expect((await put(owner, { logo_upload_id: logo.id })).body.logo_url).toBe(logo.thumb_url);
  const mine = await app.patch(owner, '/api/auth/me/', { avatar_upload_id: picture.id });
  expect([mine.body.avatar_url, await shown()]).toEqual([picture.thumb_url, picture.thumb_url]);
  expect((await app.patch(owner, '/api/auth/me/', { locale: 'ru' })).body.avatar_url).toBe(picture.thumb_url);
  expect((await app.patch(owner, '/api/auth/me/', { avatar_upload_id: null })).body.avatar_url).toBe(logo.thumb_url);
  expect((await put(owner)).body).toMatchObject({ logo_upload_id: null, logo_url: null });
  expect([await shown(), await avatarOf(owner)]).toEqual([null, null]);
});

test('S-36: neither a picture nor a logo is made of what somebody else has uploaded, or of a photo of a part', async () => {
  const [owner, thief] = [await app.buildUser(), await buildDealer(app)];
  const [foreign, photo] = [await uploadImage(app, owner, 'avatar'), await uploadImage(app, thief, 'post')];
  for (const id of [foreign.id, photo.id, randomUUID()]) {
    expect((await app.patch(thief, '/api/auth/me/', { avatar_upload_id: id, full_name: 'Thief' })).body.code).toBe(
      'not_found',
    );
    expect((await put(thief, { logo_upload_id: id })).body.code).toBe('not_found');
  }
  expect((await app.get(thief, '/api/auth/me/')).body).toMatchObject({ avatar_url: null, full_name: null });
  expect((await app.patch(owner, '/api/auth/me/', { avatar_upload_id: foreign.id })).body.avatar_url).toBe(
    foreign.thumb_url,
  );
});

test('S-67: a deleted account shows no picture, no logo and no post, and its images go with the orphans', async () => {
  const owner = await buildDealer(app);
  const [picture, logo, photo] = [
    await uploadImage(app, owner, 'avatar'),
    await uploadImage(app, owner, 'avatar'),
    await uploadImage(app, owner),
  ];
  await app.patch(owner, '/api/auth/me/', { avatar_upload_id: picture.id });
  await put(owner, { logo_upload_id: logo.id });
  await app.post(owner, '/api/b2b/posts/', postInput({ image_ids: [photo.id] }));
  expect((await app.delete(owner, '/api/auth/me/', { confirm: 'DELETE' })).status).toBe(202);
  await app.jobs.run('remove-orphans', new Date(Date.now() + 86_400_001));
  const em = app.orm.em.fork();
  expect(await em.execute('select id from uploads where user_id = ?', [owner.id])).toEqual([]);
  expect(await em.execute('select avatar_url from users where id = ?', [owner.id])).toEqual([{ avatar_url: null }]);
  expect((await fetch(app.url + photo.url)).status).toBe(404);
});

test('what a deleted account has asked for waits for no operator', async () => {
  const [owner, moderator] = [await app.buildUser(), await app.buildUser({ role: 'moderator' })];
  const waiting = async () => (await app.get(moderator, '/api/admin/')).body.queues.b2b_profiles;
  const before = await waiting();
  await put(owner);
  expect(await waiting()).toBe(before + 1);
  await app.delete(owner, '/api/auth/me/', { confirm: 'DELETE' });
  expect(await waiting()).toBe(before);
  expect(await act(app, moderator, 'b2b-profiles/enable', owner.id)).toMatchObject({
    ok: false,
    code: 'invalid_state',
  });
});

test('S-67: an account that is being deleted takes no new picture, logo or name with it', async () => {
  const [one, other] = [await app.buildUser(), await app.buildUser()];
  const [picture, logo] = [await uploadImage(app, one, 'avatar'), await uploadImage(app, other, 'avatar')];
  const chosen = { full_name: 'Vali Aliyev', avatar_upload_id: picture.id };
  const answers = [
    await askWhileDeleted(app, one, () => app.patch(one, '/api/auth/me/', chosen)),
    await askWhileDeleted(app, other, () => put(other, { logo_upload_id: logo.id })),
  ];
  expect(answers.map(({ status, body }) => [status, body.code])).toEqual([
    [401, 'session_revoked'],
    [401, 'session_revoked'],
  ]);
});

test('S-67: 30 days after a deletion nothing says any more who the company was and where', async () => {
  const [owner, other] = [await buildDealer(app), await buildDealer(app)];
  const whole = {
    activity: ['seller'],
    region: 'UZ-TK',
    city: 'Toshkent',
    address: 'Bunyodkor 1',
    about: 'Since 1990',
  };
  for (const user of [owner, other]) expect((await put(user, whole)).status).toBe(200);
  await app.delete(owner, '/api/auth/me/', { confirm: 'DELETE' });
  const row = async (who: TestUser) => {
    const columns = 'company_name, tin, activity, region, city, address, about, reason';
    return (await app.orm.em.fork().execute(`select ${columns} from b2b_profiles where user_id = ?`, [who.id]))[0]!;
  };
  const purge = (days: number) => app.jobs.run('purge-accounts', new Date(Date.now() + days * 86_400_000));
  await purge(29);
  expect(await row(owner)).toMatchObject({ company_name: 'Sergeli Auto', tin: '123456789', city: 'Toshkent' });
  await purge(31);
  const { activity, ...rest } = await row(owner);
  expect([activity, new Set(Object.values(rest))]).toEqual([[], new Set([null])]);
  expect(await row(other)).toMatchObject({ ...whole, company_name: 'Sergeli Auto' });
});
