import { expect, test } from 'vitest';
import { AuditEntry } from '../../src/accounts/entities.ts';
import { hashPassword } from '../../src/accounts/passwords.ts';
import { csvCell } from '../../src/admin/service/export.ts';
import { ConfigError } from '../../src/config.ts';
import { bearer, logIn, newPhone } from '../support/accounts.ts';
import { startApp, testConfig, useApp } from '../support/app.ts';
import { createTestDatabase } from '../support/postgres.ts';

const app = useApp({ RATE_LIMITS: 'off' });
const PASSWORD = 'correct horse battery';

async function staffLogin(phone: string, server = app): Promise<{ access: string }> {
  const { body } = await server.post(null, '/api/admin/login/', { phone, password: PASSWORD });
  return (await server.post(null, '/api/admin/login/verify/', { otp_id: body.otp_id, code: body.dev_code })).body;
}

test('S-39: the panel opens to staff by password and code alone, each role to its own part', async () => {
  const phone = newPhone();
  const staff = await app.buildUser({ role: 'support', phone, passwordHash: await hashPassword(PASSWORD) });
  const member = await logIn(app);
  const paths = [
    '',
    'charts/',
    'users/',
    `users/${staff.id}/`,
    `users/${staff.id}/history/`,
    'users/export.csv',
    'otp-log/',
  ];
  const byCode = (await logIn(app, phone)).body.access;
  const byPassword = (await app.post(null, '/api/auth/login/', { phone, password: PASSWORD })).body.access;
  const byBoth = (await staffLogin(phone)).access;
  for (const path of paths.map(one => `/api/admin/${one}`)) {
    const answers = await Promise.all(
      [member.body.access, byCode, byPassword, byBoth].map(token => app.get(null, path, bearer(token))),
    );
    expect([path, ...answers.map(({ status }) => status)]).toEqual([path, 403, 403, 403, 200]);
    expect((await app.get(null, path)).status).toBe(401);
  }
  for (const path of ['posts/', 'plans/', 'audit/', 'b2b-profiles/', 'reports/'])
    expect(await app.get(null, `/api/admin/${path}`, bearer(byBoth))).toMatchObject({
      status: 403,
      body: { code: 'permission_denied' },
    });
});

test('S-39: ADMIN_IP_ALLOW closes the panel, its API and its login to other addresses, and nothing else', async () => {
  const database = await createTestDatabase();
  const server = await startApp(database.url, { ADMIN_IP_ALLOW: '10.1.0.0/16, 2001:db8::/32', TRUST_PROXY: '1' });
  try {
    const user = await server.buildUser({ role: 'superuser' });
    const from = (ip: string) => ({ 'x-forwarded-for': ip });
    const codes = async (ip: string) => [
      (await server.get(user, '/api/admin/', from(ip))).status,
      (await server.post(null, '/api/admin/login/', { phone: user.phone, password: PASSWORD }, from(ip))).body.code,
      (await server.get(user, '/admin/', from(ip))).status,
      (await server.get(user, '/api/auth/me/', from(ip))).status,
    ];
    expect(await codes('10.1.2.3')).toEqual([200, 'invalid_credentials', 200, 200]);
    expect((await codes('2001:db8::7'))[0]).toBe(200);
    for (const ip of ['10.2.0.1', '2001:db9::1', '::ffff:10.2.0.1'])
      expect(await codes(ip)).toEqual([403, 'permission_denied', 403, 200]);
    expect((await codes('::ffff:10.1.2.3'))[0]).toBe(200);
  } finally {
    await server.close();
    await database.drop();
  }
  expect(() => testConfig('postgres://x', { ADMIN_IP_ALLOW: '10.0.0.0/33' })).toThrow(ConfigError);
});

