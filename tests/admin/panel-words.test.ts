import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { eventually } from '../support/app.ts';
import { askCode, buildSuperuser, keep, logIn, type PanelSite, startPanel } from '../support/panel.ts';

let site: PanelSite;
let app: PanelSite['app'];

beforeAll(async () => {
  site = await startPanel();
  app = site.app;
});
afterAll(() => site.close());

/** What stands in red beside the inputs, in their order. */
const complaints = (page: Page) => page.locator('.MuiFormHelperText-root.Mui-error').allInnerTexts();

test('what is wrong with a field is said beside it in words, in the language of the panel', async () => {
  const { page, staff } = await site.openPanel();
  await page.evaluate("localStorage.setItem('parthub.admin.locale', 'ru')");
  await page.reload();
  expect(await page.evaluate('document.documentElement.lang')).toBe('ru');
  await app.post(staff, '/api/admin/plans/', { code: 'known', name: 'Known', price: '1.00' });
  await page.goto(`${app.url}/admin/#/plans/create`);
  await page.fill('input[name=code]', 'known');
  await page.fill('input[name=name]', 'Ещё один');
  await page.fill('input[name=price]', '12,50');
  await page.click('button[type=submit]');
  await eventually(async () => expect(await complaints(page)).toEqual(['Записано не так, как нужно.']));
  await page.fill('input[name=price]', '12.50');
  await page.click('button[type=submit]');
  await eventually(async () => expect(await complaints(page)).toEqual(['Такое значение уже есть у другой записи.']));

  await page.goto(`${app.url}/admin/#/notifications/create`);
  for (const language of ['uz', 'ru', 'en']) {
    await page.fill(`input[name=title_${language}]`, 'Перерыв');
    await page.fill(`textarea[name=body_${language}]`, 'б'.repeat(language === 'ru' ? 1_001 : 5));
  }
  await page.click('button[type=submit]');
  await eventually(async () => expect(await complaints(page)).toEqual(['Слишком длинно или слишком много.']));

  await page.goto(`${app.url}/admin/#/users/${(await app.buildUser()).id}/show`);
  await page.getByRole('button', { name: 'Заблокировать', exact: true }).click();
  await page.fill('input[name=until]', '2020-01-01T10:00');
  await page.fill('textarea[name=reason]', 'Спам');
  await page.getByRole('button', { name: 'Выполнить' }).click();
  await eventually(async () =>
    expect(await complaints(page)).toEqual(['Слишком коротко, слишком мало или уже в прошлом.']),
  );

  const filter = encodeURIComponent(JSON.stringify({ user_id: 'abc' }));
  await page.goto(`${app.url}/admin/#/sessions?filter=${filter}`);
  await page.getByText('Пользователь (ID): Записано не так, как нужно.').waitFor();
}, 60_000);

test('a first letter is not searched for; a balancer that answers in HTML is no puzzle, nor is a server that is away', async () => {
  const target = await app.buildUser({ fullName: 'Zarif Usta' });
  const { page, problems } = await site.openPanel();
  await page.goto(`${app.url}/admin/#/users`);
  const asked: string[] = [];
  page.on('request', request => asked.push(request.url()));
  await page.fill('input[name=q]', 'Z');
  await page.waitForURL(/filter=/);
  await page.fill('input[name=q]', 'Zarif Us');
  const searched = () => asked.flatMap(url => new URL(url).searchParams.get('search') ?? []);
  await eventually(() => expect(searched()).toEqual(['Zarif Us']));
  await page.getByText('Zarif Usta').waitFor();
  expect(problems).toEqual([]);
  await page.route(`**/users/${target.id}/`, route => route.fulfill({ status: 502, body: '<html>Bad Gateway</html>' }));
  await page.getByText('Zarif Usta').click();
  await page.getByText('Server communication error').waitFor();
  // What was said before is gone with the page.
  const open = async (path: string) => {
    await page.goto(`${app.url}/admin/#/${path}`);
    await page.reload();
  };
  await open(`users/${target.id.replace(/.$/, digit => (digit === '0' ? '1' : '0'))}/show`);
  await page.getByText('Not found.').waitFor();
  // Nor is a server that is away, or comes back.
  await page.route('**/api/admin/plans/?**', route => route.abort());
  await open('plans');
  await page.getByText('Server communication error').waitFor();
  await page.route('**/api/admin/', route => route.fulfill({ status: 503, body: '{}' }), { times: 1 });
  await page.reload();
  await page.getByRole('menuitem', { name: 'Users' }).waitFor();
}, 60_000);

