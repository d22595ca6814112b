import { IsolationLevel } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import { z } from 'zod';
import type { Context } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import type { Input, Output } from '../../common/operations.ts';
import { cutPage, readCursor, writeCursor } from '../../common/paging.ts';
import type { Message } from '../contract/shapes.ts';
import type { operations } from '../contract.ts';
import { type MeRow, type MessageRow, messageColumns, presentMessage, type ThreadRow } from './present.ts';
import { fillAnswer, MOST_CHANGED } from './pull-answer.ts';
import { presentThreads, selectThreads, unreadOfUser } from './thread-rows.ts';

type Pull = Input<typeof operations.pull>;
type Held = Pull['threads'][number];

/**
 * Compares what the client holds with what is stored and returns the whole difference (G5), as of one moment.
 * Throws invalid_cursor.
 */
export async function pull(ctx: Context, input: Pull): Promise<Output<typeof operations.pull>> {
  return ctx.em.transactional(em => pullAtOnce(ctx.within(em as EntityManager), input), {
    isolationLevel: IsolationLevel.REPEATABLE_READ,
    readOnly: true,
  });
}

async function pullAtOnce(ctx: Context, input: Pull): Promise<Output<typeof operations.pull>> {
  const { userId } = ctx.actor;
  const scope = ['pull', userId, { only: input.only }] as const;
  const before = readCursor(ctx, scope, input.cursor, z.uuid());
  const held = heldOf(input.threads);
  const heldRev = (id: string) => held.get(id)?.rev ?? 0;
  const { page, last } = cutPage(
    await selectChanged(ctx, { ...input, threads: [...held.values()] }, before),
    input.limit,
  );
  const whole = await presentThreads(ctx, page);
  const { threads, next } = await fillAnswer(ctx, whole, loadInTurn(ctx, page, heldRev), heldRev);
  const end = next ? page[threads.length - 1]! : last;
  return {
    threads,
    gone: before === null ? await selectGone(ctx, [...held.keys()]) : [],
    has_more: end !== null,
    next_cursor: end && writeCursor(ctx, scope, end.activity_id),
    unread: await unreadOfUser(ctx, userId),
  };
}

/** A thread that is named more than once is held as far as each of them says. */
function heldOf(threads: Pull['threads']): Map<string, Held> {
  const held = new Map<string, Held>();
  for (const { thread_id, rev, me_rev = Number.POSITIVE_INFINITY } of threads) {
    const known = held.get(thread_id);
    const me = Math.min(me_rev, known?.me_rev ?? Number.POSITIVE_INFINITY);
    const lowest = { thread_id, rev: Math.min(rev, known?.rev ?? rev) };
    held.set(thread_id, Number.isFinite(me) ? { ...lowest, me_rev: me } : lowest);
  }
  return held;
}

/** Threads whose rev or me.rev is another than the given one, newest activity first; one more than asked for. */
function selectChanged(ctx: Context, { threads, only, limit }: Pull, before: string | null) {
  const ids = threads.map(one => one.thread_id);
  const held = sql`(select * from unnest(${ids}::uuid[], ${threads.map(one => one.rev)}::int[],
    ${threads.map(one => one.me_rev ?? null)}::int[]) as h(thread_id, rev, me_rev) where h.thread_id = t.id limit 1)`;
  return selectThreads(
    ctx,
    ctx.actor.userId,
    sql`and case when t.id = any(${ids}::uuid[])
          then exists (select from ${held} h where h.rev <> t.rev or h.me_rev <> me.me_rev) else not ${only} end
        and (${before}::uuid is null or t.activity_id < ${before}) order by t.activity_id desc limit ${limit + 1}`,
  );
}

async function selectGone(ctx: Context, ids: string[]): Promise<string[]> {
  if (ids.length === 0) return [];
  const found = await rows<{ id: string }>(
    ctx.em,
    sql`select id from unnest(${ids}::uuid[]) as h(id) where not exists (
          select from participants p where p.thread_id = h.id and p.user_id = ${ctx.actor.userId} and p.removed_at is null)`,
  );
  return found.map(one => one.id);
}

type ChangedRow = ThreadRow & MeRow;

/** How far the revision has risen: no more messages than that are new or changed. */
function riseOf({ id, rev }: ThreadRow, heldRev: (id: string) => number): number {
  return Math.max(0, rev - heldRev(id));
}

/** Beyond that many the next threads wait until it is known that the answer has room for them. */
const LOADED_AT_ONCE = 2_000;

/** What has changed in the threads of a page, which are asked for in its order. */
function loadInTurn(ctx: Context, page: readonly ChangedRow[], heldRev: (id: string) => number) {
  let next = 0;
  let loaded = new Map<string, Message[]>();
  return async (at: number): Promise<Message[]> => {
    if (at === next) {
      for (let most = 0; next < page.length && most < LOADED_AT_ONCE; next += 1)
        most += Math.min(riseOf(page[next]!, heldRev), 2 * (MOST_CHANGED + 1));
      loaded = await loadChanged(ctx, page.slice(at, next), heldRev);
    }
    return loaded.get(page[at]!.id) ?? [];
  };
}

/**
 * What was created or changed in each thread since the held revision: of new messages there are at most as many as the
 * revision has risen, changed ones have an index of their own. Reads one message more than is told.
 */
async function loadChanged(ctx: Context, page: readonly ChangedRow[], heldRev: (id: string) => number) {
  const list = <Value>(read: (row: ThreadRow) => Value) => page.map(read);
  const since = (part: ReturnType<typeof sql>) =>
    sql`(select m.* from messages m where m.thread_id = h.thread_id and m.rev > h.rev and ${part} limit ${MOST_CHANGED + 1})`;
  const found = await rows<MessageRow>(
    ctx.em,
    sql`select ${messageColumns} from unnest(${list(row => row.id)}::uuid[], ${list(row => Math.min(heldRev(row.id), row.rev))}::int[],
          ${list(row => row.last_seq - riseOf(row, heldRev))}::int[]) as h(thread_id, rev, seq)
        cross join lateral (${since(sql`m.seq > h.seq and m.changed_at is null order by m.seq desc`)}
          union all ${since(sql`m.changed_at is not null order by m.rev desc`)}) m
        left join messages r on r.id = m.reply_to_id order by m.thread_id, m.seq`,
  );
  return Map.groupBy(found.map(presentMessage), message => message.thread_id);
}
