import type { Browser, Page } from 'playwright-core';
import { onTestFinished } from 'vitest';
import { hashPassword } from '../../src/accounts/passwords.ts';
import { freePort } from '../../src/common/embedded-postgres/postmaster.ts';
import { newPhone } from './accounts.ts';
import { startApp, type TestApp, type TestUser } from './app.ts';
import { launchBrowser, openPage } from './browser.ts';
import { createTestDatabase } from './postgres.ts';

const PASSWORD = 'correct horse battery';

export interface PanelSite {
  app: TestApp;
  browser: Browser;
  /** A tab of the panel's origin, in which the panel will be in English. */
  openTab(look?: Look): Promise<Omit<Opened, 'staff'>>;
  /** The panel of a superuser who is logged in already, once it hears what changes. */
  openPanel(look?: Look): Promise<Opened>;
  /** The panel of a superuser who has come in by its own two steps. */
  comeIn(): Promise<Opened>;
  close(): Promise<void>;
}

interface Opened {
  page: Page;
  problems: string[];
  staff: TestUser;
}

interface Look {
  width?: number;
  dark?: boolean;
}

/** A server and a browser for its panel. */
export async function startPanel(env: Record<string, string> = {}): Promise<PanelSite> {
  const database = await createTestDatabase();
  // Known before the server listens: pages of its own origin may open sockets.
  const app = await startApp(database.url, { PORT: String(await freePort()), RATE_LIMITS: 'off', ...env });
  const browser = await launchBrowser();
  let hasFirst = false;

  async function openTab({ width = 1200, dark = false }: Look = {}): Promise<Omit<Opened, 'staff'>> {
    const { page, problems } = await openPage(browser, `${app.url}/healthz`);
    // What it listens to and asks for would slow the others; the first stays, as somebody is always there.
    if (hasFirst) onTestFinished(async () => void (await page.goto('about:blank')));
    hasFirst = true;
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' });
    await page.evaluate("localStorage.setItem('parthub.admin.locale', 'en')");
    return { page, problems };
  }

  async function openPanel(look: Look = {}): Promise<Opened> {
    const staff = await app.buildUser({ role: 'superuser' });
    const session = { access: staff.token, refresh: '', expiresAt: Date.now() + 600_000, idleMs: 600_000 };
    const { page, problems } = await openTab(look);
    await keep(page, session);
    const isReady = ({ payload }: { payload: string | Buffer }) => payload.includes('session:ready');
    const hears = page.waitForEvent('websocket').then(socket => socket.waitForEvent('framereceived', isReady));
    await Promise.all([page.goto(`${app.url}/admin/`), page.waitForSelector('[data-queue=reports]'), hears]);
    return { page, problems, staff };
  }

  async function comeIn(): Promise<Opened> {
    const staff = await buildSuperuser(app);
    const { page, problems } = await openTab();
    await logIn(page, app, staff);
    return { page, problems, staff };
  }

  async function close(): Promise<void> {
    await browser.close();
    await app.close();
    await database.drop();
  }
  return { app, browser, openTab, openPanel, comeIn, close };
}

/** A session as the panel keeps it in its tab. */
export const keep = (page: Page, session: object) =>
  page.evaluate(kept => globalThis.sessionStorage.setItem('parthub.admin', kept), JSON.stringify(session));

/** A superuser who can log in. */
export async function buildSuperuser(app: TestApp): Promise<TestUser> {
  return app.buildUser({ role: 'superuser', phone: newPhone(), passwordHash: await hashPassword(PASSWORD) });
}

/** The first of the panel's two steps: the code is sent, and stands in the form. */
export async function askCode(page: Page, { phone }: TestUser): Promise<void> {
  await page.fill('input[name=phone]', phone);
  await page.fill('input[name=password]', PASSWORD);
  await page.click('button[type=submit]');
  await page.waitForSelector('input[name=code]');
}

/** By the panel's own two steps. */
export async function logIn(page: Page, { url }: TestApp, staff: TestUser): Promise<void> {
  await page.goto(`${url}/admin/`);
  await askCode(page, staff);
  await page.click('button[type=submit]');
  await page.waitForSelector('[data-queue=reports]');
}

/** Fills the dialog of an action. */
export async function run(page: Page, action: string, reason?: string): Promise<void> {
  await page.getByRole('button', { name: action, exact: true }).click();
  const dialog = page.getByRole('dialog');
  if (reason) await dialog.locator('textarea[name=reason]').fill(reason);
  await dialog.getByRole('button', { name: 'Do it' }).click();
  // Several calls for hundreds of records, beside other tests.
  await dialog.waitFor({ state: 'hidden', timeout: 30_000 });
}
