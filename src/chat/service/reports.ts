import { sql } from 'kysely';
import { presentPublicUsers } from '../../accounts/service/users.ts';
import { copyPost, ensureFeedAccess } from '../../b2b/service/threads.ts';
import type { Context } from '../../common/context.ts';
import { lockName, rows } from '../../common/database.ts';
import { AppError } from '../../common/errors.ts';
import { newId } from '../../common/ids.ts';
import { relaxed } from '../../common/limits.ts';
import type { Input, Output } from '../../common/operations.ts';
import { daysAfter } from '../../common/time.ts';
import type { operations } from '../contract.ts';
import { loadMessage, loadRange } from './message-rows.ts';
import { reachThreadLocked } from './revisions.ts';
import { loadSharedThreads } from './thread-rows.ts';

type Report = Input<typeof operations.createReport>;
type Reported = Output<typeof operations.createReport>;

const MOST_PER_DAY = 20;
/** Messages before and after a reported one, and the last ones of a reported thread, that moderators get with it. */
const AROUND = 10;
const NEWEST = 50;

/** What was reported as it is now: it may be edited or deleted before somebody looks. */
interface Copy {
  threadId: string | null;
  /** Who is responsible for it. */
  subjectId: string;
  copy: Record<string, unknown>;
}

/**
 * Reports something the caller can see to the moderators, with a copy of it; a retry gets the same report.
 * Throws not_found, own_post, invalid_state (one's own message or oneself), already_reported, idempotency_conflict,
 * b2b_not_enabled (of a post), rate_limited.
 */
export async function createReport(ctx: Context, input: Report): Promise<Reported> {
  const { userId } = ctx.actor;
  // Nobody files two reports at once, so that the count of the day holds.
  await lockName(ctx.em, `report ${userId}`);
  const known = await findReport(ctx, input);
  if (known) return { report_id: known };
  await ensureBudget(ctx);
  const { threadId, subjectId, copy } = await copyOf[input.target.type](ctx, input.target.id);
  if (subjectId === userId) throw ownTarget(input.target.type);
  const id = newId();
  await rows(
    ctx.em,
    sql`insert into reports (id, reporter_id, client_id, target_type, target_id, thread_id, subject_id, reason, comment,
          copy, created_at)
        values (${id}, ${userId}, ${input.client_id}, ${input.target.type}, ${input.target.id}, ${threadId}, ${subjectId},
          ${input.reason}, ${input.comment ?? null}, ${JSON.stringify(copy)}, ${ctx.now})`,
  );
  return { report_id: id };
}

/** As `createReport`, of a post. */
export async function reportPost(ctx: Context, input: Input<typeof operations.reportPost>): Promise<Reported> {
  const { post_id, client_id = newId(), ...rest } = input;
  return createReport(ctx, { ...rest, client_id, target: { type: 'post', id: post_id } });
}

function ownTarget(type: Report['target']['type']): AppError {
  return type === 'post' ? new AppError('own_post') : new AppError('invalid_state', { state: 'own' });
}

async function findReport(ctx: Context, { client_id, target, reason, comment }: Report): Promise<string | null> {
  const found = await rows<{ id: string; client_id: string; is_same: boolean }>(
    ctx.em,
    sql`select id, client_id, (target_type, target_id, reason) = (${target.type}, ${target.id}::uuid, ${reason})
          and comment is not distinct from ${comment ?? null}::text as is_same
        from reports where reporter_id = ${ctx.actor.userId}
          and (client_id = ${client_id} or (target_type, target_id) = (${target.type}, ${target.id}::uuid))`,
  );
  const same = found.find(one => one.client_id === client_id);
  if (same && !same.is_same) throw new AppError('idempotency_conflict');
  if (!same && found.length > 0) throw new AppError('already_reported');
  return same?.id ?? null;
}

async function ensureBudget(ctx: Context): Promise<void> {
  const most = relaxed(ctx.config, MOST_PER_DAY);
  if (most === Number.POSITIVE_INFINITY) return;
  const since = daysAfter(ctx.now, -1);
  const [oldest] = await rows<{ created_at: string }>(
    ctx.em,
    sql`select created_at from reports where reporter_id = ${ctx.actor.userId} and created_at > ${since}
        order by created_at desc offset ${most - 1} limit 1`,
  );
  if (!oldest) return;
  const retry_after_ms = new Date(oldest.created_at).getTime() - since.getTime();
  throw new AppError('rate_limited', { retry_after_ms });
}

const copyOf: Record<Report['target']['type'], (ctx: Context, id: string) => Promise<Copy>> = {
  async message(ctx, id) {
    const message = await loadMessage(ctx, id);
    if (!message) throw new AppError('not_found');
    await reachThreadLocked(ctx, message.thread_id);
    const around = await loadRange(ctx, message.thread_id, message.seq - AROUND, message.seq + AROUND);
    // A word of the system is nobody's.
    if (message.sender.id === null) throw new AppError('invalid_state', { state: message.type });
    return { threadId: message.thread_id, subjectId: message.sender.id, copy: { message, around } };
  },
  async thread(ctx, id) {
    const { lastSeq, peerId } = await reachThreadLocked(ctx, id);
    const thread = (await loadSharedThreads(ctx, [id])).get(id);
    const messages = await loadRange(ctx, id, lastSeq - NEWEST + 1, lastSeq);
    return { threadId: id, subjectId: peerId, copy: { thread, messages } };
  },
  async user(ctx, id) {
    const user = (await presentPublicUsers(ctx, [id])).get(id);
    if (!user) throw new AppError('not_found');
    return { threadId: null, subjectId: id, copy: { user } };
  },
  async post(ctx, id) {
    await ensureFeedAccess(ctx);
    const { authorId, post } = await copyPost(ctx, id);
    return { threadId: null, subjectId: authorId, copy: { post } };
  },
};
