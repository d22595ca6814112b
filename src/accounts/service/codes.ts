import { sql } from 'kysely';
import type { Actor, Context, ProcedureContext } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { AppError } from '../../common/errors.ts';
import { newId } from '../../common/ids.ts';
import type { Input, Output } from '../../common/operations.ts';
import { ensureUnlocked, subjectOf } from '../budgets.ts';
import { isCaptchaSolved } from '../captcha.ts';
import type { CodePurpose, Device } from '../contract/shapes.ts';
import { facts, type operations } from '../contract.ts';
import { OtpRequestLog } from '../entities.ts';
import type { Notifier } from '../notifiers/notifier.ts';
import { addCode, CODE_LENGTH, type NewCode } from '../otp.ts';
import { ensureNoOtpBlock } from '../otp-blocks.ts';
import { type Charged, returnCode, spendCode, takeFromDay, takeFromIp, takeFromPrefix } from '../otp-limits.ts';
import { readPhone } from '../phones.ts';
import { knownDevice } from '../tokens.ts';

type Anyone = ProcedureContext<Actor | null>;
type RequestOtp = Input<typeof operations.requestOtp>;
type Requested = Output<typeof operations.requestOtp>;

/**
 * Sends a code, alike for known and unknown numbers. Of parallel requests one sends; what no driver took is not charged.
 * Throws invalid_phone, phone_not_supported, captcha_required, otp_locked, otp_cooldown, rate_limited, otp_unavailable.
 */
export function requestOtp(notifier: Notifier) {
  return async (ctx: Anyone, input: RequestOtp): Promise<Requested> => {
    const phone = readPhone(ctx.config, input.phone);
    const { otp_id, code } = await sendCode(ctx, notifier, {
      phone,
      purpose: input.purpose,
      channel: input.channel,
      captchaToken: input.captcha_token,
      device: input.device,
    });
    return {
      ...{ otp_id, phone, channel: input.channel, code_length: CODE_LENGTH },
      expires_in: ctx.config.OTP_TTL,
      resend_in: ctx.config.OTP_COOLDOWN,
      ...(ctx.config.DEV_OTP && { dev_code: code }),
    };
  };
}

export interface Wanted {
  phone: string;
  purpose: CodePurpose;
  channel: 'auto' | 'sms' | 'telegram';
  captchaToken?: string | undefined;
  device?: Pick<Device, 'token'> | undefined;
}

/** The budgets, the code, the message, and the log of it; used by every way that ends in a code. */
export async function sendCode(
  ctx: Anyone,
  notifier: Notifier,
  wanted: Wanted,
): Promise<{ otp_id: string; code: string }> {
  const isHuman = await isCaptchaSolved(ctx.config, wanted.captchaToken, ctx.ip);
  try {
    const made = await ctx.transaction(tx => reserve(tx, wanted, isHuman));
    if (!made.isTest) await deliver(ctx, notifier, wanted, made);
    await logRequest(ctx, wanted, 'sent', made.id);
    return { otp_id: made.id, code: made.code };
  } catch (error) {
    if (error instanceof AppError) await logRequest(ctx, wanted, error.code, null);
    throw error;
  }
}

interface Reserved extends NewCode {
  charged: Charged;
}

/** Codes of the staff's login follow a right password: strangers spend nothing of their budgets. */
async function reserve(tx: Context<Actor | null>, wanted: Wanted, isHuman: boolean): Promise<Reserved> {
  const { phone, purpose, device } = wanted;
  const isStaff = purpose === 'admin_login';
  await ensureUnlocked(tx, subjectOf(isStaff ? 'staff-code' : 'code', phone, knownDevice(tx, phone, device)));
  if (!isStaff) await ensureNoOtpBlock(tx, phone, tx.ip);
  if (!isHuman) await takeFromIp(tx, purpose);
  const budget = isStaff ? `staff ${phone}` : phone;
  await spendCode(tx, budget);
  const made = addCode(tx, phone, purpose);
  const [known] = await rows(tx.em, sql`select 1 from users where phone = ${phone}`);
  const isRegistered = known !== undefined;
  if (!made.isTest && !isStaff) await takeFromPrefix(tx, phone);
  if (!made.isTest) await takeFromDay(tx, isRegistered);
  return { ...made, charged: { budget, ip: isHuman ? null : tx.ip, prefixOf: isStaff ? null : phone, isRegistered } };
}

async function deliver(
  ctx: Anyone,
  notifier: Notifier,
  { phone, channel }: Wanted,
  { id, code, charged }: Reserved,
): Promise<void> {
  try {
    const { driver, providerId, cost } = await notifier.send({
      phone,
      code,
      otpId: id,
      ttlSec: ctx.config.OTP_TTL,
      channel,
    });
    await ctx.transaction(async tx => {
      await rows(
        tx.em,
        sql`update phone_otps set driver = ${driver}, provider_id = ${providerId}, cost = ${cost ?? null} where id = ${id}`,
      );
      tx.emit(facts.codeTaken, { driver });
    });
  } catch (error) {
    ctx.log.error({ err: error }, 'code not sent');
    await ctx.transaction(tx => returnCode(tx, charged));
    throw new AppError('otp_unavailable');
  }
}

async function logRequest(
  ctx: Anyone,
  { phone, purpose }: Wanted,
  outcome: string,
  otpId: string | null,
): Promise<void> {
  await ctx.transaction(async ({ em, now, ip, emit }) => {
    em.persist(em.create(OtpRequestLog, { id: newId(), at: now, phone, purpose, ip, outcome, otpId }));
    emit(facts.codeRequested, { purpose, outcome });
  });
}
