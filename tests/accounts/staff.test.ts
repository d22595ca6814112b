import { expect, test } from 'vitest';
import { hashPassword } from '../../src/accounts/passwords.ts';
import type { Role } from '../../src/common/context.ts';
import {
  bearer,
  buildMember,
  DAY,
  later,
  logIn,
  MINUTE,
  newPhone,
  requestCode,
  verify,
  wrongCode,
} from '../support/accounts.ts';
import { eventually, once, openSocket, record, type TestUser, useApp } from '../support/app.ts';

const app = useApp({ RATE_LIMITS: 'relaxed' });
const PASSWORD = 'correct horse battery';

async function buildStaff(role: Role): Promise<TestUser> {
  return app.buildUser({ role, phone: newPhone(), passwordHash: await hashPassword(PASSWORD) });
}

/** A staff login by both steps; the token that opens the staff's routes. */
async function adminToken(phone: string): Promise<{ access: string; refresh: string; device_token: string }> {
  const { body } = await app.post(null, '/api/admin/login/', { phone, password: PASSWORD });
  return (await app.post(null, '/api/admin/login/verify/', { otp_id: body.otp_id, code: body.dev_code })).body;
}

const auditOf = (id: string) =>
  app.orm.em
    .fork()
    .execute(
      'select action, actor_id, actor_role, before, after, reason from audit_log where object_id = ? order by id',
      [id],
    );

test('staff log in with password and code; who is no staff hears what a wrong password hears', async () => {
  const staff = await buildStaff('support');
  const member = await buildMember(app);
  const first = await app.post(null, '/api/admin/login/', { phone: staff.phone, password: PASSWORD });
  expect(first).toMatchObject({ status: 200, body: { expires_in: 180, resend_in: 60, dev_code: expect.any(String) } });
  const verifyCode = (code: string) => app.post(null, '/api/admin/login/verify/', { otp_id: first.body.otp_id, code });
  expect((await verifyCode(wrongCode(first.body.dev_code))).body.code).toBe('otp_invalid');
  expect((await verify(app, staff.phone, first.body.dev_code)).body.code).toBe('otp_invalid');
  const done = await verifyCode(first.body.dev_code);
  expect(done).toMatchObject({ status: 200, body: { user: { role: 'support', is_staff: true } } });
  expect((await verifyCode(first.body.dev_code)).body.code).toBe('otp_invalid');
  const more = { phone: staff.phone, password: PASSWORD, role: 'superuser' };
  expect(await app.post(null, '/api/admin/login/', more)).toMatchObject({
    status: 400,
    body: { code: 'validation_failed', details: { fields: [{ code: 'unrecognized_keys' }] } },
  });
  const [notStaff, wrong] = [
    await app.post(null, '/api/admin/login/', { phone: member.phone, password: member.password }),
    await app.post(null, '/api/admin/login/', { phone: staff.phone, password: 'wrong horse battery' }),
  ];
  expect([notStaff.status, notStaff.body.code]).toEqual([wrong.status, wrong.body.code]);
});

test('S-39: the routes of staff are closed to users, to staff without both steps, and to other roles', async () => {
  const [member, target] = [await logIn(app), await app.buildUser()];
  const path = '/api/admin/users/actions/revoke_sessions/';
  const code = async (token: string) => (await app.post(null, path, { ids: [target.id] }, bearer(token))).body.code;
  expect((await app.post(null, path, { ids: [target.id] })).body.code).toBe('auth_required');
  expect(await code(member.body.access)).toBe('permission_denied');
  const support = await buildStaff('support');
  const onlyCode = await logIn(app, support.phone);
  expect(await code(onlyCode.body.access)).toBe('permission_denied');
  for (const role of ['moderator', 'billing', 'auditor'] as const)
    expect(await code((await adminToken((await buildStaff(role)).phone)).access)).toBe('permission_denied');
  for (const role of ['support', 'superuser'] as const)
    expect(await code((await adminToken((await buildStaff(role)).phone)).access)).toBeUndefined();
});

