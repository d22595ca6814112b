import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApp, type TestApp } from './support/app.ts';
import { launchBrowser, openPage } from './support/browser.ts';
import { type Cable, layCable } from './support/cable.ts';
import { createTestDatabase } from './support/postgres.ts';

let app: TestApp;
let browser: Browser;
let cable: Cable;
let drop: () => Promise<void>;

beforeAll(async () => {
  const database = await createTestDatabase();
  drop = database.drop;
  cable = await layCable();
  [app, browser] = await Promise.all([startApp(database.url, { PUBLIC_URL: cable.url }), launchBrowser()]);
  cable.leadTo(app.url);
}, 60_000);
afterAll(async () => {
  await browser.close();
  await cable.close();
  await app.close();
  await drop();
});

const lines = (page: Page, side: string) => page.locator(`#${side} li`).evaluateAll(all => all.map(line => line.firstChild?.textContent)); // biome-ignore format: one line reads better

async function write(page: Page, side: string, text: string): Promise<void> {
  await page.fill(`#${side} input`, text);
  await page.press(`#${side} input`, 'Enter');
}

test('in the example two people write, one is cut off, and both end with the same conversation', async () => {
  const { page, problems } = await openPage(browser, `${cable.url}/example/`);
  for (const side of ['buyer', 'seller']) await page.locator(`#${side} ol[aria-busy="false"]`).waitFor();
  await write(page, 'buyer', 'Bormi?');
  await page.locator('#seller li:text("Bormi?")').waitFor();
  await page.locator('#buyer li.delivered, #buyer li.read').waitFor();
  await page.locator('#seller .unread:text("1")').waitFor();
  await page.focus('#seller input');
  await page.locator('#buyer li.read').waitFor();

  await page.click('#seller .cut');
  await page.locator('#seller .connection:text("offline")').waitFor();
  await write(page, 'seller', 'Bor');
  await page.locator('#seller li.pending:text("Bor")').waitFor();
  await write(page, 'buyer', 'Salom?');
  await write(page, 'buyer', 'Shu yerdamisiz?');
  await page.locator('#buyer li.sent:text("Shu yerdamisiz?")').waitFor();
  expect(await lines(page, 'seller')).toEqual(['Bormi?', 'Bor']);

  await page.click('#seller .cut');
  await page.locator('#buyer li:text("Bor"):not(:text("Bormi"))').waitFor();
  await page.locator('#seller li:text("Shu yerdamisiz?")').waitFor();
  const both = [await lines(page, 'buyer'), await lines(page, 'seller')];
  expect(both[0]).toEqual(['Bormi?', 'Salom?', 'Shu yerdamisiz?', 'Bor']);
  expect(both[1]).toEqual(both[0]);
  expect(problems).toEqual([]);
});

test('a page that loses its network sends and fetches what it missed when it is back, by itself', async () => {
  const { page } = await openPage(browser, `${cable.url}/example/`);
  for (const side of ['buyer', 'seller']) await page.locator(`#${side} ol[aria-busy="false"]`).waitFor();
  cable.cut();
  for (const side of ['buyer', 'seller']) await page.locator(`#${side} .connection:text("connecting")`).waitFor();
  await write(page, 'buyer', 'from the tunnel');
  await write(page, 'seller', 'from the lift');
  for (const side of ['buyer', 'seller']) await page.locator(`#${side} li.pending`).waitFor();
  cable.join();
  for (const text of ['from the tunnel', 'from the lift'])
    for (const side of ['buyer', 'seller']) await page.locator(`#${side} li:not(.pending):text("${text}")`).waitFor();
  expect(await lines(page, 'buyer')).toEqual(await lines(page, 'seller'));
});

test('the outbox in IndexedDB gives back what was put into it, and nothing that was removed', async () => {
  const { page } = await openPage(browser, `${cable.url}/example/`);
  // as text: what runs in the page is none of this file's modules
  const kept = await page.evaluate(`(async () => {
    const { indexedDbOutbox } = await import('parthub/client');
    const entry = n => ({ message: { client_id: 'c' + n, thread_id: 't', text: 'x' }, queuedAt: n, error: null, userId: 'u' });
    const outbox = indexedDbOutbox(indexedDB, 'test');
    for (const n of [1, 2, 3]) await outbox.put(entry(n));
    await outbox.remove('c2');
    return (await indexedDbOutbox(indexedDB, 'test').load()).map(one => one.message.client_id);
  })()`);
  expect(kept).toEqual(['c1', 'c3']);
});

test('the page of the REST calls shows them, takes a token and makes a call under a strict policy', async () => {
  const { page, problems } = await openPage(browser, `${cable.url}/api/docs/`);
  await page.locator('.opblock-tag-section').first().waitFor({ timeout: 30_000 });
  await page.click('button.authorize');
  await page.fill('.auth-container input', (await app.buildUser({ fullName: 'Aziza' })).token);
  await page.click('.auth-btn-wrapper .authorize');
  await page.click('.auth-btn-wrapper .btn-done');
  await page.click('#operations-tag-accounts');
  await page.click('#operations-accounts-getMe .opblock-summary-control');
  await page.click('#operations-accounts-getMe .execute');
  await page.locator('.live-responses-table :text("Aziza")').first().waitFor();
  expect(problems).toEqual([]);
}, 40_000);

test('the page of the events shows every namespace with payloads, answers and errors', async () => {
  const { page, problems } = await openPage(browser, `${cable.url}/api/docs/events/#message:send`);
  await page.locator('h2:text("/chat")').waitFor();
  const sending = page.locator('details[open] >> nth=0');
  await sending.waitFor();
  const text = await sending.textContent();
  for (const word of ['message:send', 'client_id', 'thread_locked', 'Answer', 'data.messageMessage', 'data.duplicate'])
    expect(text).toContain(word);
  expect(await sending.evaluate(one => one.getBoundingClientRect().top)).toBeLessThan(page.viewportSize()!.height);
  expect(problems).toEqual([]);
});
