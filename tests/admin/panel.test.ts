import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, once } from '../support/app.ts';
import { type PanelSite, run, startPanel } from '../support/panel.ts';
import { buildTalk, done, message } from '../support/talk.ts';
import { uploadFolder, uploadImage } from '../support/uploads.ts';

/** `npm run screenshots` keeps what the panel looks like; other runs do not. */
const shots = process.env['PANEL_SHOTS'];
const uploads = await uploadFolder();
let app: PanelSite['app'];
let openPanel: PanelSite['openPanel'];
let comeIn: PanelSite['comeIn'];
let close: PanelSite['close'];

beforeAll(async () => {
  ({ app, openPanel, comeIn, close } = await startPanel({ UPLOAD_DIR: uploads }));
});
afterAll(() => close());

async function shoot(page: Page, name: string): Promise<void> {
  if (!shots) return;
  mkdirSync(shots, { recursive: true });
  // Without the ripples and slides of the moment.
  await page.screenshot({ path: join(shots, `${name}.png`), animations: 'disabled' });
}

const step = (page: Page, name: string, isDone: boolean) =>
  page.waitForSelector(`[data-step=${name}][data-done=${isDone}]`);

test('S-57: the panel runs under a policy without unsafe-inline, with a nonce of each answer', async () => {
  const [one, two] = [await app.get(null, '/admin/'), await app.get(null, '/admin')];
  const nonces = [one, two].map(({ status, headers, body }) => {
    expect(status).toBe(200);
    const policy = headers.get('content-security-policy')!;
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self' 'nonce-/);
    expect(policy).toMatch(/frame-ancestors 'none'$/);
    expect(policy).not.toContain('unsafe');
    expect(headers.get('cache-control')).toBe('no-store');
    expect([headers.get('x-content-type-options'), headers.get('referrer-policy')]).toEqual(['nosniff', 'no-referrer']);
    const nonce = /'nonce-([^']+)'/.exec(policy)![1]!;
    expect(body).toContain(`nonce="${nonce}"`);
    expect(body).not.toMatch(/<style|<script(?![^>]* src=)/);
    return nonce;
  });
  expect(nonces[0]).not.toBe(nonces[1]);
  const script = /src="([^"]+)"/.exec(one.body)![1]!;
  expect((await app.get(null, script)).headers.get('cache-control')).toContain('immutable');
  for (const path of [
    '/admin/assets/nothing.js',
    '/admin/nothing',
    '/admin/assets/..%2findex.html',
    '/admin/sources.sha256',
  ])
    expect((await app.get(null, path)).status).toBe(404);
});

test('staff set a board up by three steps: plans, an enabled business profile, an active subscription', async () => {
  const { page, problems } = await comeIn();
  await step(page, 'plans', false);
  await shoot(page, 'admin-home');
  await page.click('[data-step=plans]');
  await page.click('a[href="#/plans/create"]');
  await page.fill('input[name=code]', 'pro');
  await page.fill('input[name=name]', 'Pro');
  await page.fill('input[name=price]', '450000.00');
  await page.fill('input[name=posts_per_month]', '50');
  await page.click('button[type=submit]');
  await page.waitForSelector('[data-history]');

  const trader = await app.buildUser({ fullName: 'Sardor Aliyev' });
  await app.put(trader, '/api/b2b/profile/', { company_name: 'Chilonzor Motors', activity: ['seller'] });
  await page.goto(`${app.url}/admin/#/`);
  await step(page, 'plans', true);
  await page.click('[data-step=b2b_profile]');
  await page.getByText('Chilonzor Motors').click();
  await run(page, 'Enable');
  await page.waitForSelector('[data-column=status] >> text=Enabled');

  await app.post(
    trader,
    '/api/billing/subscriptions/',
    { plan: 'pro' },
    { 'idempotency-key': 'the-first-subscription' },
  );
  await page.goto(`${app.url}/admin/#/`);
  await page.click('[data-step=subscription]');
  await page.getByText('Sardor Aliyev').click();
  await run(page, 'Activate', 'Paid in cash');
  await page.waitForSelector('[data-column=status] >> text=Active');
  await page.waitForSelector('[data-history] >> text=Paid in cash');
  await shoot(page, 'admin-record');
  expect((await app.get(trader, '/api/billing/me/')).body).toMatchObject({
    can_post: true,
    usage: { posts_limit: 50 },
  });
  await page.goto(`${app.url}/admin/#/`);
  await page.waitForSelector('[data-queue=reports]');
  expect(await page.locator('[data-step]').count()).toBe(0);
  expect(problems).toEqual([]);
}, 60_000);

