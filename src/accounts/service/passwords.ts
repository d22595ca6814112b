import { sql } from 'kysely';
import type { Actor, Context, ProcedureContext } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { AppError } from '../../common/errors.ts';
import type { Input } from '../../common/operations.ts';
import type { Purpose, Tokens } from '../contract/shapes.ts';
import { facts, type operations } from '../contract.ts';
import { User } from '../entities.ts';
import { ensureStrong, hashPassword, isPassword } from '../passwords.ts';
import { ensureFresh } from '../policy.ts';
import { readVerification } from '../tokens.ts';
import { audit } from './audit.ts';
import { ensureNotBlocked, reachVerified } from './logins.ts';
import { endSessions, type Login, liveSessions, openSession } from './sessions.ts';

type Anyone = ProcedureContext<Actor | null>;
type SetPassword = Input<typeof operations.setPassword>;

/**
 * Sets the caller's password, or resets that of a verified phone (which registers when it is unknown, or was idle for so
 * long that it may have a new owner). Other sessions end unless told otherwise. Throws weak_password, password_mismatch,
 * verification_invalid, current_password_invalid, reauth_required, auth_required, account_blocked, server_busy.
 */
export async function setPassword(ctx: Anyone, input: SetPassword): Promise<Tokens> {
  if (input.password_confirm !== undefined && input.password_confirm !== input.password)
    throw new AppError('password_mismatch');
  const setter =
    input.verification_token === undefined
      ? await ownSetter(ctx, input)
      : verifiedSetter(ctx, input.verification_token);
  ensureStrong(input.password, setter.phone);
  const passwordHash = await hashPassword(input.password);
  return ctx.transaction(async tx => {
    const { user, isNew } = await setter.reach(tx);
    ensureNotBlocked(user, tx.now);
    user.passwordHash = passwordHash;
    await tx.em.flush();
    const tokens = await openSession(tx, { user, isNew, amr: setter.amr, device: undefined });
    const others = input.logout_others ? await liveSessions(tx, user.id, tokens.session_id) : [];
    await endSessions(tx, user.id, others, 'password_changed');
    audit(tx, { action: 'set_password', resource: 'users', objectId: user.id, actorId: user.id });
    if (!isNew) tx.emit(facts.securityChanged, { userId: user.id, what: 'password' });
    return tokens;
  });
}

interface Setter {
  phone: string;
  /** What the caller has shown for it. */
  amr: Login['amr'];
  reach(tx: Context<Actor | null>): Promise<{ user: User; isNew: boolean }>;
}

/** The caller, if the session is fresh or the current password is right. */
async function ownSetter(ctx: Anyone, { current_password }: SetPassword): Promise<Setter> {
  const { actor, now } = ctx;
  if (!actor) throw new AppError('auth_required');
  const user = await ctx.em.findOneOrFail(User, { id: actor.userId });
  if (current_password === undefined) ensureFresh(actor, now);
  else if (!(await isPassword(current_password, user.passwordHash ?? null)))
    throw new AppError('current_password_invalid');
  return {
    phone: user.reachablePhone(),
    amr: current_password === undefined ? [] : ['pwd'],
    reach: async tx => ({ user: await tx.em.findOneOrFail(User, { id: user.id }), isNew: false }),
  };
}

function verifiedSetter(ctx: Anyone, token: string): Setter {
  const verification = readVerification(ctx.config, token, 'reset_password', ctx.now);
  return {
    phone: verification.phone,
    amr: ['otp'],
    async reach(tx) {
      await useVerification(tx, verification);
      return reachVerified(tx, verification.phone);
    },
  };
}

/** A verification token opens nothing twice. Throws verification_invalid. */
export async function useVerification(
  { em }: Pick<Context, 'em'>,
  token: { jti: string; expiresAt: Date; purpose: Purpose },
): Promise<void> {
  const used = await rows(
    em,
    sql`insert into used_tokens (jti, expires_at) values (${token.jti}, ${token.expiresAt}) on conflict do nothing returning jti`,
  );
  if (used.length === 0) throw new AppError('verification_invalid');
}