test('S-39: neither a new password nor a second proof makes a token of staff but the login of staff', async () => {
  const [staff, target] = [await buildStaff('support'), await app.buildUser()];
  const path = '/api/admin/users/actions/revoke_sessions/';
  const code = async (token: string, headers = {}) =>
    (await app.post(null, path, { ids: [target.id] }, { ...bearer(token), ...headers })).body.code;
  const byCode = (await logIn(app, staff.phone)).body;
  const set = await app.post(
    null,
    '/api/auth/set-password/',
    { password: 'another horse battery' },
    bearer(byCode.access),
  );
  expect(await code(set.body.access)).toBe('permission_denied');
  const login = { phone: staff.phone, password: 'another horse battery' };
  const byPassword = (await app.post(null, '/api/auth/login/', login)).body;
  const { dev_code } = (await requestCode(app, staff.phone, {}, later(2 * MINUTE))).body;
  const both = await verify(app, staff.phone, dev_code, {}, { ...bearer(byPassword.access), ...later(2 * MINUTE) });
  expect(both.body.session_id).toBe(byPassword.session_id);
  expect(await code(both.body.access, later(2 * MINUTE))).toBe('permission_denied');
});

test('nobody who knows the number of staff shuts them out: neither their codes nor their password', async () => {
  const staff = await buildStaff('support');
  const { device_token } = await adminToken(staff.phone);
  for (let minute = 2, failures = 0; failures < 10; minute += 2) {
    const { dev_code } = (await requestCode(app, staff.phone, {}, later(minute * MINUTE))).body;
    for (let n = 0; n < 5; n += 1, failures += 1)
      await verify(app, staff.phone, wrongCode(dev_code), {}, later(minute * MINUTE));
  }
  const at = later(6 * MINUTE);
  expect((await requestCode(app, staff.phone, {}, at)).body.code).toBe('otp_locked');
  for (let n = 0; n < 5; n += 1)
    await app.post(null, '/api/admin/login/', { phone: staff.phone, password: 'wrong horse battery' }, at);
  const login = { phone: staff.phone, password: PASSWORD };
  expect((await app.post(null, '/api/admin/login/', login, at)).body.code).toBe('login_locked');
  const first = await app.post(null, '/api/admin/login/', { ...login, device: { token: device_token } }, at);
  const { otp_id, dev_code: code } = first.body;
  // whoever tries codes at the users' door spends none of the tries of a code for staff
  for (let n = 0; n < 5; n += 1) await verify(app, staff.phone, wrongCode(code), {}, at);
  expect((await app.post(null, '/api/admin/login/verify/', { otp_id, code }, at)).status).toBe(200);
});

