import type { Browser, Page } from 'playwright-core';
import { hashPassword } from '../../src/accounts/passwords.ts';
import { freePort } from '../../src/common/embedded-postgres/postmaster.ts';
import { newPhone } from './accounts.ts';
import { startApp, type TestApp, type TestUser } from './app.ts';
import { launchBrowser } from './browser.ts';
import { createTestDatabase } from './postgres.ts';

const PASSWORD = 'correct horse battery';

export interface PanelSite {
  app: TestApp;
  browser: Browser;
  close(): Promise<void>;
}

/** A server and a browser for its panel. */
export async function startPanel(): Promise<PanelSite> {
  const database = await createTestDatabase();
  // Known before the server listens: pages of its own origin may open sockets.
  const app = await startApp(database.url, { PORT: String(await freePort()), RATE_LIMITS: 'off' });
  const browser = await launchBrowser();
  async function close(): Promise<void> {
    await browser.close();
    await app.close();
    await database.drop();
  }
  return { app, browser, close };
}

/** A superuser who can log in. */
export async function buildSuperuser(app: TestApp): Promise<TestUser> {
  return app.buildUser({ role: 'superuser', phone: newPhone(), passwordHash: await hashPassword(PASSWORD) });
}

/** By the panel's own two steps. */
export async function logIn(page: Page, { url }: TestApp, { phone }: TestUser): Promise<void> {
  await page.goto(`${url}/admin/`);
  await page.fill('input[name=phone]', phone);
  await page.fill('input[name=password]', PASSWORD);
  await page.click('button[type=submit]');
  await page.waitForSelector('input[name=code]');
  await page.click('button[type=submit]');
  await page.waitForSelector('[data-queue=reports]');
}
