import { connect } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { io } from 'socket.io-client';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { ask, eventually, once, openSocket, useApp } from '../support/app.ts';
import { engineUrl, openRaw } from '../support/raw-socket.ts';
import { buildTalk, done, message } from '../support/talk.ts';

const app = useApp();
const quick = useApp({ TEST_TIME_SCALE: '20' });
const unlimited = useApp({ RATE_LIMITS: 'off' });
const rejections = vi.fn();
beforeAll(() => void process.on('unhandledRejection', rejections));
afterAll(() => {
  process.off('unhandledRejection', rejections);
  expect(rejections).not.toHaveBeenCalled();
});

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function heapUsed(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

/** Frames that wait are buffers, which are no part of the heap. */
function memoryUsed(): number {
  return heapUsed() + process.memoryUsage().arrayBuffers;
}

/** An upgraded connection without a WebSocket library: any bytes may follow. */
function openTcp(): Promise<{ write(bytes: Buffer): void; closed: Promise<string> }> {
  const { hostname, port } = new URL(app.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  let heard = '';
  const closed = new Promise<string>(resolve => socket.on('close', () => resolve(heard)));
  socket.write(
    `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  );
  return new Promise(resolve =>
    socket.on('data', data => {
      heard += data.toString('latin1');
      if (heard.includes('0{"sid"')) resolve({ write: bytes => void socket.write(bytes), closed });
    }),
  );
}

/** A masked frame of a client; the mask is zero, so that the payload is readable. */
function frame(
  opcode: number,
  payload: string | Buffer,
  { isFinal = true, reserved = 0, isMasked = true } = {},
): Buffer {
  const body = Buffer.from(payload);
  const first = (isFinal ? 0x80 : 0) | (reserved << 4) | opcode;
  const head = Buffer.from([first, (isMasked ? 0x80 : 0) | body.length]);
  return Buffer.concat([head, ...(isMasked ? [Buffer.alloc(4)] : []), body]);
}

const [CONTINUATION, TEXT, RESERVED_OPCODE] = [0, 1, 3];

test.each([
  ['an unmasked frame', frame(TEXT, '40/chat,', { isMasked: false })],
  ['a reserved bit', frame(TEXT, '40/chat,', { reserved: 4 })],
  ['a reserved opcode', frame(RESERVED_OPCODE, 'x')],
  ['broken UTF-8', frame(TEXT, Buffer.from([0x34, 0x32, 0xff, 0xfe]))],
  ['a continuation of nothing', frame(CONTINUATION, 'x')],
  ['endless fragments', Buffer.concat([frame(TEXT, '4', { isFinal: false }), ...Array.from({ length: 200 }, () => frame(CONTINUATION, '', { isFinal: false }))])], // biome-ignore format: one line reads better
])('S-80: %s closes that connection alone', async (_name, bytes) => {
  const neighbour = await app.connect(await app.buildUser(), '/chat');
  const tcp = await openTcp();
  tcp.write(bytes);
  await tcp.closed;
  expect(await ask(neighbour, 'thread:list', {})).toMatchObject({ ok: true });
});

test.each([
  ['an unknown type of the transport', '9'],
  ['an unknown type of packet', '49'],
  ['a heartbeat in the wrong direction', '2probe'],
  ['an id that is none', '42/chat,x["thread:list",{}]'],
  ['a payload that is no JSON', '42/chat,1["thread:list",{]'],
  ['a payload that is no list', '42/chat,1{"thread:list":{}}'],
  ['eleven attachments', '4511-/chat,["message:send",{"_placeholder":true,"num":0}]'],
  ['attachments that are no number', '45x-/chat,["message:send",{}]'],
])('S-80: %s is answered by closing that connection alone', async (_name, packet) => {
  const user = await app.buildUser();
  const [raw, neighbour] = [await openRaw(app.url, user.token), await app.connect(await app.buildUser(), '/chat')];
  raw.send(packet);
  await raw.closed;
  expect(await ask(neighbour, 'thread:list', {})).toMatchObject({ ok: true });
});

test('S-80: text in between where attachments were announced closes the connection', async () => {
  const raw = await openRaw(app.url, (await app.buildUser()).token);
  raw.send('451-/chat,["message:send",{"_placeholder":true,"num":0}]');
  raw.send('42/chat,1["thread:list",{}]');
  await raw.closed;
  expect((await app.get(null, '/healthz')).status).toBe(200);
});

test('S-80: a packet for a namespace that was not joined closes the connection', async () => {
  const raw = await openRaw(app.url);
  raw.send('42/chat,1["thread:list",{}]');
  await raw.closed;
  expect(raw.heard).toHaveLength(1);
});

test('S-79: above 64 KiB the connection is closed with 1009; compression is not negotiated', async () => {
  const raw = await openRaw(app.url, (await app.buildUser()).token);
  raw.send(`42/chat,1["thread:list",{"x":"${'x'.repeat(66_000)}"}]`);
  expect(await raw.closed).toBe(1009);
  const offering = new WebSocket(engineUrl(app.url), { perMessageDeflate: true });
  const headers = await new Promise<Record<string, unknown>>(resolve => offering.on('upgrade', response => resolve(response.headers))); // biome-ignore format: one line reads better
  expect(headers['sec-websocket-extensions']).toBeUndefined();
  offering.terminate();
});

test('S-75: 10,000 unknown namespaces on one connection are each refused, and nothing of them is kept', async () => {
  const raw = await openRaw(unlimited.url, (await unlimited.buildUser()).token);
  const ask = (from: number, to: number) => {
    for (let index = from; index < to; index += 1) raw.send(`40/stranger-${index},`);
    return raw.answer(`44/stranger-${to - 1},`);
  };
  await ask(0, 2_000);
  const before = heapUsed();
  expect(await ask(2_000, 10_000)).toContain('"code":"namespace_unknown"');
  expect(raw.heard.filter(text => text.startsWith('44/stranger-'))).toHaveLength(10_000);
  raw.heard.length = 0;
  expect(heapUsed() - before).toBeLessThan(4_000_000); // 500 bytes for each would be as much
  raw.send('42/chat,1["thread:list",{}]');
  expect(await raw.answer('43/chat,1[')).toContain('"ok":true');
  raw.ws.terminate();
});

test('S-72: refused tokens get the code and not one event; who does not learn is closed', async () => {
  const user = await app.buildUser();
  const expired = app.tokenOf(user, new Date(Date.now() - 3_600_000)).token;
  const forged = `${user.token.slice(0, -4)}AAAA`;
  const revoked = await app.buildUser();
  await app.post(revoked, '/api/auth/logout/?scope=current');
  for (const [token, code] of [
    [undefined, 'auth_required'],
    [expired, 'token_expired'],
    [forged, 'token_invalid'],
    [revoked.token, 'session_revoked'],
  ]) {
    const raw = await openRaw(app.url);
    raw.send(`40/chat,${JSON.stringify({ token })}`);
    expect(JSON.parse((await raw.answer('44/chat,')).slice(8))).toMatchObject({ message: code, data: { code } });
    expect(raw.heard.filter(text => text.startsWith('42'))).toEqual([]);
    raw.ws.terminate();
  }
  // Asked at once they are one handshake: it is closed as one that joins no namespace, which takes 500 ms on this server.
  const stubborn = await openRaw(quick.url);
  for (let tries = 0; tries < 40; tries += 1) stubborn.send('40/chat,{"token":"wrong"}');
  await stubborn.closed;
});

test('S-72: a silent connection, and one that joins no namespace or leaves them all, is closed within 10 s', async () => {
  const { port } = new URL(quick.url);
  const startedAt = performance.now();
  const silent = connect(Number(port), '127.0.0.1');
  // It hears its end only behind what it is told before: a 408, if the time for headers is over first.
  silent.on('error', () => {}).resume();
  const silentClosed = new Promise(resolve => silent.on('close', resolve));
  const user = await quick.buildUser();
  const [idle, leaving, staying] = [await openRaw(quick.url), await openRaw(quick.url, user.token), await openRaw(quick.url, user.token)]; // biome-ignore format: one line reads better
  leaving.send('41/chat,');
  await Promise.all([silentClosed, idle.closed, leaving.closed]);
  expect(performance.now() - startedAt).toBeLessThan(5_000); // 500 ms on this server
  staying.send('42/chat,1["thread:list",{}]');
  expect(await staying.answer('43/chat,1[')).toContain('"ok":true');
  staying.ws.terminate();
});

test('S-71: cookies and the query string carry no authority', async () => {
  const { token } = await app.buildUser();
  const address = `${engineUrl(app.url)}&token=${token}&auth=${token}`;
  const ws = new WebSocket(address, { headers: { Cookie: `token=${token}; access=${token}`, Authorization: `Bearer ${token}` } }); // biome-ignore format: one line reads better
  const refusal = await new Promise<string>(resolve => {
    ws.on('message', data => {
      const text = String(data);
      if (text.startsWith('0')) ws.send('40/chat,');
      else resolve(text);
    });
  });
  expect(refusal).toContain('"auth_required"');
  ws.terminate();
});

test('S-59, S-70: an upgrade for a foreign host, or from a page of a foreign origin, gets no 101 but the reason', async () => {
  const answer = (headers: Record<string, string>, url = engineUrl(app.url)) =>
    new Promise<string>(resolve => {
      const ws = new WebSocket(url, { headers });
      ws.on('unexpected-response', async (_request, response) => {
        const { code } = JSON.parse(Buffer.concat(await response.toArray()).toString());
        resolve(`${response.statusCode} ${code}`);
      });
      ws.on('open', () => resolve('101'));
      ws.on('error', () => {});
      ws.on('open', () => ws.terminate());
    });
  for (const Host of ['evil.example', '127.0.0.1.evil.example', 'localhost@evil.example'])
    expect([Host, await answer({ Host })]).toEqual([Host, '400 invalid_host']);
  for (const Origin of ['null', 'https://evil.example', `${app.url}.evil.example`, `${app.url}0`])
    expect([Origin, await answer({ Origin })]).toEqual([Origin, '403 origin_forbidden']);
  expect(await answer({ Origin: app.url.replace(/:\d+$/, ':0') })).toBe('101'); // PUBLIC_URL of this server
  // With DEBUG its own pages, by whichever name it was opened.
  const { host } = new URL(app.url.replace('127.0.0.1', 'localhost'));
  const { token } = await app.buildUser();
  const headers = { Host: host, Origin: `http://${host}` };
  const own = io(`${app.url}/chat`, { transports: ['websocket'], auth: { token }, forceNew: true, extraHeaders: headers }); // biome-ignore format: one line reads better
  await once(own, 'session:ready');
  own.close();
  for (const Origin of [`https://${host}`, `http://${host}.evil.example`, 'http://localhost'])
    expect([Origin, await answer({ Host: host, Origin })]).toEqual([Origin, '403 origin_forbidden']);
  for (const [from, to] of [
    ['EIO=4', 'EIO=3'],
    ['transport=websocket', 'transport=polling'],
  ] as const)
    expect(await answer({}, engineUrl(app.url).replace(from, to))).toBe('400 protocol_unsupported');
});

const slowCuts = async () =>
  Number(
    /connections_cut_total\{reason="slow_reader"\} (\d+)/.exec((await unlimited.get(null, '/metrics')).body)?.[1] ?? 0,
  );

test('S-88: a reader that stops is cut, its memory returns, and it pulls what it lacks', async () => {
  const { buyer, seller, thread } = await buildTalk(unlimited);
  const sender = await unlimited.connect(buyer, '/chat');
  const reader = await openRaw(unlimited.url, seller.token);
  reader.ws.pause();
  const before = memoryUsed();
  let isCut = false;
  void reader.closed.then(() => {
    isCut = true;
  });
  const text = '\u{1f697}'.repeat(4_000); // 16 kB
  let sent = 0;
  while ((await slowCuts()) === 0 && sent < 4_000) {
    await Promise.all(Array.from({ length: 60 }, () => done(sender, 'message:send', message(thread, { text }))));
    sent += 60;
  }
  expect(await slowCuts()).toBe(1);
  expect((await unlimited.get(null, '/metrics')).body).toContain('parthub_connections{of="connection"} 1\n');
  // All that was pushed would be 16 kB each; the reader was let have 4 MB before it was cut.
  await eventually(() => expect([sent, memoryUsed() - before < 4_000_000]).toEqual([sent, true]));
  reader.ws.resume();
  await eventually(() => expect(isCut).toBe(true));
  const again = openSocket(unlimited.url, '/chat', { token: seller.token });
  const pulled = await done(again, 'sync:pull', { threads: [{ thread_id: thread.id, rev: 1 }] });
  expect(pulled.threads[0].thread).toMatchObject({ last_seq: sent });
  again.close();
}, 60_000);