test('S-28: ban, role and unlock, each with its audit row', async () => {
  const [staff, boss] = [await buildStaff('support'), await buildStaff('superuser')];
  const [support, superuser] = [await adminToken(staff.phone), await adminToken(boss.phone)];
  const asked = (token: { access: string }, action: string, ids: string[], more: object = {}) =>
    app.post(null, `/api/admin/users/actions/${action}/`, { ids, ...more }, bearer(token.access));
  const member = await logIn(app);
  const { id } = member.body.user;
  const socket = openSocket(app.url, '/chat', { token: member.body.access });
  await once(socket, 'session:ready');
  const revoked = record(socket, 'session:revoked');

  expect((await asked(support, 'block', [id])).body).toMatchObject({
    code: 'validation_failed',
    details: { fields: [{ path: 'reason' }] },
  });
  expect((await asked(support, 'block', [id, staff.id, boss.id], { reason: 'fraud' })).body.results).toEqual(
    expect.arrayContaining([
      { id, ok: true },
      { id: staff.id, ok: false, code: 'permission_denied' },
      { id: boss.id, ok: false, code: 'permission_denied' },
    ]),
  );
  await eventually(() => expect([revoked, socket.connected]).toEqual([[{ reason: 'blocked' }], false]), 1_000);
  const answer = await app.get(null, '/api/auth/me/', bearer(member.body.access));
  expect(answer).toMatchObject({ status: 401, body: { code: 'session_revoked' } });
  const refused = await once(openSocket(app.url, '/chat', { token: member.body.access }), 'connect_error');
  expect(refused.message).toBe('account_blocked');
  const { refresh } = member.body;
  expect((await app.post(null, '/api/auth/token/refresh/', { refresh })).body.code).toBe('account_blocked');
  const { dev_code } = (await requestCode(app, member.phone, {}, later(2 * MINUTE))).body;
  expect((await verify(app, member.phone, dev_code, {}, later(2 * MINUTE))).body.code).toBe('account_blocked');
  expect((await asked(support, 'unblock', [id])).body.results).toEqual([{ id, ok: true }]);

  expect((await asked(support, 'set_role', [id], { params: { role: 'moderator' } })).body.code).toBe(
    'permission_denied',
  );
  expect((await asked(superuser, 'set_role', [id], { params: { role: 'moderator' } })).body.results).toEqual([
    { id, ok: true },
  ]);
  const rows = await auditOf(id);
  expect(rows.map(row => [row.action, row.actor_role, row.reason])).toEqual(
    expect.arrayContaining([
      ['block', 'support', 'fraud'],
      ['unblock', 'support', null],
      ['set_role', 'superuser', null],
    ]),
  );
  expect(JSON.stringify(rows)).not.toContain(PASSWORD);
});

test('S-28: who is banned, or is no staff any more, between the two steps of a login is not let in', async () => {
  const boss = await adminToken((await buildStaff('superuser')).phone);
  const changes = [
    ['block', { reason: 'fraud' }, 'account_blocked'],
    ['set_role', { params: { role: 'user' } }, 'otp_invalid'],
  ] as const;
  for (const [action, more, code] of changes) {
    const staff = await buildStaff('support');
    const { body } = await app.post(null, '/api/admin/login/', { phone: staff.phone, password: PASSWORD });
    await app.post(null, `/api/admin/users/actions/${action}/`, { ids: [staff.id], ...more }, bearer(boss.access));
    const second = { otp_id: body.otp_id, code: body.dev_code };
    expect((await app.post(null, '/api/admin/login/verify/', second)).body.code).toBe(code);
  }
});

test('a superuser neither bans themselves nor gives away their own role', async () => {
  const self = await buildStaff('superuser');
  const { access } = await adminToken(self.phone);
  const onSelf = (action: string, more: object) =>
    app.post(null, `/api/admin/users/actions/${action}/`, { ids: [self.id], ...more }, bearer(access));
  const refused = [{ id: self.id, ok: false, code: 'permission_denied' }];
  expect((await onSelf('block', { reason: 'by mistake' })).body.results).toEqual(refused);
  expect((await onSelf('set_role', { params: { role: 'user' } })).body.results).toEqual(refused);
});

test('S-27: a staff session ends when it was idle for half an hour', async () => {
  const { refresh } = await adminToken((await buildStaff('auditor')).phone);
  const next = (token: string, minutes: number) =>
    app.post(null, '/api/auth/token/refresh/', { refresh: token }, later(minutes * MINUTE));
  const renewed = await next(refresh, 29);
  expect(renewed.status).toBe(200);
  expect((await next(renewed.body.refresh, 60)).body.code).toBe('session_expired');
});

