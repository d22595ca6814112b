import type { Ask } from './ask.ts';
import type { ChatCalls, ChatEvents } from './contract.ts';
import { dataOf } from './errors.ts';
import { backoffMs, type Wait, wait } from './timers.ts';
import { applyMe, applyPull, applyPush, type DurablePush, type ThreadView } from './view.ts';

type Pulled = ChatCalls['sync:pull']['result'];

export type Push =
  | DurablePush
  | { name: 'me:updated'; payload: ChatEvents['me:updated'] }
  | { name: 'sync:head'; payload: ChatEvents['sync:head'] };

export interface Sync {
  /** `session:ready` came: everything is compared. */
  ready(): void;
  disconnected(): void;
  push(push: Push): void;
  views(): ReadonlyMap<string, ThreadView>;
  /** Replaces what is held of a thread, with older messages read from its history. */
  replace(view: ThreadView): void;
  /** Nothing is missing, as far as this client knows. */
  isSettled(): boolean;
}

interface Options {
  userId: string;
  ask: Ask<ChatCalls>;
  onChange?: ((threadId: string) => void) | undefined;
  wait?: Wait | undefined;
  random?: (() => number) | undefined;
  /** The most threads that one pull names: an event has at most 32 KiB. */
  pullSize?: number;
}

const HOLE_MS = 500;

