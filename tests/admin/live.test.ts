import { expect, onTestFinished, test } from 'vitest';
import { eventually, record } from '../support/app.ts';
import { openPage } from '../support/browser.ts';
import { buildSuperuser, logIn, startPanel } from '../support/panel.ts';
import { buildTalk, done, message } from '../support/talk.ts';

test('what began to wait before the panel was connected is shown once it is', async () => {
  const { app, browser, close } = await startPanel();
  onTestFinished(close);
  const { buyer, seller, thread } = await buildTalk(app);
  const staff = await buildSuperuser(app);
  const heard = record(await app.connect(staff, '/notifications'), 'queues:updated');
  const { page, problems } = await openPage(browser, 'about:blank');
  const connected = Promise.withResolvers<void>();
  await page.routeWebSocket('**/socket.io/**', async socket => {
    await connected.promise;
    socket.connectToServer();
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
