import { expect, onTestFinished, test } from 'vitest';
import { hashPassword } from '../../src/accounts/passwords.ts';
import { bearer, buildMember, HOUR, later, logIn, newPhone, requestCode, verify } from '../support/accounts.ts';
import { type Reply, startApp, type TestUser, useApp } from '../support/app.ts';
import { askWhileDeleted } from '../support/deleting.ts';

const app = useApp({ RATE_LIMITS: 'relaxed' });
const PASSWORD = 'correct horse battery';

/** More than are checked at once, fewer than end one another's sessions: the last still wait when the first are done. */
const logInAtOnce = (phone: string): Promise<Reply[]> =>
  Promise.all(Array.from({ length: 8 }, () => app.post(null, '/api/auth/login/', { phone, password: PASSWORD })));

/** What the tokens of those who were let in open now. */
async function openedBy(logins: Reply[]): Promise<number[]> {
  expect(logins.filter(({ status }) => status >= 500).map(({ body }) => body)).toEqual([]);
  const letIn = logins.filter(({ status }) => status === 200);
  const seen = await Promise.all(letIn.map(({ body }) => app.get(null, '/api/auth/me/', bearer(body.access))));
  return seen.map(({ status }) => status).filter(status => status !== 401);
}

const liveSessions = (userId: string) =>
  app.orm.em.fork().execute('select id from sessions where user_id = ? and revoked_at is null', [userId]);

test('S-19: a login with the old password at the moment of a new one opens nothing that outlives the change', async () => {
  const { body } = await buildMember(app, PASSWORD);
  const change = { password: 'another horse battery' };
  const [set, logins] = await Promise.all([
    app.post(null, '/api/auth/set-password/', change, bearer(body.access)),
    logInAtOnce(body.user.phone),
  ]);
  expect(set.status).toBe(200);
  expect(await openedBy(logins)).toEqual([]);
  expect(await liveSessions(body.user.id)).toEqual([{ id: set.body.session_id }]);
});

test('S-28: a login at the moment of a deletion opens nothing that outlives the account', async () => {
  const { body } = await buildMember(app, PASSWORD);
  const [logins, deleted] = await Promise.all([
    logInAtOnce(body.user.phone),
    app.delete(null, '/api/auth/me/', { confirm: 'DELETE' }, bearer(body.access)),
  ]);
  expect(deleted.status).toBe(202);
  expect(await openedBy(logins)).toEqual([]);
  expect(await liveSessions(body.user.id)).toEqual([]);
});

test('S-28: an account that is being deleted takes no new number with it', async () => {
  const [user, number] = [await app.buildUser(), newPhone()];
  const { dev_code } = (await requestCode(app, number, { purpose: 'change_phone' })).body;
  const { verification_token } = (await verify(app, number, dev_code)).body;
  const change = () => app.post(user, '/api/auth/change-phone/', { verification_token });
  expect(await askWhileDeleted(app, user, change)).toMatchObject({ status: 401, body: { code: 'session_revoked' } });
  const { body } = await logIn(app, number, later(HOUR));
  expect(body.is_new_user).toBe(true);
  expect(body.user.id).not.toBe(user.id);
});

test('of two sessions that change the number at once one is ended by the other', async () => {
  const { phone, password, body } = await buildMember(app);
  const other = (await app.post(null, '/api/auth/login/', { phone, password })).body;
  const numbers = [newPhone(), newPhone()];
  const change = async (number: string, access: string) => {
    const { dev_code } = (await requestCode(app, number, { purpose: 'change_phone' })).body;
    const { verification_token } = (await verify(app, number, dev_code)).body;
    return () => app.post(null, '/api/auth/change-phone/', { verification_token }, bearer(access));
  };
  const changes = [await change(numbers[0]!, body.access), await change(numbers[1]!, other.access)];
  const answers = await Promise.all(changes.map(ask => ask()));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 401]);
});

test('S-28: a login at the moment of a ban opens nothing that outlives the ban', async () => {
  const [member, boss] = [await buildMember(app, PASSWORD), await buildSuperuser()];
  const action = (name: string) => {
    const body = { ids: [member.body.user.id], reason: 'fraud' };
    return app.post(null, `/api/admin/users/actions/${name}/`, body, bearer(boss));
  };
  const [logins] = await Promise.all([logInAtOnce(member.phone), action('block')]);
  await action('unblock');
  expect(await openedBy(logins)).toEqual([]);
  expect(await liveSessions(member.body.user.id)).toEqual([]);
});

test('S-28: who was let in a moment before their account was deleted on another instance is told that the session has ended', async () => {
  const other = await startApp(app.config.DATABASE_URL!);
  onTestFinished(() => other.close());
  const { body } = await logIn(app);
  const who = bearer(body.access);
  expect((await other.get(null, '/api/auth/me/', who)).status).toBe(200);
  await app.delete(null, '/api/auth/me/', { confirm: 'DELETE' }, who);
  const answers = await Promise.all([
    other.get(null, '/api/auth/me/', who),
    other.patch(null, '/api/auth/me/', { full_name: 'Aziza' }, who),
    other.post(null, '/api/auth/set-password/', { password: PASSWORD }, who),
  ]);
  for (const answer of answers) expect(answer).toMatchObject({ status: 401, body: { code: 'session_revoked' } });
});

async function buildSuperuser(): Promise<string> {
  const more = { role: 'superuser', phone: newPhone(), passwordHash: await hashPassword(PASSWORD) } as const;
  const { phone }: TestUser = await app.buildUser(more);
  const { body } = await app.post(null, '/api/admin/login/', { phone, password: PASSWORD });
  const code = { otp_id: body.otp_id, code: body.dev_code };
  return (await app.post(null, '/api/admin/login/verify/', code)).body.access;
}

test('S-25: a refresh at the moment of a logout is told that the session has ended, and not that its token was copied', async () => {
  for (let round = 0; round < 8; round += 1) {
    const { body } = await logIn(app);
    const next = () => app.post(null, '/api/auth/token/refresh/', { refresh: body.refresh });
    const end = () => app.post(null, '/api/auth/logout/', {}, bearer(body.access));
    const [, ...answers] = await Promise.all([end(), next(), next(), next()]);
    const codes = answers.map(answer => answer.body.code ?? 'ok');
    expect(codes.filter(code => code !== 'ok' && code !== 'session_revoked')).toEqual([]);
  }
});