/** The state machine of realtime.md, section 5: whatever is lost, repeated or late, the views end equal to the server's. */
export function createSync(options: Options): Sync {
  const { userId, ask, onChange = () => {}, pullSize = 150, random = Math.random } = options;
  const after = options.wait ?? wait;
  const held = new Map<string, ThreadView>();
  const buffers = new Map<string, DurablePush[]>();
  const heads = new Map<string, number>();
  /** Threads with a hole, for which it is waited. */
  const doubtful = new Set<string>();
  const cancels = new Set<() => void>();
  let wanted: Set<string> | 'all' | null = null;
  let isConnected = false;
  let isPulling = false;
  /** Its last try has failed: until the next one what is pushed is applied at once. */
  let isPausing = false;
  /** Answers of an earlier connection are of no use. */
  let connection = 0;
  let failures = 0;

  const revOf = (threadId: string) => held.get(threadId)?.thread.rev ?? 0;
  const isBehind = (threadId: string) =>
    (buffers.get(threadId)?.length ?? 0) > 0 || (heads.get(threadId) ?? 0) > revOf(threadId);

  function set(threadId: string, view: ThreadView | null): void {
    if (view) held.set(threadId, view);
    else held.delete(threadId);
    onChange(threadId);
  }

  function later(ms: number, then: () => void): void {
    const cancel = after(ms, () => {
      cancels.delete(cancel);
      then();
    });
    cancels.add(cancel);
  }

  const pause = (ms: number) => new Promise<void>(resolve => later(ms, resolve));

  function want(threadIds: Iterable<string> | 'all'): void {
    if (threadIds === 'all') wanted = 'all';
    else if (wanted !== 'all') wanted = new Set([...(wanted ?? []), ...threadIds]);
    if (!isPulling && isConnected) void pullWanted();
  }

  async function pullWanted(): Promise<void> {
    const began = connection;
    isPulling = true;
    while (wanted && isConnected && began === connection) {
      const asked: Set<string> | 'all' = wanted;
      wanted = null;
      try {
        await (asked === 'all' ? pullAll(began) : pullOnly([...asked], began));
        failures = 0;
      } catch {
        if (began !== connection) return;
        want(asked);
        isPausing = true;
        drainAll();
        await pause(backoffMs(failures++, random));
        isPausing = false;
      }
      if (began === connection) drainAll();
    }
    if (began === connection) isPulling = false;
  }

  async function request<Name extends keyof ChatCalls>(
    began: number,
    event: Name,
    payload: ChatCalls[Name]['payload'],
  ) {
    for (;;) {
      const ack = await ask(event, payload);
      if (began !== connection) throw new Error('disconnected');
      if (ack.ok || ack.error.code !== 'rate_limited') return dataOf(ack);
      // This page again: whoever begins anew spends the same budget on the pages before it.
      await pause(ack.error.retry_after_ms ?? backoffMs(0, random));
    }
  }

  async function pullAll(began: number): Promise<void> {
    if (held.size > pullSize) return compareLists(began);
    const threads = [...held.keys()].map(knownOf);
    for (let cursor: string | null = null; ; ) {
      const page: Pulled = await request(began, 'sync:pull', { threads, cursor });
      take(page);
      if (!page.has_more) return;
      cursor = page.next_cursor;
    }
  }

  /** More threads than one event can name: the list says which of them differ. */
  async function compareLists(began: number): Promise<void> {
    const gone = new Set(held.keys());
    const differing: string[] = [];
    for (let cursor: string | null = null; ; ) {
      const page: ChatCalls['thread:list']['result'] = await request(began, 'thread:list', {
        box: 'all',
        limit: 100,
        cursor,
      });
      for (const { id, rev, me } of page.results) {
        gone.delete(id);
        if (rev !== revOf(id) || me.rev !== held.get(id)?.thread.me.rev) differing.push(id);
      }
      cursor = page.next_cursor;
      if (cursor === null) break;
    }
    // What was opened while the list was read is asked for by its own push; what moved within it is asked for again.
    await pullOnly([...differing, ...gone], began);
  }

  async function pullOnly(threadIds: string[], began: number): Promise<void> {
    for (let from = 0; from < threadIds.length; from += pullSize) {
      const threads = threadIds.slice(from, from + pullSize).map(knownOf);
      for (let cursor: string | null = null; ; ) {
        const page: Pulled = await request(began, 'sync:pull', { threads, only: true, cursor });
        take(page);
        if (!page.has_more) break;
        cursor = page.next_cursor;
      }
    }
  }

  function knownOf(thread_id: string) {
    const me_rev = held.get(thread_id)?.thread.me.rev;
    return { thread_id, rev: revOf(thread_id), ...(me_rev !== undefined && { me_rev }) };
  }

  function take({ threads, gone }: Pulled): void {
    for (const one of threads) set(one.thread.id, applyPull(held.get(one.thread.id), one));
    for (const threadId of gone) forget(threadId);
  }

  function forget(threadId: string): void {
    buffers.delete(threadId);
    heads.delete(threadId);
    if (held.has(threadId)) set(threadId, null);
  }

  function drainAll(): void {
    for (const threadId of [...buffers.keys()]) drain(threadId);
  }

  /** Applies what follows on what is held; what is left waits for the rest, and is pulled when that does not come. */
  function drain(threadId: string): void {
    const waiting = [...(buffers.get(threadId) ?? [])].sort((a, b) => a.payload.rev - b.payload.rev);
    buffers.delete(threadId);
    for (const [index, push] of waiting.entries()) {
      const view = held.get(threadId);
      if (view && push.payload.rev <= view.thread.rev) continue;
      if (!view || push.payload.rev > view.thread.rev + 1) {
        buffers.set(threadId, waiting.slice(index));
        if (view) pullIfStillBehind(threadId);
        else want([threadId]);
        return;
      }
      set(threadId, applyPush(view, push, userId));
    }
  }

  function pullIfStillBehind(threadId: string): void {
    if (doubtful.has(threadId)) return;
    doubtful.add(threadId);
    later(HOLE_MS, () => {
      doubtful.delete(threadId);
      if (isBehind(threadId)) want([threadId]);
    });
  }

  function receive(push: DurablePush): void {
    const { thread_id } = push.payload;
    // Whoever was taken out of a thread hears nothing of it any more: there is no hole to wait for.
    if (push.name === 'access:revoked') {
      forget(thread_id);
      // The answer to the pull that runs may have been made before.
      if (isPulling) want([thread_id]);
      return;
    }
    buffers.set(thread_id, [...(buffers.get(thread_id) ?? []), push]);
    if (!isPulling || isPausing) drain(thread_id);
  }

  return {
    ready() {
      isConnected = true;
      connection += 1;
      isPulling = isPausing = false;
      failures = 0;
      want('all');
    },
    disconnected() {
      isConnected = false;
      connection += 1;
      isPulling = isPausing = false;
      for (const cancel of cancels) cancel();
      cancels.clear();
      doubtful.clear();
    },
    push(push) {
      if (push.name === 'sync:head') {
        for (const [threadId, rev] of push.payload.threads) {
          heads.set(threadId, rev);
          if (isBehind(threadId)) pullIfStillBehind(threadId);
        }
      } else if (push.name === 'me:updated') {
        const view = held.get(push.payload.thread_id);
        if (view) set(push.payload.thread_id, applyMe(view, push.payload.me));
        else want([push.payload.thread_id]);
      } else receive(push);
    },
    views: () => held,
    replace: view => set(view.thread.id, view),
    isSettled: () => !isPulling && wanted === null && ![...buffers.keys(), ...heads.keys()].some(isBehind),
  };
}
