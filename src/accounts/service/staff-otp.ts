import type { Context } from '../../common/context.ts';
import { AppError } from '../../common/errors.ts';
import type { Input, Output } from '../../common/operations.ts';
import { DAY_MS } from '../../common/time.ts';
import type { operations } from '../contract.ts';
import { OtpRequestLog } from '../entities.ts';
import { blockOfIp, blockOfPrefix, blockOtp, unblockOtp } from '../otp-blocks.ts';
import { ensureStaff } from '../policy.ts';
import { audit } from './audit.ts';
import { actOnEach, ensureAhead, ensureReason } from './staff-actions.ts';

type ActOnOtpLog = Input<typeof operations.actOnOtpLog>;

/**
 * Lets no codes be sent to the numbers around logged ones, or from their addresses, for a day or until a moment; or takes that
 * back. The staff's own login is not touched. For support. Throws permission_denied, validation_failed.
 */
export async function actOnOtpLog(ctx: Context, input: ActOnOtpLog): Promise<Output<typeof operations.actOnOtpLog>> {
  ensureStaff(ctx.actor, ['support']);
  const isBlock = input.action === 'block_prefix' || input.action === 'block_ip';
  if (isBlock) ensureReason(input.reason);
  const until = ensureAhead(ctx.now, input.params.until) ?? new Date(ctx.now.getTime() + DAY_MS);
  return actOnEach(ctx, input.ids, async id => {
    const entry = await ctx.em.findOne(OtpRequestLog, { id });
    if (!entry) throw new AppError('not_found');
    const subject = input.action.endsWith('prefix') ? blockOfPrefix(entry.phone) : blockOfIp(entry.ip);
    await (isBlock ? blockOtp(ctx, subject, until) : unblockOtp(ctx, subject));
    const after = { blocked: subject, until: isBlock ? until.toISOString() : null };
    audit(ctx, { action: input.action, resource: 'otp-log', objectId: id, after, reason: input.reason });
    await ctx.em.flush();
  });
}
