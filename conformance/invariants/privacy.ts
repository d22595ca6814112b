import type { Account } from '../../load/rooms.ts';
import { eventually } from '../../tests/support/eventually.ts';
import { openRaw, type RawSocket } from '../../tests/support/raw-socket.ts';
import { call, type Device } from '../devices.ts';
import { message } from '../messages.ts';
import { ensure, type Invariant, pause, type Stage, turn, wholeMs } from '../stage.ts';

const REVOKED_WITHIN_MS = 1_000;

const revocation: Invariant = {
  name: 'revocation',
  sentence: 'After a logout every connection of the session, on every address, is told session:revoked and cut within 1 s, and nobody stays who comes in with its token.', // biome-ignore format: one line reads better
  async prove(stage) {
    const [leaver, stayer] = stage.takeRoom().sides;
    const devices = await Promise.all(stage.urls.map(url => stage.device(url, leaver, '/chat')));
    const bystander = await stage.device(stage.urls[0]!, stayer, '/chat');
    const beganAt = performance.now();
    const cuts = devices.map(({ socket }) => new Promise<number>(resolve => socket.on('disconnect', () => resolve(performance.now() - beganAt)))); // biome-ignore format: one line reads better
    const { status } = await call(stage.urls.at(-1)!, leaver, 'POST', '/api/auth/logout/', {});
    ensure(status === 204, `logout was answered ${status}`);
    await eventually(
      () =>
        ensure(
          devices.every(one => !one.socket.connected),
          'a connection still stands',
        ),
      3_000,
    );
    const slowest = Math.max(...(await Promise.all(cuts)));
    for (const device of devices) ensure(device.payloads('session:revoked')[0]?.reason === 'logout', 'a connection was cut without a word'); // biome-ignore format: one line reads better
    ensure(slowest <= REVOKED_WITHIN_MS, `the last connection was cut after ${wholeMs(slowest)}`);
    await Promise.all(stage.urls.map(url => ensureShutOut(stage, url, leaver)));
    await bystander.ask('thread:list', {});
    return `${devices.length} connections, the last cut after ${wholeMs(slowest)}`;
  },
};

/** Whoever comes in by what an instance remembered for a moment is cut in time too. */
async function ensureShutOut(stage: Stage, url: string, who: Account): Promise<void> {
  const letIn: Device[] = [];
  await eventually(async () => {
    const refusal = await stage.device(url, who, '/chat').then(
      device => `let in ${letIn.push(device)} times`,
      error => (error as Error).message,
    );
    if (letIn.length > 0) await pause(200);
    ensure(/session_revoked/.test(refusal), `the ended session is ${refusal}`);
  }, REVOKED_WITHIN_MS);
  await eventually(() => ensure(letIn.every(one => !one.socket.connected), 'one that came in after the logout stays'), REVOKED_WITHIN_MS); // biome-ignore format: one line reads better
}

/** Frames that no client sends: all but answers to events close the connection. */
const broken: [string, string | Buffer][] = [
  ['an unknown type of the transport', '9'],
  ['an unknown type of packet', '49'],
  ['an id that is none', '42/chat,x["thread:list",{}]'],
  ['a payload that is no JSON', '42/chat,1["thread:list",{]'],
  ['a payload that is no list', '42/chat,1{"thread:list":{}}'],
  ['attachments that never come', '4511-/chat,["message:send",{"_placeholder":true,"num":0}]'],
  ['bytes that nobody announced', Buffer.from([0, 255, 254, 1])],
  ['a frame above 64 KiB', `42/chat,1["thread:list",{"x":"${'x'.repeat(66_000)}"}]`],
];
const nested = `${'['.repeat(1_000)}${']'.repeat(1_000)}`;
const refused: [string, string, string][] = [
  ['an unknown event', '["no:such",{}]', 'unknown_event'],
  ['an event named like a method', '["toString",{}]', 'unknown_event'],
  ['a list as payload', '["thread:list",[]]', 'validation_failed'],
  ['null as payload', '["message:send",null]', 'validation_failed'],
  ['five arguments', '["thread:list",{},{},{},{},{}]', 'validation_failed'],
  ['a thousand nested lists', `["thread:list",{"x":${nested}}]`, 'validation_failed'],
  ['an event above 32 KiB', `["thread:list",{"x":"${'x'.repeat(33_000)}"}]`, 'payload_too_large'],
];

const malformed: Invariant = {
  name: 'malformed-frames',
  sentence: 'Broken frames end their own connection or are answered with a code; every address lives on, and others keep their connections.', // biome-ignore format: one line reads better
  async prove(stage) {
    const { threadId, sides } = stage.takeRoom();
    const others = await Promise.all(stage.urls.map(url => stage.device(url, sides[1], '/chat')));
    for (const [n, [what, frame]] of broken.entries()) {
      const raw = await openOn(stage, turn(stage.urls, n), sides[0]);
      raw.send(frame);
      const isClosed = await Promise.race([raw.closed.then(() => true), pause(5_000)]);
      ensure(isClosed === true, `${what} was taken`);
    }
    const raw = await openOn(stage, stage.urls[0]!, sides[0]);
    for (const [n, [what, packet, code]] of refused.entries()) {
      raw.send(`42/chat,${n}${packet}`);
      const answer = await raw.answer(`43/chat,${n}[`);
      ensure(answer.includes(`"code":"${code}"`), `${what} was answered ${answer.slice(0, 200)}`);
    }
    for (const [n, url] of stage.urls.entries()) {
      ensure((await call(url, null, 'GET', '/healthz')).status === 200, `${url} does not live on`);
      ensure(others[n]!.socket.connected, 'another user lost the connection');
      await others[n]!.ask('message:send', message(threadId));
    }
    return `${broken.length} closed, ${refused.length} answered with their code`;
  },
};