test('S-63: an export holds every row the filters pick; what looks like a formula is text', async () => {
  const user = await app.buildUser({ role: 'superuser' });
  const names = ['=HYPERLINK("http://evil")', '+1+1', '-2', '@SUM(A1)', '\t=1', 'Ali, "Usta"', '<b>Vali</b>'];
  for (const fullName of names) await app.buildUser({ fullName, role: 'moderator' });
  const { status, headers, body } = await app.get(user, '/api/admin/users/export.csv?role=moderator');
  expect([status, headers.get('content-type'), headers.get('content-disposition')]).toEqual([
    ...[200, 'text/csv; charset=utf-8', 'attachment; filename="users.csv"'],
  ]);
  const lines = body.replace('\uFEFF', '').trim().split('\r\n');
  expect(lines[0]).toMatch(/^"id","full_name","phone","role"/);
  expect(lines).toHaveLength(names.length + 1);
  for (const cell of ['"\'=HYPERLINK(""http://evil"")"', '"\'+1+1"', '"\'-2"', '"\'@SUM(A1)"', '"\'\t=1"', '"Ali, ""Usta"""', '"<b>Vali</b>"']) // biome-ignore format: one line reads better
    expect(body).toContain(`,${cell},`);
  expect([csvCell(-5), csvCell(null), csvCell(['=1', 'b'])]).toEqual(['-5', '', '"\'=1; b"']);
  // Where semicolons part cells, and quotes in the middle of one hold nothing together.
  for (const text of ['a;=1+1', 'a; @SUM(A1)', 'a\n=1+1', 'a;"=1+1"', 'a\r\n-1', ' ;=1'])
    for (const cell of `"id",${csvCell(text)}`.split(/[;\r\n]/)) expect(cell).not.toMatch(/^[\s"]*[=+\-@]/);
  for (const text of ['a-b; c+d', 'x = y', 'a, -b']) expect(csvCell(text)).toBe(`"${text}"`);
  const audited = (await app.get(user, '/api/admin/audit/?action=export')).body.results;
  expect(audited[0]).toMatchObject({ resource: 'users', actor_id: user.id });
});

test('S-60: what an export was asked for stays in the audit without whole numbers, however they were typed', async () => {
  const user = await app.buildUser({ role: 'superuser' });
  const { phone } = await app.buildUser();
  const local = `${phone.slice(4, 6)} ${phone.slice(6, 9)}-${phone.slice(9)}`;
  const queries = { phone, search: phone.slice(1) };
  for (const [name, text] of [...Object.entries(queries), ['search', local], ['search', 'Karim']])
    await app.get(user, `/api/admin/users/export.csv?${name}=${encodeURIComponent(text!)}`);
  const em = app.orm.em.fork();
  const told = await em.find(AuditEntry, { action: 'export', actorId: user.id }, { orderBy: { id: 'asc' } });
  const end = `*****${phone.slice(-2)}`;
  expect(told.map(({ after }) => after!['filters'])).toEqual([
    { phone: phone.slice(0, 6) + end },
    { search: end },
    { search: end },
    { search: 'Karim' },
  ]);
});

test('S-63: an export of more rows than are read at once lacks none and repeats none', async () => {
  const user = await app.buildUser({ role: 'superuser' });
  const em = app.orm.em.fork();
  await em.execute(
    `insert into users (id, phone, full_name, role, created_at)
     select gen_random_uuid(), null, 'Bulk', 'auditor', now() from generate_series(1, 1203)`,
  );
  const { body } = await app.get(user, '/api/admin/users/export.csv?role=auditor');
  const ids = body.trim().split('\r\n').slice(1).map((line: string) => line.slice(0, 38)); // biome-ignore format: one line reads better
  expect([ids.length, new Set(ids).size]).toEqual([1203, 1203]);
  const refused = await app.get(await app.buildUser({ role: 'billing' }), '/api/admin/users/export.csv');
  expect(refused).toMatchObject({ status: 403, body: { code: 'permission_denied' } });
});

test('S-63: HTML that somebody stored comes back as JSON text', async () => {
  const user = await app.buildUser({ role: 'superuser' });
  const target = await app.buildUser({ fullName: '<img src=x onerror=alert(1)>' });
  const { headers, body } = await app.get(user, `/api/admin/users/${target.id}/`);
  expect(headers.get('content-type')).toMatch(/^application\/json/);
  expect(body.full_name).toBe('<img src=x onerror=alert(1)>');
});
