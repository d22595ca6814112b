import type { Actor, Context, ProcedureContext } from '../../common/context.ts';
import { AppError } from '../../common/errors.ts';
import type { Input, Output } from '../../common/operations.ts';
import { ensureUnlocked, forgetFailures, recordFailure, type Subject } from '../budgets.ts';
import type { Device, Tokens } from '../contract/shapes.ts';
import type { operations } from '../contract.ts';
import { User } from '../entities.ts';
import { type Attempt, tryCode, useCode } from '../otp.ts';
import { countVerified } from '../otp-limits.ts';
import { isPassword } from '../passwords.ts';
import { readPhone } from '../phones.ts';
import { deviceOf, signVerification, VERIFICATION_TTL_SEC } from '../tokens.ts';
import { audit } from './audit.ts';
import { endSessions, liveSessions, openSession } from './sessions.ts';
import { findOrCreateUser } from './users.ts';

type Anyone = ProcedureContext<Actor | null>;
type VerifyOtp = Input<typeof operations.verifyOtp>;
type Verified = Output<typeof operations.verifyOtp>;

const DAY_MS = 86_400_000;

/**
 * Checks a code and uses it up. For `login` it opens a session and registers an unknown phone; for another purpose it gives
 * a verification token. Tries and failures are counted before the answer and stay counted.
 * Throws otp_invalid, otp_attempts_exceeded, otp_locked, password_required, invalid_credentials, account_blocked.
 */
export async function verifyOtp(ctx: Anyone, input: VerifyOtp): Promise<Verified> {
  const phone = readPhone(ctx.config, input.phone);
  const attempt = await checkCode(ctx, {
    phone,
    code: input.code,
    otpId: input.otp_id,
    deviceToken: input.device?.token,
  });
  if (attempt.purpose === 'admin_login') throw new AppError('otp_invalid', { attempts_left: 0 });
  const { purpose } = attempt;
  const owner = purpose === 'login' ? await ownerOf(ctx, phone, input.password) : null;
  return ctx.transaction(async tx => {
    await useUp(tx, attempt, phone);
    if (purpose === 'login') return logInByCode(tx, { phone, device: input.device, isOtherPerson: owner === 'other' });
    const verification_token = signVerification(tx.config, phone, purpose, tx.now);
    return { verification_token, verification_expires_in: VERIFICATION_TTL_SEC, purpose };
  });
}

interface Given {
  phone: string;
  code: string;
  otpId: string | undefined;
  deviceToken?: string | undefined;
}

/** The right code, still unused. Each wrong one is a failure of the phone, or of the known device that it came from. */
export async function checkCode(ctx: Anyone, { phone, code, otpId, deviceToken }: Given): Promise<Attempt> {
  const deviceId = deviceToken === undefined ? null : deviceOf(ctx.config, phone, deviceToken);
  const subject: Subject = deviceId ? `device:${deviceId}` : `code:${phone}`;
  const attempt = await ctx.transaction(async tx => {
    await ensureUnlocked(tx, subject);
    const tried = await tryCode(tx, { phone, code: code.trim(), otpId });
    if (!tried.isRight) await recordFailure(tx, subject);
    return tried;
  });
  if (!attempt.isRight) {
    await ctx.transaction(async tx => audit(tx, { action: 'login_failed', resource: 'phone', objectId: phone }));
    throw new AppError('otp_invalid', { attempts_left: attempt.attemptsLeft });
  }
  return attempt;
}

export async function useUp(tx: Context<Actor | null>, { id }: Attempt, phone: string): Promise<void> {
  if (!(await useCode(tx, id))) throw new AppError('otp_invalid', { attempts_left: 0 });
  await countVerified(tx, phone);
  await forgetFailures(tx, `code:${phone}`);
}

/** A number idle for REUSE_GUARD_DAYS may have a new owner: without the password it opens no old account (S-22). */
async function ownerOf(ctx: Anyone, phone: string, password: string | undefined): Promise<'same' | 'other'> {
  const user = await ctx.em.findOne(User, { phone });
  const idleSince = user?.activeAt ?? user?.createdAt;
  if (!user || !idleSince || ctx.now.getTime() - idleSince.getTime() <= ctx.config.REUSE_GUARD_DAYS * DAY_MS)
    return 'same';
  if (!user.passwordHash) return 'other';
  if (password === undefined) throw new AppError('password_required');
  await ensurePassword(ctx, user, phone, password);
  return 'same';
}

interface CodeLogin {
  phone: string;
  device: Device | undefined;
  isOtherPerson: boolean;
}

async function logInByCode(tx: Context<Actor | null>, { phone, device, isOtherPerson }: CodeLogin): Promise<Tokens> {
  if (isOtherPerson) await setAside(tx, phone);
  const { user, isNew } = await findOrCreateUser(tx, phone);
  ensureNotBlocked(user, tx.now);
  return openSession(tx, { user, isNew, amr: ['otp'], device });
}

/** The account stays, without its number: an operator can give it back to its owner. */
async function setAside(tx: Context<Actor | null>, phone: string): Promise<void> {
  const user = await tx.em.findOneOrFail(User, { phone });
  await endSessions(tx, user.id, await liveSessions(tx, user.id), 'admin');
  Object.assign(user, { phone: null, formerPhone: phone, setAsideAt: tx.now });
  audit(tx, { action: 'set_aside', resource: 'users', objectId: user.id });
  await tx.em.flush();
}

export function ensureNotBlocked(user: User, now: Date): void {
  if (user.isBlocked(now)) throw new AppError('account_blocked');
}

/** Logs in with a password; unknown number, no password and a wrong one are alike, in time too. */
export async function login(ctx: Anyone, input: Input<typeof operations.login>): Promise<Tokens> {
  const user = await checkPassword(ctx, input.phone, input.password);
  return ctx.transaction(async tx => {
    const fresh = await tx.em.findOneOrFail(User, { id: user.id });
    return openSession(tx, { user: fresh, isNew: false, amr: ['pwd'], device: input.device });
  });
}

/** The user whose phone and password these are. Throws invalid_credentials, login_locked, account_blocked. */
export async function checkPassword(ctx: Anyone, typed: string, password: string): Promise<User> {
  const phone = readPhone(ctx.config, typed);
  await ctx.transaction(tx => ensureUnlocked(tx, `password:${phone}`));
  const user = await ctx.em.findOne(User, { phone });
  await ensurePassword(ctx, user, phone, password);
  ensureNotBlocked(user!, ctx.now);
  return user!;
}

async function ensurePassword(ctx: Anyone, user: User | null, phone: string, password: string): Promise<void> {
  const subject: Subject = `password:${phone}`;
  const isRight = await isPassword(password, user?.passwordHash ?? null);
  await ctx.transaction(async tx => {
    // Parallel guesses that began before the lock are refused too.
    if (isRight) await ensureUnlocked(tx, subject);
    if (isRight) return forgetFailures(tx, subject);
    await recordFailure(tx, subject);
    audit(tx, { action: 'login_failed', resource: 'phone', objectId: phone, actorId: user?.id });
  });
  if (!user || !isRight) throw new AppError('invalid_credentials');
}
