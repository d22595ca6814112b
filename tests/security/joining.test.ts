import { io, type Socket } from 'socket.io-client';
import { expect, onTestFinished, test } from 'vitest';
import { ask, once, record, useApp } from '../support/app.ts';
import { openRaw } from '../support/raw-socket.ts';
import { buildTalk, message } from '../support/talk.ts';

const app = useApp();
const connectPacket = ({ token }: { token: string }) => `40/chat,${JSON.stringify({ token })}`;

const inChat = async () => /connections\{of="\/chat"\} (\d+)/.exec((await app.get(null, '/metrics')).body)?.[1];

test('S-75: a namespace that is asked for many times at once is joined once', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const raw = await openRaw(app.url);
  const heard = (text: string) => raw.heard.filter(frame => frame.includes(text)).length;
  for (let count = 0; count < 5; count += 1) raw.send(connectPacket(buyer));
  await raw.answer('42/chat,["session:ready"');
  expect((await app.post(seller, '/api/chat/send/', message(thread))).status).toBe(201);
  raw.send('42/chat,1["thread:list",{}]');
  await raw.answer('43/chat,1[');
  expect([heard('session:ready'), heard('message:created'), await inChat()]).toEqual([1, 1, '1']);
  raw.send('41/chat,');
  await expect.poll(inChat).toBe('0');
  raw.ws.terminate();
});

test('S-75: who becomes somebody else while a namespace is being joined is closed before anything is told', async () => {
  const raw = await openRaw(app.url);
  for (const user of [await app.buildUser(), await app.buildUser()]) raw.send(connectPacket(user));
  await raw.closed;
  expect(raw.heard.filter(text => text.startsWith('4'))).toEqual([]);
  expect(await inChat()).toBe('0');
});

test('a namespace that was refused may be asked for again on the same connection, as one that was left', async () => {
  const user = await app.buildUser();
  const raw = await openRaw(app.url);
  raw.send('40/chat,{"token":"wrong"}');
  expect(await raw.answer('44/chat,')).toContain('token_invalid');
  for (const times of [1, 2]) {
    raw.send(connectPacket(user));
    await expect.poll(() => raw.heard.filter(text => text.includes('session:ready'))).toHaveLength(times);
    raw.send('41/chat,');
    await expect.poll(inChat).toBe('0');
  }
  raw.ws.terminate();
});

test('who leaves a namespace and joins it again at once keeps the others', async () => {
  const user = await app.buildUser();
  const bell = await app.connect(user, '/notifications');
  const chat = bell.io.socket('/chat', { auth: { token: user.token } });
  chat.connect();
  await once(chat, 'session:ready');
  const cut = record(bell, 'disconnect');
  for (let count = 0; count < 2; count += 1) {
    chat.disconnect().connect();
    await once(chat, 'session:ready');
  }
  expect([await ask(bell, 'preferences:get', {}), cut]).toMatchObject([{ ok: true }, []]);
});

test('a client whose token was fetched over a reconnect asks twice, and hears each push once', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const waiting: (() => void)[] = [];
  let isSlow = true;
  const socket: Socket = io(`${app.url}/chat`, {
    ...{ transports: ['websocket'], forceNew: true, reconnectionDelay: 10, reconnectionDelayMax: 10 },
    auth: give => {
      const answer = () => give({ token: buyer.token });
      if (isSlow) waiting.push(answer);
      else answer();
    },
  });
  onTestFinished(() => void socket.close());
  await expect.poll(() => waiting).toHaveLength(1);
  socket.io.engine.close();
  await expect.poll(() => waiting).toHaveLength(2);
  isSlow = false;
  const ready = once(socket, 'session:ready');
  for (const answer of waiting) answer();
  await ready;
  const heard = record(socket, 'message:created');
  expect((await app.post(seller, '/api/chat/send/', message(thread))).status).toBe(201);
  expect(await ask(socket, 'thread:list', {})).toMatchObject({ ok: true });
  expect(heard).toHaveLength(1);
});
