import { IsolationLevel } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import { z } from 'zod';
import type { Context } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import type { Input, Output } from '../../common/operations.ts';
import { cutPage, readCursor, writeCursor } from '../../common/paging.ts';
import type { Message, Thread } from '../contract/shapes.ts';
import type { operations } from '../contract.ts';
import { loadRange } from './message-rows.ts';
import { type MeRow, type MessageRow, messageColumns, presentMessage, type ThreadRow } from './present.ts';
import { presentThreads, selectThreads, unreadOfUser } from './thread-rows.ts';

type Pull = Input<typeof operations.pull>;
type Difference = Output<typeof operations.pull>['threads'][number];

/** More changed messages than this are not told one by one: the client starts the thread anew. */
const MOST_CHANGED = 200;
const NEWEST = 50;
const ANSWER_BYTES = 1_048_576;

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
  const held = new Map(input.threads.map(one => [one.thread_id, one]));
  const { page, last } = cutPage(await selectChanged(ctx, input, before), input.limit);
  const changed = await loadChanged(ctx, page, id => held.get(id)?.rev ?? 0);
  const whole = await presentThreads(ctx, page);
  const { threads, next } = await fill(ctx, whole, changed, id => held.get(id)?.rev ?? 0);
  const end = next ? page[threads.length - 1]! : last;
  return {
    threads,
    gone: before === null ? await selectGone(ctx, [...held.keys()]) : [],
    has_more: end !== null,
    next_cursor: end && writeCursor(ctx, scope, end.activity_id),
    unread: await unreadOfUser(ctx, userId),
  };
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

/**
 * What was created or changed in each thread since the held revision: of new messages there are at most as many as the
 * revision has risen, changed ones have an index of their own. Reads one message more than is told.
 */
async function loadChanged(ctx: Context, page: (ThreadRow & MeRow)[], heldRev: (id: string) => number) {
  if (page.length === 0) return new Map<string, Message[]>();
  const list = <Value>(read: (row: ThreadRow) => Value) => page.map(read);
  const since = (part: ReturnType<typeof sql>) =>
    sql`(select m.* from messages m where m.thread_id = h.thread_id and m.rev > h.rev and ${part} limit ${MOST_CHANGED + 1})`;
  const found = await rows<MessageRow>(
    ctx.em,
    sql`select ${messageColumns} from unnest(${list(row => row.id)}::uuid[], ${list(row => Math.min(heldRev(row.id), row.rev))}::int[],
          ${list(row => row.last_seq - Math.max(0, row.rev - heldRev(row.id)))}::int[]) as h(thread_id, rev, seq)
        cross join lateral (${since(sql`m.seq > h.seq and m.changed_at is null order by m.seq desc`)}
          union all ${since(sql`m.changed_at is not null order by m.rev desc`)}) m
        left join messages r on r.id = m.reply_to_id order by m.thread_id, m.seq`,
  );
  return Map.groupBy(found.map(presentMessage), message => message.thread_id);
}

/** Adds messages to the threads until the answer is full; the first thread always fits. */
async function fill(
  ctx: Context,
  whole: Thread[],
  changed: ReadonlyMap<string, Message[]>,
  heldRev: (id: string) => number,
): Promise<{ threads: Difference[]; next: boolean }> {
  const threads: Difference[] = [];
  let bytes = 0;
  for (const thread of whole) {
    const found = changed.get(thread.id) ?? [];
    const reset = found.length > MOST_CHANGED || heldRev(thread.id) > thread.rev;
    const from = Math.max(1, thread.last_seq - NEWEST + 1);
    const difference = {
      thread,
      messages: reset ? await loadRange(ctx, thread.id, from, thread.last_seq) : found,
      reset,
    };
    bytes += Buffer.byteLength(JSON.stringify(difference));
    if (bytes > ANSWER_BYTES && threads.length > 0) return { threads, next: true };
    threads.push(difference);
  }
  return { threads, next: false };
}
