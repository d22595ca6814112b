import { io } from 'socket.io-client';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { ask, once, openSocket, record } from '../support/app.ts';
import { openRaw } from '../support/raw-socket.ts';
import { useTextDoor } from './text-door.ts';

const { doors, order } = useTextDoor();

test('session:ready is the first event and says who I am and which limits hold', async () => {
  const socket = openSocket(doors.url, '/chat', { token: '0198a0e0-0000-7000-8000-000000000001' });
  const heard: string[] = [];
  socket.onAny(name => heard.push(name));
  const ready = await once(socket, 'session:ready');
  expect(heard).toEqual(['session:ready']);
  expect(ready).toMatchObject({
    user_id: '0198a0e0-0000-7000-8000-000000000001',
    protocol: 1,
    degraded: [],
    limits: { event_bytes: 32_768 },
  });
  socket.close();
});

test.each([
  ['auth_required', {}],
  ['auth_required', { token: '' }],
  ['token_invalid', { token: 7 }],
  ['account_blocked', { token: 'blocked' }],
  ['protocol_unsupported', { token: 'x', protocol: 2 }],
])('a handshake is refused with %s', async (code, auth) => {
  const socket = openSocket(doors.url, '/chat', auth);
  const heard: string[] = [];
  socket.onAny(name => heard.push(name));
  const error = await new Promise<Error & { data?: object }>(resolve => socket.on('connect_error', resolve));
  expect(error.message).toBe(code);
  expect(error.data).toMatchObject({ code, request_id: expect.any(String) });
  expect(heard).toEqual([]);
  socket.close();
});

test('an option of the handshake that is wrong takes no other with it', async () => {
  const said = async (auth: object) => {
    const ack = await ask(await doors.connect(undefined, auth), 'no:event', {});
    return ack.ok ? '' : ack.error.message;
  };
  const russian = await said({ locale: 'ru' });
  expect(russian).not.toBe(await said({}));
  expect(await said({ locale: 'ru', device_id: null, client: 'web' })).toBe(russian);
});

test.each(['/', '/nowhere', '/__proto__'])(
  'the namespace %s is unknown, and a refusal leaves the others connected',
  async name => {
    const manager = io(`${doors.url}/chat`, {
      transports: ['websocket'],
      auth: { token: 'x'.repeat(8) },
      forceNew: true,
      reconnection: false,
    });
    await once(manager, 'session:ready');
    const stranger = manager.io.socket(name, { auth: { token: 'x'.repeat(8) } });
    stranger.connect();
    const error = await new Promise<Error & { data?: object }>(resolve => stranger.on('connect_error', resolve));
    expect(error).toMatchObject({ message: 'namespace_unknown', data: { code: 'namespace_unknown' } });
    expect(await ask(manager, 'text:echo', { text: 'still here' })).toMatchObject({ ok: true });
    manager.close();
  },
);

test('an answer is an ack with ok and data', async () => {
  expect(await ask(await doors.connect(), 'text:echo', { text: 'hello', more: 1 })).toEqual({
    ok: true,
    data: { text: 'hello' },
  });
});

test.each([
  ['null', null],
  ['a list', []],
  ['a number', 7],
  ['bytes', Buffer.from('x')],
  ['a wrong field', { text: 7 }],
  ['a missing field', {}],
])('S-76: %s as payload is validation_failed', async (_name, payload) => {
  const socket = await doors.connect();
  expect(await ask(socket, 'text:echo', payload)).toMatchObject({
    ok: false,
    error: { code: 'validation_failed', details: { fields: expect.any(Array) } },
  });
  expect(await ask(socket, 'text:echo', { text: 'alive' })).toMatchObject({ ok: true });
});

test.each([
  ['invalid_type', {}],
  ['too_big', { token: 'x'.repeat(4_097) }],
  ['control_characters', { token: 'x\u0000' }],
])('a token that cannot be one is refused by auth:renew with %s', async (code, payload) => {
  const ack = await ask(await doors.connect(), 'auth:renew', payload);
  expect(ack).toMatchObject({ error: { code: 'validation_failed', details: { fields: [{ path: 'token', code }] } } });
});

