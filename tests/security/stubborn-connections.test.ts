import { expect, test } from 'vitest';
import { eventually, useApp } from '../support/app.ts';
import { openRaw } from '../support/raw-socket.ts';

const app = useApp();
const quick = useApp({ TEST_TIME_SCALE: '20' });

async function openRefused(times: number) {
  const raw = await openRaw(app.url);
  const refusals = () => raw.heard.filter(text => text.startsWith('44/chat,'));
  for (let tries = 1; tries <= times; tries += 1) {
    raw.send('40/chat,{"token":"wrong"}');
    await eventually(() => expect(refusals()).toHaveLength(tries));
  }
  return raw;
}

test('S-72: after 19 refused handshakes a good token is let in; the twentieth closes the connection', async () => {
  const { token } = await app.buildUser();
  const patient = await openRefused(19);
  patient.send(`40/chat,${JSON.stringify({ token })}`);
  expect(await patient.answer('42/chat,["session:ready"')).toContain('connection_id');
  patient.ws.terminate();
  const startedAt = performance.now();
  await (await openRefused(20)).closed;
  // Long before the 10 s that a transport without a namespace has.
  expect(performance.now() - startedAt).toBeLessThan(5_000);
});

test('S-72: a transport that joins no namespace has all of its 10 s, in which it may still join', async () => {
  const user = await quick.buildUser();
  const openedAt = performance.now();
  const [idle, late] = [await openRaw(quick.url), await openRaw(quick.url)];
  await new Promise(resolve => setTimeout(resolve, 300));
  late.send(`40/chat,${JSON.stringify({ token: user.token })}`);
  await idle.closed;
  expect(performance.now() - openedAt).toBeGreaterThanOrEqual(500);
  late.send('42/chat,1["thread:list",{}]');
  expect(await late.answer('43/chat,1[')).toContain('"ok":true');
  late.ws.terminate();
});
