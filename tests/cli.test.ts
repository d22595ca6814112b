import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { useApp } from './support/app.ts';
import { preload } from './support/server-process.ts';

const app = useApp();
const main = join(import.meta.dirname, '../src/cli.ts');
let dataDir: string;
let lastPhone = 0;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'parthub-cli-'));
});
afterAll(() => rm(dataDir, { recursive: true }));

interface Ran {
  code: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into any answer
  answer: any;
  stdout: string;
  stderr: string;
}

function newPhone(): string {
  lastPhone += 1;
  return `+99894${String(3_000_000 + lastPhone)}`;
}

/** The command line beside the running server, on its database. */
function cli(args: string[], env: Record<string, string> = {}, input = ''): Promise<Ran> {
  const { config } = app;
  const settings = {
    NODE_ENV: 'test',
    DEBUG: '1',
    SECRET_KEY: config.SECRET_KEY,
    DATABASE_URL: config.DATABASE_URL!,
    DATA_DIR: dataDir,
    ...env,
  };
  return new Promise(resolve => {
    const child = execFile(
      process.execPath,
      [...preload, main, ...args],
      { env: { PATH: process.env['PATH'], ...settings } },
      (_error, stdout, stderr) => {
        const lines = stdout.trim().split('\n');
        const answer = args.includes('--json') && lines[0] ? JSON.parse(lines[0]!) : undefined;
        resolve({ code: child.exitCode ?? -1, answer, stdout, stderr });
      },
    );
    child.stdin!.on('error', () => {}).end(input); // a command that does not ask may have ended
  });
}

test('enable-b2b and set-subscription make a stranger a dealer, at once and without a restart', async () => {
  const phone = newPhone();
  expect((await cli(['enable-b2b', phone, '--company', 'Sergeli Auto', '--json'])).answer).toMatchObject({
    ok: true,
    phone,
    company_name: 'Sergeli Auto',
    is_enabled: true,
  });
  const { answer } = await cli(['set-subscription', phone, 'basic', '--json']);
  expect(answer).toMatchObject({ ok: true, phone, subscription: { plan: { code: 'basic' }, status: 'active' } });
  const audited = 'select action, actor_id, after from audit_log where object_id = ?';
  expect(await app.orm.em.fork().execute(audited, [answer.subscription.id])).toMatchObject([
    { action: 'set_subscription', actor_id: null, after: { plan: 'basic', status: 'active' } },
  ]);
  const { body } = await app.post(null, '/api/auth/request-otp/', { phone });
  const login = await app.post(null, '/api/auth/verify-otp/', { phone, code: body.dev_code });
  const bearer = { authorization: `Bearer ${login.body.access}` };
  expect(login.body).toMatchObject({
    is_new_user: false,
    user: { display_name: 'Sergeli Auto', b2b: { is_enabled: true } },
  });
  expect((await app.get(null, '/api/billing/me/', bearer)).body).toMatchObject({
    can_post: true,
    usage: { posts_limit: 5 },
  });
  expect((await cli(['enable-b2b', phone, '--off'])).stdout).toContain('switched off');
  expect((await app.get(null, '/api/billing/me/', bearer)).body).toMatchObject({
    can_post: false,
    blockers: ['b2b_not_enabled'],
  });
  const done = await app.orm.em
    .fork()
    .execute(
      `select action, resource, actor_id, ip from audit_log where ip = 'cli' and resource <> 'plans' order by id`,
    );
  expect(done).toEqual([
    { action: 'enable', resource: 'b2b-profiles', actor_id: null, ip: 'cli' },
    { action: 'set_subscription', resource: 'subscriptions', actor_id: null, ip: 'cli' },
    { action: 'suspend', resource: 'b2b-profiles', actor_id: null, ip: 'cli' },
  ]);
});