test('S-76: five arguments are validation_failed, and no callback is needed to be heard', async () => {
  const socket = await doors.connect();
  expect(await socket.timeout(5000).emitWithAck('text:echo', 1, 2, 3, 4, 5)).toMatchObject({
    error: { code: 'validation_failed' },
  });
  const [listener, speaker] = [await doors.connect('listener'), socket];
  const told = once(listener, 'text:told');
  speaker.emit('text:tell', { to: 'listener', text: 'no callback' });
  expect(await told).toEqual({ text: 'no callback' });
});

test.each(['error', 'toString', '__proto__', 'constructor', 'text:unknown', 'hasOwnProperty'])(
  'S-76: the event %s is unknown_event and ends nothing',
  async name => {
    const socket = await doors.connect();
    expect(await ask(socket, name, {})).toMatchObject({ ok: false, error: { code: 'unknown_event' } });
    expect(await ask(socket, 'text:echo', { text: 'alive' })).toMatchObject({ ok: true });
  },
);

test.each(['connect', 'disconnect', 'newListener'])(
  'S-76: the reserved event %s closes the connection and the server lives',
  async name => {
    expect(await askRaw(`42/chat,1["${name}",{}]`)).toBe('closed');
    expect(await ask(await doors.connect(), 'text:echo', { text: 'alive' })).toMatchObject({ ok: true });
  },
);

/** Sends one frame that no client would make; answers with the frame that comes back, or `closed`. */
function askRaw(frame: string): Promise<string> {
  const raw = new WebSocket(`${doors.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`);
  return new Promise<string>(resolve => {
    raw.on('close', () => resolve('closed'));
    raw.on('message', data => {
      const text = String(data);
      if (text.startsWith('0')) raw.send(`40/chat,${JSON.stringify({ token: 'raw' })}`);
      if (text.startsWith('40/chat')) raw.send(frame);
      if (text.startsWith('43')) resolve(text);
    });
  }).finally(() => raw.terminate());
}

test.each(['sync', 'async'])('S-81: an %s throw is internal to that socket alone and tells nothing', async how => {
  const [socket, neighbour] = [await doors.connect(), await doors.connect()];
  const reply = await ask(socket, 'text:fail', { how });
  expect(reply).toMatchObject({ ok: false, error: { code: 'internal', retryable: false } });
  expect(JSON.stringify(reply)).not.toContain('secret');
  expect(await ask(neighbour, 'text:echo', { text: 'alive' })).toMatchObject({ ok: true });
});

test('events of one socket are handled one after the other, in the order of their arrival', async () => {
  const socket = await doors.connect();
  const waits = [30, 1, 15].map((ms, n) => ask(socket, 'text:wait', { text: `w${n}`, ms }));
  await Promise.all(waits);
  expect(order.filter(text => text.startsWith('w'))).toEqual(['w0', 'w1', 'w2']);
});

test('a slow event of one socket does not hold up another socket', async () => {
  const [slow, quick] = [await doors.connect(), await doors.connect()];
  const later = ask(slow, 'text:wait', { text: 'slow', ms: 300 });
  await ask(quick, 'text:wait', { text: 'quick', ms: 0 });
  await later;
  expect(order.indexOf('quick')).toBeLessThan(order.indexOf('slow'));
});

test('pipelined calls of a batch are answered in their order, over different lanes too', async () => {
  const socket = await doors.connect();
  const replies = await Promise.all(
    Array.from({ length: 50 }, (_, n) => ask(socket, 'text:gather', { text: `lane ${n % 3}` })),
  );
  const places = replies.map(reply => (reply.ok ? reply.data.place : 0));
  expect(places).toEqual([...places].sort((a, b) => a - b));
});

test('more than 64 waiting events of one socket are rate_limited', async () => {
  const socket = await doors.connect();
  const replies = await Promise.all(
    Array.from({ length: 80 }, (_, n) => ask(socket, 'text:wait', { text: `q${n}`, ms: n === 0 ? 100 : 0 })),
  );
  expect(replies.filter(reply => reply.ok)).toHaveLength(64);
  expect(replies.at(-1)).toMatchObject({
    error: { code: 'rate_limited', retryable: true, retry_after_ms: expect.any(Number) },
  });
});

