import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newPhone } from '../support/accounts.ts';
import { eventually, record, type TestUser } from '../support/app.ts';
import { openPage } from '../support/browser.ts';
import { buildSuperuser, logIn, type PanelSite, startPanel } from '../support/panel.ts';
import { buildTalk, done, message } from '../support/talk.ts';
import { buildDealer } from '../support/worlds.ts';

let app: PanelSite['app'];
let browser: PanelSite['browser'];
let close: PanelSite['close'];

beforeAll(async () => {
  ({ app, browser, close } = await startPanel());
});
afterAll(() => close());

async function homeOf(who: TestUser, language = 'en') {
  return (await app.get(who, '/api/admin/', { 'accept-language': language })).body;
}

test('home tells each role what it may, in its language', async () => {
  const names = async (who: TestUser) => (await homeOf(who)).resources.map(({ name }: { name: string }) => name);
  expect(await names(await app.buildUser({ role: 'billing' }))).toEqual(['plans', 'subscriptions']);
  expect(await names(await app.buildUser({ role: 'support' }))).toEqual(['users', 'sessions', 'otp-log']);
  expect(await names(await app.buildUser({ role: 'moderator' }))).toEqual([
    'b2b-profiles',
    'posts',
    'banned-words',
    'reports',
    'threads',
    'categories',
    'brands',
    'regions',
  ]);
  const leads = async (role: 'billing' | 'auditor') => {
    const { resources } = await homeOf(await app.buildUser({ role }));
    const { columns } = resources.find(({ name }: { name: string }) => name === 'subscriptions');
    return columns.flatMap(({ refers }: { refers?: string }) => refers ?? []);
  };
  // An id leads nowhere for who does not see the other side.
  expect([await leads('billing'), await leads('auditor')]).toEqual([['plans'], ['users', 'plans']]);
  const support = await app.buildUser({ role: 'support' });
  const users = async (language: string) => (await homeOf(support, language)).resources[0];
  const actions = (await users('en')).actions.map(({ name }: { name: string }) => name);
  expect(actions).toContain('block');
  expect(actions).not.toContain('set_role');
  expect([(await users('en')).label, (await users('ru')).label, (await users('uz')).label]).toEqual([
    'Users',
    'Пользователи',
    'Foydalanuvchilar',
  ]);
  expect((await users('en')).actions[0]).toMatchObject({
    ...{ name: 'block', path: '/api/admin/users/actions/block/', needs_reason: true },
    params: [{ name: 'until', type: 'moment', required: false }],
  });
});

test('home shows the three steps of the set-up, and what waits', async () => {
  const user = await app.buildUser({ role: 'superuser' });
  const queues = (await homeOf(user)).queues;
  await app.put(await app.buildUser(), '/api/b2b/profile/', { company_name: 'Yangi Savdo', activity: ['seller'] });
  expect((await homeOf(user)).queues).toEqual({ ...queues, b2b_profiles: queues.b2b_profiles + 1 });
  await buildDealer(app);
  expect((await homeOf(user)).checklist).toMatchObject([
    { step: 'plans', done: true, label: 'Create the plans' },
    { step: 'b2b_profile', done: true },
    { step: 'subscription', done: true },
  ]);
});

test('an announcement is counted first, then sent, and stands in the list', async () => {
  const user = await app.buildUser({ role: 'superuser' });
  const { resources } = await homeOf(user);
  const { preview, fields } = resources.find(({ name }: { name: string }) => name === 'notifications');
  expect(preview).toBe('/api/admin/notifications/actions/broadcast/');
  expect(fields[0]).toMatchObject({ name: 'title_uz', within: 'title', part: 'uz', required: true });
  const text = { uz: 'Yangilik', ru: 'Новость', en: 'News' };
  const params = { id: randomUUID(), title: text, body: text };
  const { count, state } = (await app.post(user, preview, { params })).body;
  expect(state).toBe('preview');
  expect((await app.post(user, preview, { params: { ...params, confirm: count } })).status).toBe(200);
  const { body } = await app.get(user, `/api/admin/notifications/${params.id}/`);
  expect(body).toMatchObject({ title_uz: 'Yangilik', body_ru: 'Новость', audience: 'all', count });
});

test('the charts count the last thirty days', async () => {
  const user = await app.buildUser({ role: 'superuser' });
  await app.post(null, '/api/auth/request-otp/', { phone: newPhone() });
  const { results } = (await app.get(user, '/api/admin/charts/')).body;
  expect(results).toHaveLength(30);
  const today = results.at(-1);
  expect(today.registrations).toBeGreaterThan(0);
  expect(today.otp_sent).toBeGreaterThan(0);
  expect(results.slice(0, 28).every((day: { registrations: number }) => day.registrations === 0)).toBe(true);
});

test('what began to wait before the panel was connected is shown once it is, and one that was refused comes back', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const staff = await buildSuperuser(app);
  const heard = record(await app.connect(staff, '/notifications'), 'queues:updated');
  const { page, problems } = await openPage(browser, 'about:blank');
  let isRefused = false;
  const connected = Promise.withResolvers<void>();
  await page.routeWebSocket('**/socket.io/**', async socket => {
    await connected.promise;
    const server = socket.connectToServer();
    socket.onMessage(text => {
      if (isRefused || !String(text).startsWith('40/')) return server.send(text);
      isRefused = true;
      const data = { code: 'server_draining', retryable: true, retry_after_ms: 10 };
      socket.send(`44/notifications,${JSON.stringify({ message: data.code, data })}`);
    });
  });
  await logIn(page, app, staff);
  await page.locator('[data-queue=reports]', { hasText: '0' }).waitFor();
  const { message: bad } = await done(await app.connect(seller, '/chat'), 'message:send', message(thread));
  const report = { client_id: bad.id, target: { type: 'message', id: bad.id }, reason: 'fraud' };
  await done(await app.connect(buyer, '/chat'), 'report:create', report);
  await eventually(() => expect(heard.at(-1)).toMatchObject({ queues: { reports: 1 } }));
  connected.resolve();
  await page.locator('[data-queue=reports]', { hasText: '1' }).waitFor();
  expect(problems).toEqual([]);
}, 60_000);
