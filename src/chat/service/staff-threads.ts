import { audit } from '../../accounts/service/audit.ts';
import { actOnEach, ensureReason, ensureStaff } from '../../accounts/service/staff-actions.ts';
import { presentPublicUsers } from '../../accounts/service/users.ts';
import type { Context } from '../../common/context.ts';
import { AppError } from '../../common/errors.ts';
import type { Input, Output } from '../../common/operations.ts';
import { REMOVED_BY_STAFF } from '../contract/staff.ts';
import type { operations } from '../contract.ts';
import { Report, Thread } from '../entities.ts';
import { loadRange } from './message-rows.ts';
import { removeParticipant, setThreadLock } from './thread-changes.ts';

type ReportedThread = Output<typeof operations.listReportedThreads>['results'][number];
type ActOnThreads = Input<typeof operations.actOnThreads>;

/**
 * The thread of an open report, as a list of one; the read is in the audit. For moderators.
 * Throws permission_denied, not_found, invalid_state (the report is closed).
 */
export async function listReportedThreads(
  ctx: Context,
  { report_id }: Input<typeof operations.listReportedThreads>,
): Promise<Output<typeof operations.listReportedThreads>> {
  ensureStaff(ctx.actor, ['moderator']);
  const thread = await reachReportedThread(ctx, report_id);
  auditRead(ctx, thread.id, report_id);
  return { results: [await presentThread(ctx, thread)], count: 1, page: 1 };
}

/** The thread of an open report with its newest messages, or those before a position; the read is in the audit. Throws as the list. */
export async function getReportedThread(
  ctx: Context,
  { id, report_id, before_seq, limit }: Input<typeof operations.getReportedThread>,
): Promise<Output<typeof operations.getReportedThread>> {
  ensureStaff(ctx.actor, ['moderator']);
  const thread = await reachReportedThread(ctx, report_id, id);
  auditRead(ctx, id, report_id);
  const to = Math.min(thread.lastSeq, (before_seq ?? thread.lastSeq + 1) - 1);
  const from = Math.max(1, to - limit + 1);
  const messages = await loadRange(ctx, id, from, to);
  return { ...(await presentThread(ctx, thread)), messages, has_more_before: from > 1 && to > 0 };
}

/**
 * Locks or unlocks the thread of an open report, or takes a participant out of it; participants hear of it. For moderators.
 * Throws permission_denied, validation_failed (no reason, nobody named).
 */
export async function actOnThreads(ctx: Context, input: ActOnThreads): Promise<Output<typeof operations.actOnThreads>> {
  ensureStaff(ctx.actor, ['moderator']);
  if (input.action !== 'unlock') ensureReason(input.reason);
  if (input.action === 'remove_participant' && !input.params.user_id)
    throw new AppError('validation_failed', { fields: [{ path: 'params.user_id', code: 'required' }] });
  return actOnEach(ctx, input.ids, async id => {
    const thread = await reachReportedThread(ctx, input.params.report_id, id);
    const { report_id, user_id } = input.params;
    audit(ctx, {
      ...{ action: input.action, resource: 'threads', objectId: id, reason: input.reason },
      before: { is_locked: thread.isLocked },
      after: { ...changeOf[input.action], report_id, ...(user_id && { removed_id: user_id }) },
    });
    await ctx.em.flush();
    await act(ctx, id, input);
  });
}

const changeOf: Record<ActOnThreads['action'], object> = {
  lock: { is_locked: true },
  unlock: { is_locked: false },
  remove_participant: {},
};

async function act(ctx: Context, threadId: string, { action, params }: ActOnThreads): Promise<void> {
  if (action !== 'remove_participant') return setThreadLock(ctx, threadId, action === 'lock');
  await removeParticipant(ctx, { threadId, userId: params.user_id!, reason: REMOVED_BY_STAFF });
}

/** Staff reach a conversation through a report that is not closed, and that alone. */
async function reachReportedThread(ctx: Context, reportId: string, threadId?: string): Promise<Thread> {
  const report = await ctx.em.findOne(Report, { id: reportId });
  if (!report?.threadId || (threadId !== undefined && report.threadId !== threadId)) throw new AppError('not_found');
  if (report.status === 'resolved') throw new AppError('invalid_state', { state: report.status });
  return ctx.em.findOneOrFail(Thread, { id: report.threadId });
}

function auditRead(ctx: Context, threadId: string, reportId: string): void {
  audit(ctx, { action: 'read', resource: 'threads', objectId: threadId, after: { report_id: reportId } });
}

async function presentThread(ctx: Context, thread: Thread): Promise<ReportedThread> {
  const people = await presentPublicUsers(ctx, [thread.buyerId, thread.sellerId]);
  const nameOf = (id: string) => people.get(id)?.display_name ?? '';
  return {
    ...{ id: thread.id, post_title: thread.post.title, is_locked: thread.isLocked, last_seq: thread.lastSeq },
    ...{ buyer_id: thread.buyerId, buyer_name: nameOf(thread.buyerId) },
    ...{ seller_id: thread.sellerId, seller_name: nameOf(thread.sellerId) },
    created_at: thread.createdAt.toISOString(),
  };
}
