import { sql } from 'kysely';
import type { Actor, Context, ProcedureContext } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { AppError } from '../../common/errors.ts';
import type { Input } from '../../common/operations.ts';
import type { Tokens } from '../contract/shapes.ts';
import type { operations } from '../contract.ts';
import { User } from '../entities.ts';
import { ensureStrong, hashPassword, isPassword } from '../passwords.ts';
import { readPhone } from '../phones.ts';
import { readVerification } from '../tokens.ts';
import { ensureNotBlocked } from './codes.ts';
import { endSessions, liveSessions, openSession } from './sessions.ts';
import { findOrCreateUser } from './users.ts';

type Anyone = ProcedureContext<Actor | null>;
type SetPassword = Input<typeof operations.setPassword>;

/** A session proves who it is for so long; then the current password or another login is needed. */
const FRESH_MS = 600_000;

/** Logs in with a password; unknown number, no password and a wrong one are alike, in time too. */
export async function login(ctx: Anyone, input: Input<typeof operations.login>): Promise<Tokens> {
  const phone = readPhone(ctx.config, input.phone);
  const user = await ctx.em.findOne(User, { phone });
  const isRight = await isPassword(input.password, user?.passwordHash ?? null);
  if (!user || !isRight) throw new AppError('invalid_credentials');
  ensureNotBlocked(user);
  return ctx.transaction(async tx => {
    const fresh = await tx.em.findOneOrFail(User, { id: user.id });
    return openSession(tx, { user: fresh, isNew: false, amr: 'pwd', device: input.device });
  });
}

/**
 * Sets the caller's password, or resets that of a verified phone (which registers when it is unknown). Other sessions end
 * unless told otherwise. Throws weak_password, password_mismatch, verification_invalid, current_password_invalid,
 * reauth_required, auth_required, account_blocked.
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
    ensureNotBlocked(user);
    user.passwordHash = passwordHash;
    await tx.em.flush();
    const tokens = await openSession(tx, { user, isNew, amr: 'pwd', device: undefined });
    const others = input.logout_others ? await liveSessions(tx, user.id, tokens.session_id) : [];
    await endSessions(tx, user.id, others, 'password_changed');
    return tokens;
  });
}

interface Setter {
  phone: string;
  reach(tx: Context<Actor | null>): Promise<{ user: User; isNew: boolean }>;
}

/** The caller, if the session is fresh or the current password is right. */
async function ownSetter(ctx: Anyone, { current_password }: SetPassword): Promise<Setter> {
  const { actor, now } = ctx;
  if (!actor) throw new AppError('auth_required');
  const user = await ctx.em.findOneOrFail(User, { id: actor.userId });
  if (current_password !== undefined) {
    if (!(await isPassword(current_password, user.passwordHash ?? null)))
      throw new AppError('current_password_invalid');
  } else if (now.getTime() - actor.authAt.getTime() > FRESH_MS) throw new AppError('reauth_required');
  return {
    phone: user.phone,
    reach: async tx => ({ user: await tx.em.findOneOrFail(User, { id: user.id }), isNew: false }),
  };
}

function verifiedSetter(ctx: Anyone, token: string): Setter {
  const { jti, phone, expiresAt } = readVerification(ctx.config, token, 'reset_password', ctx.now);
  return {
    phone,
    async reach(tx) {
      const used = await rows(
        tx.em,
        sql`insert into used_tokens (jti, expires_at) values (${jti}, ${expiresAt}) on conflict do nothing returning jti`,
      );
      if (used.length === 0) throw new AppError('verification_invalid');
      return findOrCreateUser(tx, phone);
    },
  };
}
