import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Message, Thread } from '../../src/client/contract.ts';
import { createOutbox } from '../../src/client/outbox.ts';
import { createSync, type Push } from '../../src/client/sync.ts';
import type { Wait } from '../../src/client/timers.ts';

interface Vector {
  name: string;
  // biome-ignore lint/suspicious/noExplicitAny: the vectors are JSON for any language
  steps: { do: any; expect: any }[];
}
const vectors = JSON.parse(readFileSync('docs/client-vectors.json', 'utf8')) as {
  random: number;
  sync: Vector[];
  outbox: Vector[];
};
const random = () => vectors.random;
const me = 'me';
const at = '2025-11-30T19:00:00.000Z';

/** Time that passes only when it is told to. */
function createClock(): { wait: Wait; pass(ms: number): Promise<void> } {
  const timers = new Set<{ at: number; then: () => void }>();
  let now = 0;
  return {
    wait(ms, then) {
      const timer = { at: now + ms, then };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    async pass(ms) {
      now += ms;
      for (const timer of [...timers].filter(one => one.at <= now)) {
        timers.delete(timer);
        timer.then();
      }
      await settled();
    },
  };
}

const settled = () => new Promise(resolve => setImmediate(resolve));

/** What the vectors leave out is of no matter to the machine. */
const messageOf = (thread_id: string, { seq, rev }: { seq: number; rev: number }) =>
  ({ id: `${thread_id}/${seq}`, thread_id, seq, rev, sender: { id: 'peer', kind: 'user' }, text: '', created_at: at, reply_to: null }) as unknown as Message; // biome-ignore format: one line reads better
const threadOf = (id: string, rev: number, last_seq: number) =>
  ({ id, rev, last_seq, last_message: null, participants: [], me: { rev: 0, read_seq: 0 }, updated_at: at }) as unknown as Thread; // biome-ignore format: one line reads better

// biome-ignore lint/suspicious/noExplicitAny: the vectors are JSON for any language
function pushOf({ event, seq, ...rest }: any): Push {
  if (event === 'sync:head') return { name: event, payload: rest };
  const message = seq === undefined ? {} : { message: messageOf(rest.thread_id, { seq, rev: rest.rev }) };
  return { name: event, payload: { ...rest, at, ...message } } as Push;
}

test.each(vectors.sync)('sync: $name', async ({ steps }) => {
  const clock = createClock();
  let asked: object[] = [];
  let answer = (_ack: unknown) => {};
  const ask = (
    event: string,
    { threads, only, cursor }: { threads: object[]; only?: boolean; cursor?: string | null },
  ) => {
    const known = threads.map(one => ({ ...one, me_rev: undefined }));
    asked.push(JSON.parse(JSON.stringify({ event, ...(only && { only }), threads: known, ...(cursor && { cursor }) })));
    return new Promise(resolve => {
      answer = resolve;
    });
  };
  const sync = createSync({ userId: me, ask: ask as never, wait: clock.wait, random });
  for (const step of steps) {
    asked = [];
    const { event, wait_ms, answer: data, fail, refuse } = step.do;
    if (event === 'session:ready') sync.ready();
    else if (event === 'disconnect') sync.disconnected();
    else if (event) sync.push(pushOf(step.do));
    if (data) {
      const threads = data.threads.map((one: { thread_id: string; rev: number; messages: { seq: number; rev: number }[]; reset: boolean }) => ({
        thread: threadOf(one.thread_id, one.rev, Math.max(0, ...one.messages.map(({ seq }) => seq))),
        messages: one.messages.map(message => messageOf(one.thread_id, message)),
        reset: one.reset,
      })); // biome-ignore format: one line reads better
      answer({ ok: true, data: { ...data, threads } });
    }
    if (refuse) answer({ ok: false, error: refuse });
    if (fail) answer({ ok: false, error: { code: 'unavailable' } });
    await settled();
    if (wait_ms) await clock.pass(wait_ms);
    if (step.expect.asked) expect(asked).toEqual(step.expect.asked);
    const held = [...sync.views()].map(([id, { thread, messages }]) => [id, { rev: thread.rev, seqs: messages.map(one => one.seq) }]); // biome-ignore format: one line reads better
    if (step.expect.held) expect(Object.fromEntries(held)).toEqual(step.expect.held);
  }
});

test.each(vectors.outbox)('outbox: $name', async ({ steps }) => {
  const clock = createClock();
  let emitted: string[] = [];
  const answers = new Map<string, { resolve: (ack: unknown) => void; reject: (error: Error) => void }>();
  const ask = (_event: string, { client_id }: { client_id: string }) => {
    emitted.push(client_id);
    return new Promise((resolve, reject) => answers.set(client_id, { resolve, reject }));
  };
  const outbox = createOutbox({ ask: ask as never, onSent: () => {}, wait: clock.wait, random });
  await settled();
  for (const step of steps) {
    emitted = [];
    const { event, send, ack, no_answer, refuse, error, pushed, wait_ms } = step.do;
    if (event === 'session:ready') outbox.connected(me);
    if (event === 'disconnect') outbox.disconnected();
    if (send) outbox.send({ ...send, text: 'hello' });
    if (ack) answers.get(ack)!.resolve({ ok: true, data: { message: { client_id: ack }, duplicate: false } });
    if (no_answer) answers.get(no_answer)!.reject(new Error('timeout'));
    if (refuse) answers.get(refuse)!.resolve({ ok: false, error });
    if (pushed) outbox.settle(pushed);
    await settled();
    if (wait_ms) await clock.pass(wait_ms);
    const told = {
      emitted,
      waiting: outbox.waiting().map(one => one.client_id),
      failed: outbox.entries().flatMap(one => (one.error ? [one.message.client_id] : [])),
    };
    expect(told).toMatchObject(step.expect);
  }
});
