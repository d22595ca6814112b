import { expect, onTestFinished, test } from 'vitest';
import { hashPassword } from '../../src/accounts/passwords.ts';
import { freePort } from '../../src/common/embedded-postgres/postmaster.ts';
import { newPhone } from '../support/accounts.ts';
import { eventually, record, startApp } from '../support/app.ts';
import { launchBrowser, openPage } from '../support/browser.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { buildTalk, done, message } from '../support/talk.ts';

const PASSWORD = 'correct horse battery';

async function start() {
  const [database, browser] = [await createTestDatabase(), await launchBrowser()];
  // Known before the server listens: pages of its own origin may open sockets.
  const app = await startApp(database.url, { PORT: String(await freePort()), RATE_LIMITS: 'off' });
  onTestFinished(async () => {
    await browser.close();
    await app.close();
    await database.drop();
  });
  return { app, browser };
}

test('what began to wait before the panel was connected is shown once it is', async () => {
  const { app, browser } = await start();
  const { buyer, seller, thread } = await buildTalk(app);
  const phone = newPhone();
  const staff = await app.buildUser({ role: 'superuser', phone, passwordHash: await hashPassword(PASSWORD) });
  const heard = record(await app.connect(staff, '/notifications'), 'queues:updated');
  const { page, problems } = await openPage(browser, 'about:blank');
  const connected = Promise.withResolvers<void>();
  await page.routeWebSocket('**/socket.io/**', async socket => {
    await connected.promise;
    socket.connectToServer();
  });
  await page.goto(`${app.url}/admin/`);
  await page.fill('input[name=phone]', phone);
  await page.fill('input[name=password]', PASSWORD);
  await page.click('button[type=submit]');
  await page.waitForSelector('input[name=code]');
  await page.click('button[type=submit]');
  await page.locator('[data-queue=reports]', { hasText: '0' }).waitFor();
  const { message: bad } = await done(await app.connect(seller, '/chat'), 'message:send', message(thread));
  const report = { client_id: bad.id, target: { type: 'message', id: bad.id }, reason: 'fraud' };
  await done(await app.connect(buyer, '/chat'), 'report:create', report);
  await eventually(() => expect(heard.at(-1)).toMatchObject({ queues: { reports: 1 } }));
  connected.resolve();
  await page.locator('[data-queue=reports]', { hasText: '1' }).waitFor();
  expect(problems).toEqual([]);
}, 60_000);