test('S-78: deep and wide JSON is validation_failed, 30 kB of [ included', async () => {
  const deep = `{"text":${'['.repeat(15_000)}${']'.repeat(15_000)}}`;
  const nested = `{"text":${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}}`;
  const wide = JSON.stringify(Object.fromEntries(Array.from({ length: 1_001 }, (_, n) => [`k${n}`, n])));
  const spread = `{"a":${wide.replace(',"k1000":1000', '')},"b":{"c":{}}}`;
  const long = `{"text":[${'{},'.repeat(1_000)}{}]}`;
  const lists = `{"text":[[${'1,'.repeat(500)}1],[${'1,'.repeat(500)}1]]}`;
  const inList = `{"text":[${wide}]}`;
  for (const payload of [deep, nested, wide, spread, long, lists, inList])
    expect(await askRaw(`42/chat,1["text:echo",${payload}]`)).toContain('"code":"too_complex"');
});

test('S-79: an event over 32 KiB is payload_too_large and the socket stays; over 64 KiB the transport closes', async () => {
  const [socket, neighbour] = [await doors.connect(), await doors.connect()];
  expect(await ask(socket, 'text:echo', { text: 'x'.repeat(33_000) })).toMatchObject({
    error: { code: 'payload_too_large' },
  });
  expect(await ask(socket, 'text:echo', { text: 'x'.repeat(32_000) })).toMatchObject({ ok: true });
  const closed = new Promise(resolve => socket.on('disconnect', resolve));
  socket.emit('text:echo', { text: 'x'.repeat(70_000) });
  await closed;
  expect(await ask(neighbour, 'text:echo', { text: 'alive' })).toMatchObject({ ok: true });
});

test('S-79: attachments make an event no smaller, and count themselves', async () => {
  const raw = await openRaw(doors.url, 'raw');
  const ask = (id: number, text: string, attachment: Buffer) => {
    raw.send(`451-/chat,${id}["text:echo",{"text":"${text}","more":{"_placeholder":true,"num":0}}]`);
    raw.send(attachment);
    return raw.answer(`43/chat,${id}[`);
  };
  expect(await ask(1, 'x'.repeat(33_000), Buffer.from('y'))).toContain('"payload_too_large"');
  expect(await ask(2, 'x', Buffer.alloc(33_000))).toContain('"payload_too_large"');
  expect(await ask(3, 'x', Buffer.from('y'))).toContain('{"text":"x"}');
  raw.ws.terminate();
});

test('a push reaches every device of its user, nobody else, and nothing of a transaction that failed', async () => {
  const [phone, laptop, stranger] = [
    await doors.connect('told'),
    await doors.connect('told'),
    await doors.connect('stranger'),
  ];
  const [onPhone, onLaptop, onStranger] = [phone, laptop, stranger].map(socket => record(socket, 'text:told'));
  expect(await ask(stranger, 'text:tell', { to: 'told', text: 'never' })).toMatchObject({ ok: false });
  expect(await ask(stranger, 'text:tell', { to: 'told', text: 'once' })).toMatchObject({ ok: true });
  for (const socket of [phone, laptop, stranger]) await ask(socket, 'text:echo', { text: 'fence' });
  expect([onPhone, onLaptop, onStranger]).toEqual([[{ text: 'once' }], [{ text: 'once' }], []]);
});

test('S-70: an upgrade from a foreign, null, suffix or prefix origin gets no 101', async () => {
  for (const origin of [
    'https://evil.example',
    'null',
    'http://localhost:3000.evil.example',
    'http://localhost:30000',
  ]) {
    const raw = new WebSocket(`${doors.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`, { origin });
    const status = await new Promise(resolve => {
      raw.on('unexpected-response', (_request, response) => resolve(response.statusCode));
      raw.on('open', () => resolve(101));
      raw.on('error', () => {});
    });
    expect([origin, status]).not.toEqual([origin, 101]);
    raw.terminate();
  }
});

test('one user may hold ten connections, the eleventh is refused, and a closed one makes room', async () => {
  const held = await Promise.all(Array.from({ length: 10 }, () => doors.connect('many')));
  const refused = openSocket(doors.url, '/chat', { token: 'many' });
  const error = await new Promise<Error & { data?: object }>(resolve => refused.on('connect_error', resolve));
  expect(error).toMatchObject({ message: 'too_many_connections', data: { details: { max: 10 } } });
  held[0]!.close();
  await expect
    .poll(() =>
      doors.connect('many').then(
        () => 'connected',
        () => 'refused',
      ),
    )
    .toBe('connected');
});
