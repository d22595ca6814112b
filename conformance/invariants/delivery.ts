import { eventually } from '../../tests/support/eventually.ts';
import { call, type Device } from '../devices.ts';
import { ensureStoredOnce, message, type Outgoing, wholeHistory } from '../messages.ts';
import { ensure, type Invariant, pause, type Stage, turn, wholeMs } from '../stage.ts';

const DEVICES = 3;
const MESSAGES = 20;

/** Three devices of each user, spread over the addresses. */
function devicesOf(stage: Stage, side: Parameters<Stage['device']>[1], namespace: string): Promise<Device[]> {
  return Promise.all(Array.from({ length: DEVICES }, (_, n) => stage.device(turn(stage.urls, n), side, namespace)));
}

const fanOut: Invariant = {
  name: 'fan-out',
  sentence: 'Every device of both users hears each message exactly once, seq has no hole, and what one device sends arrives in its order.', // biome-ignore format: one line reads better
  async prove(stage) {
    const { threadId, sides } = stage.takeRoom();
    const devices = (await Promise.all(sides.map(side => devicesOf(stage, side, '/chat')))).flat();
    const before = (await devices[0]!.ask('thread:get', { thread_id: threadId })).thread.last_seq;
    const sentAt = new Map<string, number>();
    const send = async (from: Device) => {
      const outbox = Array.from({ length: MESSAGES }, () => message(threadId));
      await Promise.all(
        outbox.map(one => {
          sentAt.set(one.client_id, performance.now());
          return from.ask('message:send', one);
        }),
      );
      return outbox;
    };
    // one device of each user, on different addresses where there are several
    const sent = (await Promise.all([send(devices[0]!), send(devices[DEVICES + 1]!)])).flat();
    const created = (device: Device) => device.heard.filter(one => one.event === 'message:created');
    await eventually(() => {
      for (const device of devices) ensure(created(device).length >= sent.length, `a device heard ${created(device).length} of ${sent.length} messages`); // biome-ignore format: one line reads better
    }, 5_000);
    for (const device of devices) {
      await device.ask('thread:get', { thread_id: threadId });
      ensureHeardOnce(device, before, sent);
    }
    const delays = devices.flatMap(created).map(({ payload, at }) => at - sentAt.get(payload.message.client_id)!);
    return `${devices.length} devices heard ${sent.length} messages each, the slowest after ${wholeMs(Math.max(...delays))}`;
  },
};

function ensureHeardOnce(device: Device, before: number, sent: readonly Outgoing[]): void {
  const heard = device.payloads('message:created').map(push => push.message);
  const seqs = heard.map(one => one.seq).sort((a, b) => a - b);
  const expected = sent.map((_, index) => before + 1 + index);
  ensure(`${seqs}` === `${expected}`, `a device heard ${seqs.join(' ')} instead of ${expected.join(' ')}`);
  for (const sender of new Set(heard.map(one => one.sender.id))) {
    const own = heard.filter(one => one.sender.id === sender).map(one => one.seq);
    ensure(
      own.every((seq, index) => index === 0 || seq > own[index - 1]!),
      `out of order: ${own.join(' ')}`,
    );
  }
}

const idempotency: Invariant = {
  name: 'idempotency',
  sentence: 'One client_id, sent many times at once over both doors and all addresses, is one message; other content under it is refused.', // biome-ignore format: one line reads better
  async prove(stage) {
    const { threadId, sides } = stage.takeRoom();
    const [sender] = sides;
    const devices = await Promise.all(stage.urls.map(url => stage.device(url, sender, '/chat')));
    const before = (await devices[0]!.ask('thread:get', { thread_id: threadId })).thread.last_seq;
    const repeats = Math.min(100, devices[0]!.ready.limits.send.burst);
    const same = message(threadId);
    const answers = await Promise.all(
      Array.from({ length: repeats }, async (_, n) => {
        if (n % 2 === 0) return devices[(n >> 1) % devices.length]!.ask('message:send', same);
        return send(turn(stage.urls, n >> 1), sender, same);
      }),
    );
    const ids = new Set(answers.map(answer => answer.message.id));
    ensure(ids.size === 1, `${repeats} repeats became ${ids.size} messages`);
    const firsts = answers.filter(answer => !answer.duplicate).length;
    ensure(firsts === 1, `${firsts} answers said that theirs was the first`);
    ensureStoredOnce(await wholeHistory(stage.urls[0]!, sides[1], threadId, before), [same]);
    const other = await devices[0]!.ask('message:send', { ...same, text: 'something else' }).catch(error => error);
    ensure(/idempotency_conflict/.test(other.message), 'other content under the same client_id was taken');
    return `${repeats} repeats, one message`;
  },
};