test('S-63: what users wrote is text in the panel; a bulk action asks why, and the history says it', async () => {
  const name = '<img src=x onerror="document.title=`pwned`">';
  const target = await app.buildUser({ fullName: name });
  const { page, problems } = await openPanel();
  await page.goto(`${app.url}/admin/#/users`);
  await page.fill('input[name=q]', target.id);
  const row = page.locator('tbody tr', { hasText: 'onerror' });
  await row.locator('input[type=checkbox]').check();
  await run(page, 'Block', 'Sells nothing');
  await row.getByText('onerror').click();
  await page.waitForSelector('[data-history] >> text=Sells nothing');
  expect(await page.locator('[data-column=full_name]').innerText()).toContain(name);
  expect(await page.title()).not.toBe('pwned');
  expect((await app.get(target, '/api/auth/me/')).status).toBe(401);
  expect(problems).toEqual([]);
}, 60_000);

test('a report stands beside its context, on a phone in the dark too, and leads to the conversation', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const [mine, theirs] = [await app.connect(buyer, '/chat'), await app.connect(seller, '/chat')];
  await done(mine, 'message:send', message(thread, { text: 'Is it new?' }));
  const { id: image } = await uploadImage(app, seller, 'chat');
  const said = message(thread, { text: 'Pay to this card first', attachments: [image] });
  const { message: bad } = await done(theirs, 'message:send', said);
  const { page, problems } = await openPanel({ width: 400, dark: true });
  expect(await page.locator('[data-queue=reports]').innerText()).toBe('0');
  const target = { type: 'message', id: bad.id };
  await done(mine, 'report:create', { client_id: bad.id, target, reason: 'fraud' });
  // the socket tells it: nothing is reloaded
  await page.locator('[data-queue=reports]', { hasText: '1' }).waitFor();
  await page.locator('[data-queue=reports]').click();
  await page.getByText('Fraud').first().click();
  await page.getByText('Is it new?').waitFor();
  const pictures = page.getByRole('link').getByRole('img', { name: 'part.png' });
  await eventually(async () => expect(await pictures.evaluateAll(all => all.map(one => one.naturalWidth > 0))).toEqual([true, true])); // biome-ignore format: one line reads better
  await shoot(page, 'admin-report-phone');
  expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
  await page.getByRole('link', { name: /Read the conversation/ }).click();
  await page.waitForSelector('[data-column=seller_name]');
  await page.getByText('Pay to this card first').waitFor();
  // The participants are chosen by name: nobody knows their ids.
  const revoked = once(theirs, 'access:revoked');
  await page.getByRole('button', { name: 'Remove participant' }).click();
  await page.getByRole('dialog').getByRole('combobox').click();
  await page.getByRole('option').nth(1).click();
  await page.locator('textarea[name=reason]').fill('Fraud');
  await page.getByRole('button', { name: 'Do it' }).click();
  expect(await revoked).toMatchObject({ thread_id: thread.id });
  expect(problems).toEqual([]);
}, 60_000);

test('a report that somebody took over still waits, and the queue leads to it', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const [mine, theirs] = [await app.connect(buyer, '/chat'), await app.connect(seller, '/chat')];
  const { message: bad } = await done(theirs, 'message:send', message(thread, { text: 'Call me elsewhere' }));
  const target = { type: 'message', id: bad.id };
  const comment = 'He asks to pay outside';
  const report = { client_id: bad.id, target, reason: 'spam', comment };
  const { report_id } = await done(mine, 'report:create', report);
  const { page, problems } = await openPanel({ width: 950 });
  await page.goto(`${app.url}/admin/#/reports/${report_id}/show`);
  await page.locator('h6', { hasText: /^Spam$/ }).waitFor();
  await run(page, 'Assign');
  await page.waitForSelector('[data-column=status] >> text=Assigned');
  await page.goto(`${app.url}/admin/#/`);
  await page.locator('[data-queue=reports]').click();
  await page.getByText(comment).waitFor();
  // A table wider than the window scrolls by itself: what stands above it is in sight.
  expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
  expect(problems).toEqual([]);
}, 60_000);

test('who comes second is refused, and sees what the colleague has done', async () => {
  const trader = await app.buildUser();
  await app.put(trader, '/api/b2b/profile/', { company_name: 'Sergeli Zapchast', activity: ['seller'] });
  const { page, staff, problems } = await openPanel();
  await page.goto(`${app.url}/admin/#/b2b-profiles/${trader.id}/show`);
  await page.waitForSelector('[data-column=status] >> text=Pending');
  await app.post(staff, '/api/admin/b2b-profiles/actions/enable/', { ids: [trader.id] });
  await run(page, 'Enable');
  await page.getByText('1 refused: its present state does not allow it').waitFor();
  await page.waitForSelector('[data-column=status] >> text=Enabled');
  expect(problems).toEqual([]);
}, 60_000);