async function openOn(stage: Stage, url: string, who: Account): Promise<RawSocket> {
  const raw = await openRaw(url, who.access);
  stage.onEnd(() => raw.ws.terminate());
  return raw;
}

const namespaces = ['/chat', '/presence', '/notifications'];

/** In all namespaces of one connection; keeps every frame as it came. */
async function listen(stage: Stage, url: string, who: Account): Promise<RawSocket> {
  const raw = await openOn(stage, url, who);
  for (const namespace of namespaces.slice(1)) {
    raw.send(`40${namespace},${JSON.stringify({ token: who.access })}`);
    await raw.answer(`42${namespace},["session:ready"`);
  }
  return raw;
}

const pushesOf = (raw: RawSocket) =>
  raw.heard.filter(frame => frame.startsWith('42') && !frame.includes('["session:ready"'));
const durable = /^42\/chat,\["(message:\w+|receipt:updated)"/;
const phone = /\+998\d{9}|"\+?\d{11,15}"|"phone"/;

const leaks: Invariant = {
  name: 'leaks',
  sentence: 'An outsider hears nothing of a thread, both participants get the same bytes, and no push carries a phone number.', // biome-ignore format: one line reads better
  async prove(stage) {
    const { threadId, sides } = stage.takeRoom();
    const [outsider] = stage.takeRoom().sides;
    // all on one address: what the participants have heard there, the outsider would have heard too
    const url = stage.urls.at(-1)!;
    const [stranger, ...participants] = await Promise.all([outsider, ...sides].map(who => listen(stage, url, who)));
    const [buyer, seller] = await Promise.all(sides.map((side, n) => stage.device(turn(stage.urls, n), side, '/chat')));
    const refusals = await actAsOutsider(await stage.device(stage.urls[0]!, outsider, '/chat'), threadId);
    await actInThread(buyer!, seller!, threadId, sides[1].user_id);
    const last = (await seller!.ask('message:send', message(threadId, 'the last'))).message.id;
    await eventually(() => {
      for (const one of participants) ensure(pushesOf(one).some(frame => frame.includes(last)), 'a participant did not hear the last message'); // biome-ignore format: one line reads better
    });
    await Promise.all([stranger!, ...participants].map(fence));
    const overheard = pushesOf(stranger!);
    ensure(overheard.length === 0, `an outsider heard ${overheard[0]?.slice(0, 200)}`);
    const [left, right] = participants.map(one =>
      pushesOf(one)
        .filter(frame => durable.test(frame))
        .sort(),
    );
    ensure(left!.length > 5 && left!.join('\n') === right!.join('\n'), 'participants were sent different bytes');
    const frames = [stranger!, ...participants].flatMap(pushesOf);
    const leaked = frames.find(frame => phone.test(frame));
    ensure(leaked === undefined, `a push carries a phone number: ${leaked?.slice(0, 60)}…`);
    return `${frames.length} pushes looked through, ${left!.length} pairs alike, ${refusals} attempts of an outsider not_found`; // biome-ignore format: one line reads better
  },
};

async function fence(raw: RawSocket): Promise<void> {
  raw.send('42/chat,77["thread:list",{}]');
  raw.send('42/notifications,78["notification:list",{}]');
  await Promise.all([raw.answer('43/chat,77'), raw.answer('43/notifications,78')]);
}

async function actAsOutsider(outsider: Device, thread_id: string): Promise<number> {
  outsider.socket.emit('typing:start', { thread_id });
  const attempts: [string, object][] = [
    ['thread:get', { thread_id }],
    ['thread:history', { thread_id }],
    ['thread:read', { thread_id, seq: 1 }],
    ['message:send', message(thread_id)],
  ];
  for (const [event, payload] of attempts) {
    const refusal = await outsider.ask(event, payload).catch(error => error.message);
    ensure(/not_found/.test(refusal), `${event} of an outsider was answered ${JSON.stringify(refusal)}`);
  }
  return attempts.length;
}

/** Everything that is told to others. */
async function actInThread(buyer: Device, seller: Device, thread_id: string, sellerId: string): Promise<void> {
  buyer.socket.emit('typing:start', { thread_id });
  const { id, seq } = (await buyer.ask('message:send', message(thread_id))).message;
  await seller.ask('thread:delivered', { items: [{ thread_id, seq }] });
  await seller.ask('thread:read', { thread_id, seq });
  await seller.ask('message:react', { thread_id, message_id: id, emoji: '👍', op: 'add' });
  await buyer.ask('message:edit', { thread_id, message_id: id, text: 'changed' });
  await buyer.ask('message:delete', { thread_id, message_id: id });
  await seller.ask('thread:mark-unread', { thread_id });
  await buyer.ask('user:block', { user_id: sellerId });
  await buyer.ask('user:unblock', { user_id: sellerId });
}

export const privacyInvariants = [revocation, malformed, leaks];