test('a tab that was duplicated goes on with what the other has renewed, and neither ends the session', async () => {
  const context = await site.browser.newContext();
  const [page, copy] = [await context.newPage(), await context.newPage()];
  onTestFinished(async () => void (await Promise.all([page, copy].map(tab => tab.goto('about:blank')))));
  await logIn(page, app, await buildSuperuser(app));
  const held = async (tab: Page) =>
    JSON.parse(await tab.evaluate(() => globalThis.sessionStorage.getItem('parthub.admin') ?? 'null'));
  const list = async (tab: Page) => {
    await tab.goto(`${app.url}/admin/#/regions`);
    await tab.reload();
    await tab.locator('tbody tr').first().waitFor();
  };
  const first = await held(page);
  await copy.goto(`${app.url}/healthz`);
  await keep(copy, { ...first, expiresAt: 1 });
  await keep(page, { ...first, expiresAt: 1 });
  await list(page);
  expect((await held(page)).refresh).not.toBe(first.refresh);
  // Who has not been there asks before it shows an old token.
  await list(copy);
  expect(await held(copy)).toEqual(await held(page));
  // Who is there is told.
  const second = await held(page);
  await keep(page, { ...second, expiresAt: 1 });
  await keep(copy, { ...second, expiresAt: 1 });
  await list(copy);
  expect((await held(copy)).refresh).not.toBe(second.refresh);
  await eventually(async () => expect(await held(page)).toEqual(await held(copy)));
}, 60_000);

test('what lists were filtered by goes with the tab; a query that was saved is for who has saved it', async () => {
  const { page, staff } = await site.comeIn();
  const menu = async () => {
    await page.goto(`${app.url}/admin/#/users`);
    await page.locator('tbody tr').first().waitFor();
    await page.getByRole('button', { name: 'Add filter' }).click();
    await page.getByText('Staff', { exact: true }).waitFor();
    const names = await page.getByRole('menuitem', { name: 'Karims' }).count();
    await page.keyboard.press('Escape');
    return names;
  };
  const leave = async () => {
    await page.getByRole('button', { name: 'Profile' }).click();
    await page.getByRole('menuitem', { name: 'Logout' }).click();
  };
  await page.goto(`${app.url}/admin/#/users`);
  await page.fill('input[name=q]', 'Karim');
  await page.waitForURL(/Karim/);
  expect(await page.evaluate('JSON.stringify(localStorage)')).not.toContain('Karim');
  await page.getByRole('button', { name: 'Add filter' }).click();
  await page.getByText('Save current query').click();
  await page.getByRole('dialog').getByRole('textbox').fill('Karims');
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await leave();
  await logIn(page, app, await buildSuperuser(app));
  expect([await menu(), await page.inputValue('input[name=q]')]).toEqual([0, '']);
  await leave();
  await logIn(page, app, staff);
  expect(await menu()).toBe(1);
}, 60_000);

test('whose code has come too late goes back and gets another', async () => {
  const staff = await buildSuperuser(app);
  const { page } = await site.openTab();
  await page.goto(`${app.url}/admin/`);
  await askCode(page, staff);
  await app.orm.em.fork().execute('update phone_otps set expires_at = now() where phone = ?', [staff.phone]);
  await page.click('button[type=submit]');
  await page.getByText('The code is wrong or no longer valid.').waitFor();
  await page.getByRole('button', { name: 'Back' }).click();
  await askCode(page, staff);
  await page.click('button[type=submit]');
  await page.waitForSelector('[data-queue=reports]');
}, 60_000);

test('of a record that was changed often the older changes are shown too', async () => {
  const { page, staff } = await site.openPanel();
  const { id } = (await app.post(staff, '/api/admin/plans/', { code: 'often', name: 'Often', price: '1.00' })).body;
  for (let n = 1; n <= 26; n += 1) await app.patch(staff, `/api/admin/plans/${id}/`, { sort_order: n });
  await page.goto(`${app.url}/admin/#/plans/${id}/show`);
  const entries = page.locator('[data-history] h6 + div h6');
  await eventually(async () => expect(await entries.count()).toBe(25));
  await page.getByRole('button', { name: 'Older changes' }).click();
  await eventually(async () => expect(await entries.count()).toBe(27));
  expect(await page.getByRole('button', { name: 'Older changes' }).count()).toBe(0);
}, 60_000);

test('a text that may be empty is emptied', async () => {
  const { page, staff } = await site.openPanel();
  const plan = { code: 'worded', name: 'Worded', price: '1.00', description: 'Too many words' };
  const { id } = (await app.post(staff, '/api/admin/plans/', plan)).body;
  await page.goto(`${app.url}/admin/#/plans/${id}`);
  await page.fill('textarea[name=description]', '');
  await page.click('button[type=submit]');
  await page.waitForSelector('[data-history] >> text=Too many words');
  expect((await app.get(staff, `/api/admin/plans/${id}/`)).body.description).toBe('');
}, 60_000);