test('all that are listed are chosen as far as one action reaches; moments are as the language writes them', async () => {
  const em = app.orm.em.fork();
  await em.execute(
    `insert into users (id, full_name, role, created_at)
     select gen_random_uuid(), 'One of many ' || n, 'user', now() from generate_series(1, 230) n`,
  );
  const { page, problems } = await openPanel();
  await page.goto(`${app.url}/admin/#/users`);
  await page.fill('input[name=q]', 'One of many');
  await page.getByText('1-25 of 230').waitFor();
  await page.locator('thead input[type=checkbox]').check();
  await page.getByRole('button', { name: 'Select all' }).click();
  await page.getByText('100 items selected').waitFor();
  await run(page, 'Revoke sessions');
  await page.getByText('100 done').waitFor();
  // More than one call takes, chosen on several pages.
  const filter = encodeURIComponent(JSON.stringify({ q: 'One of many' }));
  for (const [before, chosen] of [100, 200, 230].entries()) {
    await page.goto(`${app.url}/admin/#/users?filter=${filter}&perPage=100&page=${before + 1}&order=DESC&sort=id`);
    await page.getByText('of 230').waitFor();
    await page.locator('thead input[type=checkbox]:not(:checked)').check();
    await page.getByText(`${chosen} items selected`).waitFor();
  }
  await run(page, 'Unlock login');
  await page.getByText('230 done').waitFor();
  await page.evaluate("localStorage.setItem('parthub.admin.locale', 'ru')");
  await page.reload();
  expect(await page.locator('tbody time').first().innerText()).toMatch(/^\d\d\.\d\d\.\d{4}, /);
  expect(problems).toEqual([]);
}, 60_000);

test('a record is opened by the keyboard alone; the longest name is no wider than a phone', async () => {
  const { page, problems } = await openPanel();
  const name = 'W'.repeat(80);
  const target = await app.buildUser({ fullName: name });
  await page.goto(`${app.url}/admin/#/users`);
  await page.fill('input[name=q]', target.id);
  await page.locator('tbody tr', { hasText: name }).locator('input[type=checkbox]').focus();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-history]');
  const fits = () =>
    eventually(async () =>
      expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true),
    );
  await page.setViewportSize({ width: 375, height: 700 });
  await page.locator('[data-column=full_name]', { hasText: name }).waitFor();
  await fits();
  await page.goto(`${app.url}/admin/#/users`);
  await page.getByText(name).waitFor();
  await fits();
  expect(problems).toEqual([]);
}, 60_000);

test('an announcement whose answer was lost is not sent twice by who sends it again', async () => {
  const { page, staff } = await openPanel();
  page.on('dialog', dialog => dialog.accept());
  let isLost = false;
  await page.route('**/actions/broadcast/', async route => {
    const answer = await route.fetch();
    if (isLost || !route.request().postData()!.includes('confirm')) return route.fulfill({ response: answer });
    isLost = true;
    return route.abort();
  });
  await page.goto(`${app.url}/admin/#/notifications/create`);
  for (const language of ['uz', 'ru', 'en']) {
    await page.fill(`input[name=title_${language}]`, 'Texnik tanaffus');
    await page.fill(`textarea[name=body_${language}]`, 'Ertaga soat 3 da');
  }
  await page.click('button[type=submit]');
  await eventually(() => expect(isLost).toBe(true));
  await page.click('button[type=submit]');
  await page.waitForSelector('[data-column=title_uz] >> text=Texnik tanaffus');
  expect((await app.get(staff, '/api/admin/notifications/')).body.count).toBe(1);
}, 60_000);

test('a panel that is left alone ends its session, one that is used keeps it', async () => {
  const { page, staff } = await comeIn();
  await page.clock.install();
  await page.reload();
  await page.waitForSelector('[data-queue=reports]');
  const sessions = `/api/admin/sessions/?user_id=${staff.id}`;
  const live = async (): Promise<number> =>
    (await app.get(staff, sessions)).body.results.filter((one: { is_live: boolean }) => one.is_live).length;
  const before = await live();
  await page.clock.fastForward('20:00');
  await page.keyboard.press('Tab');
  await page.clock.fastForward('20:00');
  await page.clock.runFor('01:00');
  expect([await page.locator('[data-queue=reports]').count(), await live()]).toEqual([1, before]);
  await page.clock.fastForward('31:00');
  await page.clock.runFor('01:00');
  await page.waitForSelector('input[name=phone]');
  expect(await live()).toBe(before - 1);
}, 60_000);

test('where the session has ended an action leads to the login', async () => {
  const target = await app.buildUser({ fullName: 'Karim Aka' });
  const { page, staff } = await openPanel();
  await page.goto(`${app.url}/admin/#/users/${target.id}/show`);
  await page.waitForSelector('[data-history]');
  await page.route('**/actions/unblock/', async route => {
    await app.post(staff, '/api/auth/logout/?scope=all', {});
    await route.continue();
  });
  await page.getByRole('button', { name: 'Unblock', exact: true }).click();
  await page.getByRole('button', { name: 'Do it' }).click();
  await page.waitForSelector('input[name=phone]');
}, 60_000);