test('S-20: createsuperuser refuses a weak password, and neither prints nor logs one', async () => {
  const phone = newPhone();
  const weak = await cli(['createsuperuser', '--no-input', '--json'], {
    SUPERUSER_PHONE: phone,
    SUPERUSER_PASSWORD: 'parthub2026',
  });
  expect([weak.code, weak.answer]).toMatchObject([
    1,
    { ok: false, error: { code: 'weak_password', details: { reasons: ['common'] } } },
  ]);
  const password = 'correct horse battery';
  const made = await cli(['createsuperuser', '--no-input', '--json'], {
    SUPERUSER_PHONE: phone,
    SUPERUSER_PASSWORD: password,
  });
  expect([made.code, made.answer]).toMatchObject([0, { ok: true, phone, role: 'superuser', created: true }]);
  expect(made.stdout + made.stderr + weak.stdout + weak.stderr).not.toMatch(/correct horse|parthub2026/);
  const login = await app.post(null, '/api/auth/login/', { phone, password });
  expect(login.body.user).toMatchObject({ role: 'superuser', is_staff: true });
  // whoever is raised proves anew who they are
  await cli(['createsuperuser', '--no-input'], { SUPERUSER_PHONE: phone, SUPERUSER_PASSWORD: password });
  const me = await app.get(null, '/api/auth/me/', { authorization: `Bearer ${login.body.access}` });
  expect(me.body.code).toBe('session_revoked');
});

test('createsuperuser takes its answers from a pipe; when they end too early it says what it needs', async () => {
  const [phone, password] = [newPhone(), 'correct horse battery'];
  const made = await cli(['createsuperuser', '--json'], {}, `${phone}\n${password}\n`);
  expect([made.code, made.answer]).toMatchObject([0, { ok: true, phone, role: 'superuser' }]);
  expect(made.stdout + made.stderr).not.toContain(password);
  expect((await app.post(null, '/api/auth/login/', { phone, password })).body.user).toMatchObject({ is_staff: true });
  for (const input of ['', `${phone}\n`]) {
    const { code, stderr } = await cli(['createsuperuser'], {}, input);
    expect([input, code, stderr]).toEqual([input, 2, expect.stringContaining('--no-input')]);
  }
});

test('seed:load makes users whose tokens work at once; again they are the same users with new tokens', async () => {
  const out = join(dataDir, 'users.ndjson');
  const seed = async () => {
    const ran = await cli(['seed:load', '--users', '4', '--threads', '2', '--posts', '3', '--out', out, '--json']);
    expect(ran.answer).toEqual({ ok: true, users: 4, posts: 3, threads: 2, out });
    return (await readFile(out, 'utf8'))
      .trim()
      .split('\n')
      .map(line => JSON.parse(line));
  };
  const [first, second] = [await seed(), await seed()];
  expect(first.map(line => line.type)).toEqual(['user', 'user', 'user', 'user', 'thread', 'thread']);
  expect(Object.keys(first[0]).sort()).toEqual(['access', 'n', 'phone', 'refresh', 'session_id', 'type', 'user_id']);
  expect(first[4]).toEqual({
    type: 'thread',
    n: 1,
    thread_id: expect.any(String),
    post_id: expect.any(String),
    buyer_id: first[0].user_id,
    seller_id: first[1].user_id,
  });
  expect(second.map(line => [line.user_id, line.thread_id])).toEqual(first.map(line => [line.user_id, line.thread_id]));
  expect(second[0].access).not.toBe(first[0].access);
  const bearer = { authorization: `Bearer ${second[0].access}` };
  const sent = await app.post(null, '/api/chat/send/', { thread_id: first[4].thread_id, text: 'Salom' }, bearer);
  expect(sent.status).toBe(201);
  expect((await app.post(null, '/api/auth/token/refresh/', { refresh: second[0].refresh })).status).toBe(200);
  const { results } = (await app.get(null, '/api/b2b/posts/', bearer)).body;
  expect(results).toHaveLength(3);
  const part = encodeURIComponent(results[0].part_number);
  const found = await app.get(null, `/api/b2b/posts/?part_number=${part}`, bearer);
  expect(found.body.results.map((post: { id: string }) => post.id)).toContain(results[0].id);
});

test('seed:load with other numbers than before: each thread is about a post of its seller, and both may write', async () => {
  const out = join(dataDir, 'other-users.ndjson');
  const threadsOf = async (users: number, posts: number, threads: number) => {
    const numbers = ['--users', `${users}`, '--posts', `${posts}`, '--threads', `${threads}`];
    expect((await cli(['seed:load', ...numbers, '--out', out, '--json'])).answer).toMatchObject({ ok: true });
    const lines = (await readFile(out, 'utf8')).trim().split('\n').map(line => JSON.parse(line)); // biome-ignore format: one line reads better
    const access = new Map(lines.map(line => [line.user_id, line.access]));
    const bearer = (id: string) => ({ authorization: `Bearer ${access.get(id)}` });
    return lines.filter(line => line.type === 'thread').map(thread => ({ ...thread, bearer }));
  };
  const runs: [users: number, posts: number, threads: number][] = [
    [4, 9, 2],
    [12, 40, 6],
    [6, 20, 3],
  ];
  for (const numbers of runs)
    for (const { n, thread_id, post_id, buyer_id, seller_id, bearer } of await threadsOf(...numbers)) {
      const { author } = (await app.get(null, `/api/b2b/posts/${post_id}/`, bearer(buyer_id))).body;
      expect([numbers, n, author.id]).toEqual([numbers, n, seller_id]);
      for (const side of [buyer_id, seller_id]) {
        const sent = await app.post(null, '/api/chat/send/', { thread_id, text: 'Salom' }, bearer(side));
        expect([numbers, n, sent.status]).toEqual([numbers, n, 201]);
      }
    }
});

