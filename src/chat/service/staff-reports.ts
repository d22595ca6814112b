import { LockMode } from '@mikro-orm/core';
import { User } from '../../accounts/entities.ts';
import { audit } from '../../accounts/service/audit.ts';
import { actOnEach, ensureReason, ensureStaff } from '../../accounts/service/staff-actions.ts';
import type { Context } from '../../common/context.ts';
import { AppError } from '../../common/errors.ts';
import type { Input, Output } from '../../common/operations.ts';
import type { operations } from '../contract.ts';
import { Report } from '../entities.ts';
import { releaseDeleted } from './attachments.ts';

type ActOnReports = Input<typeof operations.actOnReports>;

/**
 * Gives reports to a moderator, or closes them with what was done; each is answered by itself and leaves an audit row. For
 * moderators. Throws permission_denied, validation_failed (no reason).
 */
export async function actOnReports(ctx: Context, input: ActOnReports): Promise<Output<typeof operations.actOnReports>> {
  ensureStaff(ctx.actor, ['moderator']);
  if (input.action === 'resolve') ensureReason(input.reason);
  const assigneeId = input.params.assignee_id ?? ctx.actor.userId;
  if (input.action === 'assign') await ensureModerator(ctx, assigneeId);
  return actOnEach(ctx, input.ids, async id => {
    const report = await ctx.em.findOne(Report, { id }, { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (!report) throw new AppError('not_found');
    if (report.status === 'resolved') throw new AppError('invalid_state', { state: report.status });
    const before = stateOf(report);
    if (input.action === 'assign') Object.assign(report, { status: 'assigned', assigneeId });
    else
      Object.assign(report, {
        status: 'resolved',
        assigneeId: report.assigneeId ?? ctx.actor.userId,
        resolution: input.reason,
        resolvedAt: ctx.now,
      });
    audit(ctx, {
      ...{ action: input.action, resource: 'reports', objectId: id, reason: input.reason },
      ...{ before, after: stateOf(report) },
    });
    await ctx.em.flush();
    if (input.action === 'resolve') await releaseDeleted(ctx, copiedIn(report));
  });
}

/** The messages whose copies a report has. */
function copiedIn({ copy }: Report): string[] {
  const { around = [], messages = [] } = copy as { around?: { id: string }[]; messages?: { id: string }[] };
  return [...around, ...messages].map(one => one.id);
}

function stateOf({ status, assigneeId, resolution }: Report): Record<string, unknown> {
  return { status, assignee_id: assigneeId ?? null, resolution: resolution ?? null };
}

async function ensureModerator({ em }: Context, userId: string): Promise<void> {
  const user = await em.findOne(User, { id: userId, role: { $in: ['moderator', 'superuser'] } });
  if (!user) throw new AppError('not_found');
}
