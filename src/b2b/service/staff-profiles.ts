import { LockMode } from '@mikro-orm/core';
import { audit } from '../../accounts/service/audit.ts';
import { actOnEach, ensureReason, ensureStaff } from '../../accounts/service/staff-actions.ts';
import type { Context } from '../../common/context.ts';
import { AppError } from '../../common/errors.ts';
import type { Input, Output } from '../../common/operations.ts';
import type { operations } from '../contract.ts';
import { B2bProfile, type ProfileStatus } from '../entities.ts';
import { type Decision, decideOn } from './profiles.ts';

type ActOnProfiles = Input<typeof operations.actOnProfiles>;

/**
 * Enables, rejects, suspends or verifies up to 200 business profiles, by the ids of their users; each is answered by
 * itself, leaves an audit row, and its user is told. What it takes away is gone at once, with an old token too. For
 * moderators. Throws permission_denied, validation_failed (no reason).
 */
export async function actOnProfiles(
  ctx: Context,
  input: ActOnProfiles,
): Promise<Output<typeof operations.actOnProfiles>> {
  ensureStaff(ctx.actor, ['moderator']);
  if (input.action === 'reject' || input.action === 'suspend') ensureReason(input.reason);
  return actOnEach(ctx, input.ids, id => actOn(ctx, id, input));
}

async function actOn(ctx: Context, userId: string, { action, reason }: ActOnProfiles): Promise<void> {
  const profile = await ctx.em.findOne(B2bProfile, { user: userId }, { lockMode: LockMode.PESSIMISTIC_WRITE });
  if (!profile) throw new AppError('not_found');
  const before = stateOf(profile);
  if (action === 'verify') verify(ctx, profile);
  else {
    const { from, status } = decisions[action];
    if (!from.includes(profile.status)) throw new AppError('invalid_state', { state: profile.status });
    decideOn(ctx, profile, { status, reason: status === 'enabled' ? null : reason! });
  }
  audit(ctx, { action, resource: 'b2b-profiles', objectId: userId, before, after: stateOf(profile), reason });
  await ctx.em.flush();
}

const stateOf = ({ status, isVerified }: B2bProfile) => ({ status, is_verified: isVerified });

type Deciding = Exclude<ActOnProfiles['action'], 'verify'>;
const decisions: Record<Deciding, { from: readonly ProfileStatus[]; status: Decision['status'] }> = {
  enable: { from: ['pending', 'rejected', 'suspended'], status: 'enabled' },
  reject: { from: ['pending'], status: 'rejected' },
  suspend: { from: ['enabled'], status: 'suspended' },
};

/** Says that its tax number was checked; without one there is nothing to say. */
function verify({ now }: Context, profile: B2bProfile): void {
  if (!profile.tin) throw new AppError('invalid_state', { state: 'no_tin' });
  Object.assign(profile, { isVerified: true, rev: profile.rev + 1, updatedAt: now });
}