test('seed:load is refused with DEBUG=0 unless it is confirmed', async () => {
  const env = { DEBUG: '0', DEV_OTP: '0', NOTIFIER: 'eskiz', NODE_ENV: 'production' };
  expect(await cli(['seed:load', '--users', '1', '--json'], env)).toMatchObject({
    code: 1,
    answer: { ok: false, error: { code: 'permission_denied' } },
  });
});

test('collectstatic tells how many files it has copied, without settings or a database', async () => {
  const { code, answer } = await cli(['collectstatic', '--json'], { SECRET_KEY: 'short', DATABASE_URL: 'nowhere' });
  expect([code, answer]).toEqual([0, { ok: true, files: expect.any(Number) }]);
  const names = await readdir(join(import.meta.dirname, '../static/docs'));
  expect(names).toContain('swagger-ui.css');
  expect(names.filter(name => name.endsWith('.map'))).toEqual([]);
});

test('vapid-keys makes a new pair each time, without settings or a database', async () => {
  const keys = async () =>
    (await cli(['vapid-keys', '--json'], { SECRET_KEY: 'short', DATABASE_URL: 'nowhere' })).answer;
  const [one, two] = [await keys(), await keys()];
  expect(one).toEqual({
    ok: true,
    public_key: expect.stringMatching(/^[\w-]{87}$/),
    private_key: expect.stringMatching(/^[\w-]{43}$/),
  });
  expect(two.private_key).not.toBe(one.private_key);
  const settings = {
    VAPID_PUBLIC_KEY: one.public_key,
    VAPID_PRIVATE_KEY: one.private_key,
    VAPID_SUBJECT: 'mailto:a@b.uz',
  };
  expect((await cli(['seed:plans'], settings)).code).toBe(0);
});

test('wrong usage is exit code 2, told on stderr with the usage', async () => {
  const wrong = [
    ['nothing'],
    ['enable-b2b'],
    ['enable-b2b', newPhone(), '--company', ''],
    ['enable-b2b', newPhone(), '--company', 'x'.repeat(121)],
    ['set-subscription', newPhone()],
    ['set-subscription', newPhone(), 'basic', '--days', '99999'],
    ['seed:load'],
    ['seed:load', '--users', 'many'],
    ['seed:load', '--users', '1', '--out', dataDir],
    ['seed:plans', '--unknown'],
    ['enable-b2b', newPhone(), 'Chilonzor Motors'],
    ['set-subscription', newPhone(), 'basic', 'trialing'],
  ];
  const ran = await Promise.all(wrong.map(args => cli(args)));
  for (const [index, { code, stdout, stderr }] of ran.entries()) {
    expect([wrong[index], code, stdout]).toEqual([wrong[index], 2, '']);
    expect(stderr).toContain('npm run -s cli');
  }
  for (const args of [['nothing'], ['seed:plans', '--unknown']])
    expect([args, await cli([...args, '--json'])]).toMatchObject([
      args,
      { code: 2, answer: { ok: false, error: { code: 'validation_failed' } } },
    ]);
}, 40_000);

test('a refusal is exit code 1 with the code of the catalogue', async () => {
  expect(await cli(['enable-b2b', 'nonsense', '--json'])).toMatchObject({
    code: 1,
    answer: { ok: false, error: { code: 'invalid_phone' } },
  });
  expect(await cli(['set-subscription', newPhone(), 'gold', '--json'])).toMatchObject({
    code: 1,
    answer: { error: { code: 'not_found' } },
  });
  expect((await cli(['seed:plans'], { PORT: 'x' })).stderr).toContain('PORT');
  const away = await cli(['seed:plans', '--json'], { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' });
  expect([away.code, away.answer.error]).toMatchObject([
    1,
    { code: 'unavailable', message: expect.stringContaining('ECONNREFUSED') },
  ]);
});
