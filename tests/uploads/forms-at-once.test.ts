import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { eventually, type TestUser, useApp } from '../support/app.ts';
import { uploadFolder, uploadImage } from '../support/uploads.ts';

const app = useApp({ UPLOAD_DIR: await uploadFolder() });
const begun: ClientRequest[] = [];
afterEach(() => {
  for (const one of begun.splice(0)) one.destroy();
});

/** A form of which only the beginning is sent. */
function begin({ token }: TestUser): ClientRequest {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'multipart/form-data; boundary=x' };
  const sent = request(`${app.url}/api/uploads/`, { method: 'POST', headers });
  begun.push(sent);
  sent.on('error', () => {});
  sent.write(`--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n${'x'.repeat(10_000)}`);
  return sent;
}

/** Is on its way until it is let go; tried again where another was a moment sooner. */
function hold(who: TestUser): () => void {
  let sent: ClientRequest;
  const next = () => {
    sent = begin(who).once('response', next);
  };
  next();
  return () => sent.destroy();
}

const isStored = (who: TestUser) => eventually(async () => expect(await uploadImage(app, who)).toHaveProperty('id'));
const isRefused = (who: TestUser, code: string) =>
  eventually(async () =>
    expect(await uploadImage(app, who)).toMatchObject({ code, retryable: true, retry_after_ms: 1_000 }),
  );

test('a user sends six images at once; a seventh is refused before it is read, that of another user is not', async () => {
  const [user, other] = [await app.buildUser(), await app.buildUser()];
  const [letGo] = Array.from({ length: 5 }, () => hold(user));
  await isStored(user);
  hold(user);
  await isRefused(user, 'rate_limited');
  const refused = begin(user);
  const { statusCode, headers } = await new Promise<IncomingMessage>(resolve => refused.once('response', resolve));
  expect([statusCode, headers['retry-after']]).toEqual([429, '1']);
  await isStored(other);
  letGo!();
  await isStored(user);
});

test('20 images are on their way at once, of whomever', async () => {
  const users = await Promise.all(Array.from({ length: 5 }, () => app.buildUser()));
  const held = users.slice(0, 4).flatMap(user => Array.from({ length: 5 }, () => hold(user)));
  const late = users[4]!;
  await isRefused(late, 'server_busy');
  for (const letGo of held) letGo();
  await isStored(late);
});
