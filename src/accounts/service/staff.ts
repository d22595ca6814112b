import type { Actor, Context, ProcedureContext } from '../../common/context.ts';
import { violates } from '../../common/database.ts';
import { AppError } from '../../common/errors.ts';
import type { Input, Output } from '../../common/operations.ts';
import { forgetFailures, subjectOf } from '../budgets.ts';
import type { Tokens } from '../contract/shapes.ts';
import type { operations } from '../contract.ts';
import { PhoneOtp, User } from '../entities.ts';
import type { Notifier } from '../notifiers/notifier.ts';
import { ensureStaff } from '../policy.ts';
import { audit } from './audit.ts';
import { sendCode } from './codes.ts';
import { checkCode, checkPassword, ensureNotBlocked, useUp } from './logins.ts';
import { endSessions, liveSessions, openSession } from './sessions.ts';
import { actOnEach, ensureAhead, ensureReason } from './staff-actions.ts';
import { lockUser } from './users.ts';

type Anyone = ProcedureContext<Actor | null>;
type ActOnUsers = Input<typeof operations.actOnUsers>;

/** Staff log in with password and code. Who is no staff gets what a wrong password gets. Throws as `login` and `requestOtp`. */
export function adminLogin(notifier: Notifier) {
  return async (
    ctx: Anyone,
    input: Input<typeof operations.adminLogin>,
  ): Promise<Output<typeof operations.adminLogin>> => {
    const user = await checkPassword(ctx, input);
    if (user.role === 'user') throw new AppError('invalid_credentials');
    const phone = user.reachablePhone();
    const { otp_id, code } = await sendCode(ctx, notifier, { phone, purpose: 'admin_login', channel: 'auto' });
    const { OTP_TTL, OTP_COOLDOWN, DEV_OTP } = ctx.config;
    return { otp_id, expires_in: OTP_TTL, resend_in: OTP_COOLDOWN, ...(DEV_OTP && { dev_code: code }) };
  };
}

/**
 * The second step: the code that was sent to the staff member's phone. Throws otp_invalid, otp_attempts_exceeded, otp_locked,
 * account_blocked.
 */
export async function adminVerify(
  ctx: Anyone,
  { otp_id, code, device }: Input<typeof operations.adminVerify>,
): Promise<Tokens> {
  const sent = await ctx.em.findOne(PhoneOtp, { id: otp_id, purpose: 'admin_login' });
  if (!sent) throw new AppError('otp_invalid', { attempts_left: 0 });
  const subject = subjectOf('staff-code', sent.phone, null);
  const attempt = await checkCode(ctx, subject, { phone: sent.phone, code, otpId: otp_id, isStaff: true });
  return ctx.transaction(async tx => {
    await useUp(tx, attempt, subject, sent.phone);
    const user = await lockUser(tx, { phone: sent.phone });
    if (!user || user.role === 'user') throw new AppError('otp_invalid', { attempts_left: 0 });
    ensureNotBlocked(user, tx.now);
    return openSession(tx, { user, isNew: false, amr: ['otp', 'pwd'], device });
  });
}

/**
 * Does one thing to up to 200 users; each is answered by itself, each leaves an audit row. For support; roles are given by
 * superusers alone. Throws permission_denied, validation_failed.
 */
export async function actOnUsers(ctx: Context, input: ActOnUsers): Promise<Output<typeof operations.actOnUsers>> {
  ensureStaff(ctx.actor, input.action === 'set_role' ? [] : ['support']);
  if (input.action === 'block') {
    ensureReason(input.reason);
    ensureAhead(ctx.now, input.params.until);
  }
  return actOnEach(ctx, input.ids, id => actOn(ctx, id, input));
}

async function actOn(ctx: Context, id: string, input: ActOnUsers): Promise<void> {
  const user = await lockUser(ctx, { id });
  if (!user) throw new AppError('not_found');
  // Nobody shuts themselves out, and only a superuser touches staff.
  if (user.id === ctx.actor.userId || (user.role !== 'user' && ctx.actor.role !== 'superuser'))
    throw new AppError('permission_denied');
  const before = stateOf(user);
  await actions[input.action](ctx, user, input);
  const after = stateOf(user);
  audit(ctx, { action: input.action, resource: 'users', objectId: user.id, before, after, reason: input.reason });
  await ctx.em.flush();
}

function stateOf({ role, blockedAt, blockedUntil, phone }: User): Record<string, unknown> {
  return { role, blocked_at: blockedAt ?? null, blocked_until: blockedUntil ?? null, phone: phone ?? null };
}

type Action = (ctx: Context, user: User, input: ActOnUsers) => Promise<void>;

const actions: Record<ActOnUsers['action'], Action> = {
  async block(ctx, user, { reason, params }) {
    Object.assign(user, {
      blockedAt: ctx.now,
      blockedUntil: params.until ? new Date(params.until) : null,
      blockReason: reason,
    });
    await endSessions(ctx, user.id, await liveSessions(ctx, user.id), 'blocked');
  },
  async unblock(_ctx, user) {
    Object.assign(user, { blockedAt: null, blockedUntil: null, blockReason: null });
  },
  async revoke_sessions(ctx, user) {
    await endSessions(ctx, user.id, await liveSessions(ctx, user.id), 'admin');
  },
  async set_role(ctx, user, { params }) {
    if (!params.role) throw new AppError('validation_failed');
    user.role = params.role;
    await endSessions(ctx, user.id, await liveSessions(ctx, user.id), 'admin');
  },
  async unlock_otp(ctx, user) {
    await forgetFailures(ctx, [`code:${user.phone}`, `staff-code:${user.phone}`]);
  },
  async unlock_login(ctx, user) {
    await forgetFailures(ctx, [`password:${user.phone}`]);
  },
  async reattach(ctx, user) {
    if (!user.setAsideAt || !user.formerPhone) throw new AppError('invalid_state');
    const holder = await ctx.em.findOne(User, { phone: user.formerPhone });
    if (holder) throw new AppError('phone_taken');
    Object.assign(user, { phone: user.formerPhone, formerPhone: null, setAsideAt: null, activeAt: ctx.now });
    await ctx.em.flush().catch(error => {
      throw violates(error, 'users_phone_unique') ? new AppError('phone_taken') : error;
    });
  },
};