async function send(url: string, who: Parameters<typeof call>[1], one: Outgoing) {
  for (;;) {
    const { status, body } = await call(url, who, 'POST', '/api/chat/send/', one);
    if (status < 300) return body;
    ensure(status === 429, `POST /api/chat/send/ was answered ${status} ${body.code}`);
    await pause(body.retry_after_ms ?? 1_000);
  }
}

const badges: Invariant = {
  name: 'badges',
  sentence: 'Three devices of a user and REST tell the same badge, after messages came and after one device has read them.', // biome-ignore format: one line reads better
  async prove(stage) {
    const { threadId, sides } = stage.takeRoom();
    const [sender, reader] = sides;
    const bells = await devicesOf(stage, reader, '/notifications');
    const [writing, reading] = [await stage.device(stage.urls[0]!, sender, '/chat'), await stage.device(turn(stage.urls, 1), reader, '/chat')]; // biome-ignore format: one line reads better
    let last = 0;
    for (let n = 0; n < 5; n += 1) last = (await writing.ask('message:send', message(threadId))).message.seq;
    const unread = await ensureSameBadge(stage, bells, reader);
    ensure(unread > 0, 'five messages came and the badge says 0');
    await reading.ask('thread:read', { thread_id: threadId, seq: last });
    const after = await ensureSameBadge(stage, bells, reader);
    ensure(after === unread - 1, `the thread was read and the badge went from ${unread} to ${after}`);
    return `unread ${unread}, then ${after}, on all`;
  },
};

/** Resolves with the count once every device was told what REST says. */
async function ensureSameBadge(stage: Stage, bells: readonly Device[], who: Parameters<typeof call>[1]) {
  return eventually(async () => {
    const { body } = await call(stage.urls[0]!, who, 'GET', '/api/notifications/?limit=1');
    const told = bells.map(bell => bell.heard.findLast(one => one.payload?.badge)?.payload.badge);
    const texts = new Set([body.badge, ...told].map(badge => `unread ${badge?.unread} unseen ${badge?.unseen}`));
    ensure(texts.size === 1, `the badges differ: ${[...texts].join(', ')}`);
    // a push under way may change them once more
    await bells[0]!.ask('notification:list', { limit: 1 });
    return body.badge.unread as number;
  }, 5_000);
}

const typing: Invariant = {
  name: 'typing-expiry',
  sentence: 'Who stops writing without a word is shown as writing for 7 s and no longer.',
  isPatient: true,
  async prove(stage) {
    const { threadId, sides } = stage.takeRoom();
    const reader = await stage.device(turn(stage.urls, 1), sides[1], '/chat');
    const writer = await stage.device(stage.urls[0]!, sides[0], '/chat');
    writer.socket.emit('typing:start', { thread_id: threadId });
    const isAbout = (state: string) => (push: { state: string; user_id: string }) =>
      push.state === state && push.user_id === sides[0].user_id;
    const started = await reader.hears('typing:updated', isAbout('start'));
    const stopped = await reader.hears('typing:updated', isAbout('stop'), 10_000);
    const ms = stopped.at - started.at;
    ensure(ms > 5_500 && ms < 8_500, `it ended after ${wholeMs(ms)}`);
    return `ended after ${wholeMs(ms)}`;
  },
};

export const deliveryInvariants = [fanOut, idempotency, badges, typing];
