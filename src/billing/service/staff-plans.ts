import { LockMode } from '@mikro-orm/core';
import { audit } from '../../accounts/service/audit.ts';
import { actOnEach, ensureStaff } from '../../accounts/service/staff-actions.ts';
import type { Context } from '../../common/context.ts';
import { AppError } from '../../common/errors.ts';
import type { Input, Output } from '../../common/operations.ts';
import type { operations } from '../contract.ts';
import { Plan } from '../entities.ts';

type ActOnPlans = Input<typeof operations.actOnPlans>;

/**
 * Does one thing to plans; each is answered by itself, each leaves an audit row. Subscribers have other entitlements at
 * once; a plan that is off the list stays theirs. Throws permission_denied, validation_failed; answers not_found,
 * invalid_state.
 */
export async function actOnPlans(ctx: Context, input: ActOnPlans): Promise<Output<typeof operations.actOnPlans>> {
  ensureStaff(ctx.actor, ['billing']);
  if (input.action === 'edit' && Object.keys(input.params).length === 0)
    throw new AppError('validation_failed', { fields: [{ path: 'params', code: 'required' }] });
  return actOnEach(ctx, input.ids, id => actOn(ctx, id, input));
}

async function actOn(ctx: Context, id: string, { action, params, reason }: ActOnPlans): Promise<void> {
  const plan = await ctx.em.findOne(Plan, { id }, { lockMode: LockMode.PESSIMISTIC_WRITE, refresh: true });
  if (!plan) throw new AppError('not_found');
  const before = auditView(plan);
  if (action === 'edit') edit(plan, params);
  else deactivate(plan);
  audit(ctx, { action, resource: 'plans', objectId: plan.id, before, after: auditView(plan), reason });
  await ctx.em.flush();
}

function edit(plan: Plan, changes: ActOnPlans['params']): void {
  const { trial_days, sort_order, entitlements, is_active, ...sameNames } = changes;
  Object.assign(plan, {
    ...sameNames,
    ...(trial_days !== undefined && { trialDays: trial_days }),
    ...(sort_order !== undefined && { sortOrder: sort_order }),
    ...(is_active !== undefined && { isActive: is_active }),
    ...(entitlements && { entitlements: { ...plan.entitlements, ...entitlements } }),
  });
}

/** Users can no longer ask for it. */
function deactivate(plan: Plan): void {
  if (!plan.isActive) throw new AppError('invalid_state', { state: 'inactive' });
  plan.isActive = false;
}

function auditView({ name, description, price, currency, trialDays, sortOrder, entitlements, isActive }: Plan) {
  return {
    ...{ name, description, price, currency, entitlements },
    ...{ trial_days: trialDays, sort_order: sortOrder, is_active: isActive },
  };
}
