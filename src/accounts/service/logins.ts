import type { Actor, Context, ProcedureContext } from '../../common/context.ts';
import { AppError } from '../../common/errors.ts';
import type { Input, Output } from '../../common/operations.ts';
import { DAY_MS } from '../../common/time.ts';
import { ensureUnlocked, recordFailure, recordSuccess, type Subject, subjectOf } from '../budgets.ts';
import type { Device, Purpose, Tokens } from '../contract/shapes.ts';
import { facts, type operations } from '../contract.ts';
import { User } from '../entities.ts';
import { type Attempt, type Given, tryCode, useCode } from '../otp.ts';
import { countVerified } from '../otp-limits.ts';
import { isPassword } from '../passwords.ts';
import { readPhone } from '../phones.ts';
import { knownDevice, signVerification, VERIFICATION_TTL_SEC } from '../tokens.ts';
import { audit, auditFailure } from './audit.ts';
import { endSessions, liveSessions, openSession } from './sessions.ts';
import { findOrCreateUser, lockUser } from './users.ts';

type Anyone = ProcedureContext<Actor | null>;
type VerifyOtp = Input<typeof operations.verifyOtp>;
type Verified = Output<typeof operations.verifyOtp>;

/**
 * Checks a code and uses it up. For `login` it opens a session and registers an unknown phone; for another purpose it gives
 * a verification token. Tries and failures are counted before the answer and stay counted.
 * Throws invalid_phone, phone_not_supported, otp_invalid, otp_attempts_exceeded, otp_locked, account_blocked; for an account
 * that was idle for long password_required, invalid_credentials, login_locked, server_busy.
 */
export async function verifyOtp(ctx: Anyone, input: VerifyOtp): Promise<Verified> {
  const phone = readPhone(ctx.config, input.phone);
  const subject = subjectOf('code', phone, knownDevice(ctx, phone, input.device));
  const attempt = await checkCode(ctx, subject, { phone, code: input.code, otpId: input.otp_id, isStaff: false });
  const purpose = attempt.purpose as Purpose;
  const owner = purpose === 'login' ? await ownerOf(ctx, phone, input.password) : null;
  return ctx.transaction(async tx => {
    await useUp(tx, attempt, subject, phone);
    if (purpose === 'login') return logInByCode(tx, { phone, device: input.device, isOtherPerson: owner === 'other' });
    const verification_token = signVerification(tx.config, phone, purpose, tx.now);
    return { verification_token, verification_expires_in: VERIFICATION_TTL_SEC, purpose };
  });
}

/** The right code, still unused. Each wrong one is a failure of the subject. */
export async function checkCode(ctx: Anyone, subject: Subject, given: Given): Promise<Attempt> {
  const attempt = await ctx.transaction(async tx => {
    await ensureUnlocked(tx, subject);
    const tried = await tryCode(tx, { ...given, code: given.code.trim() });
    // The row of the code is locked by now: guesses that were under way at the same time are counted.
    if (tried.isRight) await ensureUnlocked(tx, subject);
    else await recordFailure(tx, subject);
    return tried;
  });
  if (!attempt.isRight) {
    await ctx.transaction(async tx => {
      await auditFailure(tx, given.phone);
      tx.emit(facts.codeTried, { purpose: attempt.purpose, outcome: 'wrong' });
    });
    throw new AppError('otp_invalid', { attempts_left: attempt.attemptsLeft });
  }
  return attempt;
}

export async function useUp(
  tx: Context<Actor | null>,
  { id, purpose, code }: Attempt,
  subject: Subject,
  phone: string,
): Promise<void> {
  const used = await useCode(tx, id);
  if (!used) throw new AppError('otp_invalid', { attempts_left: 0 });
  await countVerified(tx, phone);
  await recordSuccess(tx, subject);
  tx.emit(facts.codeTried, { purpose, outcome: 'verified' });
  const { driver, provider_id } = used;
  if (driver && provider_id) tx.emit(facts.codeUsed, { driver, providerId: provider_id, code });
}

/** A number that was idle for REUSE_GUARD_DAYS may have a new owner: a code alone opens no old account (S-22). */
function mayBeRecycled({ now, config }: Pick<Anyone, 'now' | 'config'>, user: User): boolean {
  const idleSince = user.activeAt ?? user.createdAt;
  return now.getTime() - idleSince.getTime() > config.REUSE_GUARD_DAYS * DAY_MS;
}

/** With the password it does; an account that has none is another person's. Throws password_required. */
async function ownerOf(ctx: Anyone, phone: string, password: string | undefined): Promise<'same' | 'other'> {
  const user = await ctx.em.findOne(User, { phone });
  if (!user || !mayBeRecycled(ctx, user)) return 'same';
  if (!user.passwordHash) return 'other';
  if (password === undefined) throw new AppError('password_required');
  await ensurePassword(ctx, user, { phone, subject: subjectOf('password', phone, null), password });
  return 'same';
}

/** Who resets a password has shown a code and nothing else: an account that was idle for so long is set aside. */
export async function reachVerified(tx: Context<Actor | null>, phone: string): Promise<{ user: User; isNew: boolean }> {
  const known = await lockUser(tx, { phone });
  if (known && mayBeRecycled(tx, known)) await setAside(tx, phone);
  return findOrCreateUser(tx, phone);
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

/**
 * Logs in with a password; unknown number, no password and a wrong one are alike, in time too. So is one that was replaced,
 * or whose account was left, while it was being checked. Throws as `checkPassword`.
 */
export async function login(ctx: Anyone, input: Input<typeof operations.login>): Promise<Tokens> {
  const user = await checkPassword(ctx, input);
  return ctx.transaction(async tx => {
    const fresh = await lockUser(tx, { phone: user.reachablePhone() });
    if (fresh?.id !== user.id || fresh.passwordHash !== user.passwordHash) throw new AppError('invalid_credentials');
    ensureNotBlocked(fresh, tx.now);
    return openSession(tx, { user: fresh, isNew: false, amr: ['pwd'], device: input.device });
  });
}

/**
 * The user whose phone and password these are. Throws invalid_phone, phone_not_supported, invalid_credentials, login_locked,
 * account_blocked, server_busy.
 */
export async function checkPassword(ctx: Anyone, given: Input<typeof operations.login>): Promise<User> {
  const phone = readPhone(ctx.config, given.phone);
  const subject = subjectOf('password', phone, knownDevice(ctx, phone, given.device));
  await ensureUnlocked(ctx, subject);
  const user = await ctx.em.findOne(User, { phone });
  await ensurePassword(ctx, user, { phone, subject, password: given.password });
  ensureNotBlocked(user!, ctx.now);
  return user!;
}

/** Guesses that began before the lock learn nothing after it, be they right or wrong. */
async function ensurePassword(
  ctx: Anyone,
  user: User | null,
  { phone, subject, password }: { phone: string; subject: Subject; password: string },
): Promise<void> {
  const isRight = await isPassword(password, user?.passwordHash ?? null);
  await ctx.transaction(async tx => {
    if (isRight) return recordSuccess(tx, subject);
    await recordFailure(tx, subject);
    await auditFailure(tx, phone);
  });
  if (!user || !isRight) throw new AppError('invalid_credentials');
}
