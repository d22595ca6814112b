import { LockMode } from '@mikro-orm/core';
import type { Context } from '../../common/context.ts';
import { AppError } from '../../common/errors.ts';
import type { Input, Output } from '../../common/operations.ts';
import type { operations } from '../contract.ts';
import { Session, User } from '../entities.ts';
import { ensureStaff } from '../policy.ts';
import { audit } from './audit.ts';
import { endSessions } from './sessions.ts';
import { actOnEach } from './staff-actions.ts';

/** Ends sessions of users, for support; those of staff a superuser alone ends. Throws permission_denied. */
export async function actOnSessions(
  ctx: Context,
  { ids, action, reason }: Input<typeof operations.actOnSessions>,
): Promise<Output<typeof operations.actOnSessions>> {
  ensureStaff(ctx.actor, ['support']);
  return actOnEach(ctx, ids, async id => {
    const session = await ctx.em.findOne(Session, { id }, { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (!session) throw new AppError('not_found');
    const { role } = await ctx.em.findOneOrFail(User, { id: session.user });
    if (role !== 'user' && ctx.actor.role !== 'superuser') throw new AppError('permission_denied');
    if (session.revokedAt) throw new AppError('invalid_state', { state: 'revoked' });
    audit(ctx, { action, resource: 'sessions', objectId: id, after: { revoked_at: ctx.now }, reason });
    await ctx.em.flush();
    await endSessions(ctx, session.user, [id], 'admin');
  });
}