test('support unlocks codes and passwords, and gives an account that was set aside its number back', async () => {
  const support = await adminToken((await buildStaff('support')).phone);
  const asked = (action: string, id: string) =>
    app.post(null, `/api/admin/users/actions/${action}/`, { ids: [id] }, bearer(support.access));
  const member = await buildMember(app);
  for (let n = 0; n < 5; n += 1)
    await app.post(null, '/api/auth/login/', { phone: member.phone, password: 'wrong horse battery' });
  expect((await app.post(null, '/api/auth/login/', member)).body.code).toBe('login_locked');
  await asked('unlock_login', member.body.user.id);
  expect((await app.post(null, '/api/auth/login/', member)).status).toBe(200);

  const old = await logIn(app);
  const at = later(366 * DAY);
  const { dev_code } = (await requestCode(app, old.phone, {}, at)).body;
  const newcomer = (await verify(app, old.phone, dev_code, {}, at)).body.user.id;
  expect((await asked('reattach', old.body.user.id)).body.results).toEqual([
    { id: old.body.user.id, ok: false, code: 'phone_taken' },
  ]);
  await app.orm.em.fork().execute('update users set phone = null where id = ?', [newcomer]);
  expect((await asked('reattach', old.body.user.id)).body.results).toEqual([{ id: old.body.user.id, ok: true }]);
  expect((await asked('reattach', old.body.user.id)).body.results).toEqual([
    { id: old.body.user.id, ok: false, code: 'invalid_state' },
  ]);
});

test('S-66: logins, failures, new passwords and logouts are in the audit', async () => {
  const { phone, body } = await buildMember(app);
  await app.post(null, '/api/auth/login/', { phone, password: 'wrong horse battery' });
  await app.post(null, '/api/auth/logout/', {}, bearer(body.access));
  const em = app.orm.em.fork();
  const failed = await em.execute(
    `select actor_id, resource from audit_log where action = 'login_failed' and object_id = ?`,
    [body.user.id],
  );
  expect(failed).toEqual([{ actor_id: null, resource: 'users' }]);
  const done = await em.execute('select distinct action from audit_log where actor_id = ? order by action', [
    body.user.id,
  ]);
  expect(done.map(({ action }) => action)).toEqual(['login', 'logout', 'set_password']);
});

/** Tables with a row that holds the text anywhere. */
async function tablesWith(text: string): Promise<string[]> {
  const em = app.orm.em.fork();
  const tables = await em.execute(`select tablename from pg_tables where schemaname = 'public' order by 1`);
  const found: string[] = [];
  for (const { tablename } of tables) {
    const [row] = await em.execute(`select 1 from "${tablename}" t where t::text like ? limit 1`, [`%${text}%`]);
    if (row) found.push(tablename);
  }
  return found;
}

test('S-67: thirty days after its deletion nothing personal is left of an account, and after ninety no log of codes', async () => {
  const [member, support, newPlace] = [await buildMember(app), await buildStaff('support'), newPhone()];
  const { access } = member.body;
  await app.patch(null, '/api/auth/me/', { full_name: 'Ali Purgedov' }, bearer(access));
  await app.post(null, '/api/auth/login/', { phone: member.phone, password: 'wrong horse battery' });
  const change = await requestCode(app, newPlace, { purpose: 'change_phone' });
  const { verification_token } = (await verify(app, newPlace, change.body.dev_code)).body;
  expect((await app.post(null, '/api/auth/change-phone/', { verification_token }, bearer(access))).status).toBe(200);
  const unlock = { ids: [member.body.user.id], reason: `${newPlace} called` };
  await app.post(
    null,
    '/api/admin/users/actions/unlock_otp/',
    unlock,
    bearer((await adminToken(support.phone)).access),
  );
  await app.delete(null, '/api/auth/me/', { confirm: 'DELETE' }, bearer(access));
  await app.jobs.run('purge-accounts', new Date(Date.now() + 29 * DAY));
  expect(await tablesWith('Ali Purgedov')).toEqual(['users']);
  expect(await tablesWith(newPlace)).toEqual(['otp_request_log', 'users']);
  await app.jobs.run('purge-accounts', new Date(Date.now() + 31 * DAY));
  expect(await tablesWith('Ali Purgedov')).toEqual([]);
  expect([await tablesWith(newPlace), await tablesWith(member.phone)]).toEqual([
    ['otp_request_log'],
    ['otp_request_log'],
  ]);
  await app.jobs.run('purge-accounts', new Date(Date.now() + 91 * DAY));
  expect([await tablesWith(newPlace), await tablesWith(member.phone)]).toEqual([[], []]);
});
