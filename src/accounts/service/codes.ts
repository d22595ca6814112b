import type { Actor, Context, ProcedureContext } from '../../common/context.ts';
import { AppError } from '../../common/errors.ts';
import type { Input, Output } from '../../common/operations.ts';
import type { Device } from '../contract/shapes.ts';
import type { operations } from '../contract.ts';
import type { User } from '../entities.ts';
import type { Notifier } from '../notifiers/notifier.ts';
import { addCode, CODE_LENGTH, type NewCode, tryCode, useCode } from '../otp.ts';
import { returnCode, spendCode } from '../otp-limits.ts';
import { readPhone } from '../phones.ts';
import { signVerification, VERIFICATION_TTL_SEC } from '../tokens.ts';
import { openSession } from './sessions.ts';
import { findOrCreateUser } from './users.ts';

type Anyone = ProcedureContext<Actor | null>;
type Requested = Output<typeof operations.requestOtp>;
type Verified = Output<typeof operations.verifyOtp>;

/**
 * Sends a code, alike for known and unknown numbers. Of parallel requests one sends; what no driver took is not charged.
 * Throws invalid_phone, phone_not_supported, otp_cooldown, rate_limited, otp_unavailable.
 */
export function requestOtp(notifier: Notifier) {
  return async (ctx: Anyone, input: Input<typeof operations.requestOtp>): Promise<Requested> => {
    const { config } = ctx;
    const phone = readPhone(config, input.phone);
    const made = await ctx.transaction(async tx => {
      await spendCode(tx, phone);
      return addCode(tx, phone, input.purpose);
    });
    await send(ctx, notifier, phone, made);
    return {
      otp_id: made.id,
      phone,
      channel: input.channel,
      code_length: CODE_LENGTH,
      expires_in: config.OTP_TTL,
      resend_in: config.OTP_COOLDOWN,
      ...(config.DEV_OTP && { dev_code: made.code }),
    };
  };
}

async function send(ctx: Anyone, notifier: Notifier, phone: string, { id, code }: NewCode): Promise<void> {
  try {
    await notifier.send({ phone, code, otpId: id, ttlSec: ctx.config.OTP_TTL });
  } catch (error) {
    ctx.log.error({ err: error, driver: notifier.name }, 'code not sent');
    await ctx.transaction(tx => returnCode(tx, phone));
    throw new AppError('otp_unavailable');
  }
}

/**
 * Checks a code and uses it up. For `login` it opens a session and registers an unknown phone; for another purpose it gives
 * a verification token. The try is counted before the comparison and stays counted.
 * Throws otp_invalid, otp_attempts_exceeded, account_blocked.
 */
export async function verifyOtp(ctx: Anyone, input: Input<typeof operations.verifyOtp>): Promise<Verified> {
  const phone = readPhone(ctx.config, input.phone);
  const attempt = await ctx.transaction(tx => tryCode(tx, { phone, code: input.code.trim(), otpId: input.otp_id }));
  if (!attempt.isRight) throw new AppError('otp_invalid', { attempts_left: attempt.attemptsLeft });
  return ctx.transaction(async tx => {
    if (!(await useCode(tx, attempt.id))) throw new AppError('otp_invalid', { attempts_left: 0 });
    if (attempt.purpose === 'login') return logInByCode(tx, phone, input.device);
    const token = signVerification(tx.config, phone, attempt.purpose, tx.now);
    return { verification_token: token, verification_expires_in: VERIFICATION_TTL_SEC, purpose: attempt.purpose };
  });
}

async function logInByCode(tx: Context<Actor | null>, phone: string, device: Device | undefined): Promise<Verified> {
  const { user, isNew } = await findOrCreateUser(tx, phone);
  ensureNotBlocked(user);
  return openSession(tx, { user, isNew, amr: 'otp', device });
}

export function ensureNotBlocked(user: User): void {
  if (user.blockedAt) throw new AppError('account_blocked');
}
