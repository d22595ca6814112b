import type { Account } from '../../load/rooms.ts';
import { eventually } from '../../tests/support/eventually.ts';
import type { Reader } from '../devices.ts';
import { ensureAtRest, ensureSameViews, ensureStoredOnce, message, type Outgoing, wholeHistory } from '../messages.ts';
import { ensure, type Invariant, NotTried, pause, type Stage, turn, wholeMs } from '../stage.ts';

/** Of each client; a user may shake hands 30 times a minute, and has two of them. */
const CUTS = 10;
const SENDS = 15;

const kickStorm: Invariant = {
  name: 'kick-storm',
  sentence: 'Clients whose connections are cut at random again and again while all of them send end with equal, complete views.', // biome-ignore format: one line reads better
  async prove(stage) {
    const { threadId, sides } = stage.takeRoom();
    const readers = [0, 1, 2, 3].map(n => stage.reader(turn(stage.urls, n >> 1), sides[n % 2]!));
    await ensureAtRest(readers);
    const before = readers[0]!.chat.views().get(threadId)!.thread.last_seq;
    const sent: Outgoing[] = [];
    await Promise.all(readers.flatMap(reader => [sendNowAndThen(stage, reader, threadId, sent), cutAgainAndAgain(stage, reader)])); // biome-ignore format: one line reads better
    await sendWhileAllAreAway(stage, readers, sides[0], threadId, sent);
    const history = (after: number) => wholeHistory(stage.urls[0]!, sides[0], threadId, after);
    await ensureSameViews(readers, threadId, () => history(0), 30_000);
    ensureStoredOnce(await history(before), sent);
    const losses = readers.reduce((sum, reader) => sum + reader.losses(), 0);
    return `${losses} cuts, ${sent.length} messages, ${readers.length} views equal to what is stored`;
  },
};

async function sendNowAndThen({ random }: Stage, { chat }: Reader, threadId: string, sent: Outgoing[]): Promise<void> {
  for (let n = 0; n < SENDS; n += 1) {
    const one = message(threadId, `${n}`);
    sent.push(one);
    chat.send(one);
    await pause(random() * 400);
  }
}

async function cutAgainAndAgain({ random }: Stage, reader: Reader): Promise<void> {
  for (let n = 0; n < CUTS; n += 1) {
    await pause(50 + random() * 500);
    reader.cut();
  }
}

/** No later push shows that these are missing: only a pull does. */
async function sendWhileAllAreAway(stage: Stage, readers: Reader[], who: Account, threadId: string, sent: Outgoing[]) {
  const device = await stage.device(stage.urls[0]!, who, '/chat');
  await ensureAtRest(readers, 30_000);
  for (const reader of readers) reader.cut();
  const last = Array.from({ length: 3 }, () => message(threadId, 'the last'));
  sent.push(...last);
  await Promise.all(last.map(one => device.ask('message:send', one)));
}

/** 16 KB each: more than systems buffer on both sides, and than the server keeps for one reader. */
const LONG = '\u{1f697}'.repeat(4_000);
const LONG_MESSAGES = 1_200;
const AT_ONCE = 40;

const slowReader: Invariant = {
  name: 'slow-reader',
  sentence: 'A reader that stops reading is cut, others do not wait for it, and when it reads again it lacks nothing.',
  async prove(stage) {
    const { threadId, sides } = stage.takeRoom();
    const sender = await stage.device(stage.urls[0]!, sides[0], '/chat');
    if (sender.ready.limits.send.burst < LONG_MESSAGES) throw new NotTried('it needs more messages than a user may send here: RATE_LIMITS=off'); // biome-ignore format: one line reads better
    const slow = stage.reader(stage.urls[0]!, sides[1]);
    await ensureAtRest([slow]);
    slow.pause();
    let slowestMs = 0;
    for (let sent = 0; sent < LONG_MESSAGES; sent += AT_ONCE) {
      const beganAt = performance.now();
      await Promise.all(Array.from({ length: AT_ONCE }, () => sender.ask('message:send', message(threadId, LONG))));
      slowestMs = Math.max(slowestMs, performance.now() - beganAt);
    }
    ensure(slowestMs < 3_000, `others waited ${wholeMs(slowestMs)} for an ack`);
    await pause(2_000); // the server looks once a second
    slow.resume();
    await eventually(() => ensure(slow.losses() > 0, 'a reader that did not read was not cut'), 10_000);
    await ensureSameViews([slow], threadId, () => wholeHistory(stage.urls[0]!, sides[1], threadId));
    return `cut amid ${LONG_MESSAGES} messages, then complete; the slowest ack of others ${wholeMs(slowestMs)}`;
  },
};

export const stormInvariants = [kickStorm, slowReader];
