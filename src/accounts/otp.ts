import { randomInt } from 'node:crypto';
import { sql } from 'kysely';
import type { Actor, Context } from '../common/context.ts';
import { rows } from '../common/database.ts';
import { AppError } from '../common/errors.ts';
import { newId } from '../common/ids.ts';
import { hmac, keysFor, sameBytes } from '../common/keys.ts';
import type { Config } from '../config.ts';
import type { CodePurpose } from './contract/shapes.ts';
import { PhoneOtp } from './entities.ts';

type Scope = Pick<Context<Actor | null>, 'em' | 'now' | 'config'>;

export const CODE_LENGTH = 6;

export interface NewCode {
  id: string;
  code: string;
  /** A fixed code of TEST_OTP_NUMBERS: nothing is sent. */
  isTest: boolean;
}

/** The fixed code of a number that store reviewers use, until the end of its day; the login of staff has none. */
function testCodeOf({ TEST_OTP_NUMBERS }: Config, phone: string, now: Date): string | null {
  for (const entry of TEST_OTP_NUMBERS) {
    const [, number, code, day] = /^(\+\d+):(\d{6})@(\d{4}-\d{2}-\d{2})$/.exec(entry) ?? [];
    if (number === phone && code && now.toISOString().slice(0, 10) <= day!) return code;
  }
  return null;
}

/** A code and the row of its HMAC; a phone's older codes are worth nothing once a newer one exists. */
export function addCode({ em, now, config }: Scope, phone: string, purpose: CodePurpose): NewCode {
  const id = newId();
  const testCode = purpose === 'admin_login' ? null : testCodeOf(config, phone, now);
  const code = testCode ?? String(randomInt(10 ** CODE_LENGTH)).padStart(CODE_LENGTH, '0');
  const [key] = keysFor(config, 'otp');
  em.persist(
    em.create(PhoneOtp, {
      ...{ id, phone, purpose, createdAt: now },
      isTest: testCode !== null,
      codeHmac: hmac(key!, id, phone, purpose, code),
      expiresAt: new Date(now.getTime() + config.OTP_TTL * 1000),
    }),
  );
  return { id, code, isTest: testCode !== null };
}

export interface Attempt {
  id: string;
  purpose: CodePurpose;
  code: string;
  /** The code was right; it is not used up yet. */
  isRight: boolean;
  attemptsLeft: number;
}

export interface Given {
  phone: string;
  code: string;
  otpId: string | undefined;
  /** Codes of the staff's login are apart: who tries or asks for others at the users' door does not touch them. */
  isStaff: boolean;
}

interface AttemptRow {
  id: string;
  purpose: CodePurpose;
  attempts: number;
  code_hmac: Buffer;
}

/**
 * Spends one of the tries of the phone's newest code of that door, and only then compares: parallel guesses cannot get more tries.
 * Must be committed whatever comes of it. Throws otp_invalid (none, used, expired, older) or otp_attempts_exceeded.
 */
export async function tryCode({ em, now, config }: Scope, given: Given): Promise<Attempt> {
  const { phone, code, otpId, isStaff } = given;
  const [row] = await rows<AttemptRow>(
    em,
    sql`update phone_otps set attempts = attempts + 1
        where id = (select id from phone_otps where phone = ${phone} and (purpose = 'admin_login') = ${isStaff}
                    order by created_at desc, id desc limit 1)
          and used_at is null and attempts < ${config.OTP_MAX_ATTEMPTS} and expires_at > ${now}
          and (${otpId ?? null}::uuid is null or id = ${otpId ?? null}::uuid)
        returning id, purpose, attempts, code_hmac`,
  );
  if (!row) throw await refusalOf({ em, now, config }, given);
  const isRight = keysFor(config, 'otp').some(key =>
    sameBytes(hmac(key, row.id, phone, row.purpose, code), row.code_hmac),
  );
  return { id: row.id, purpose: row.purpose, code, isRight, attemptsLeft: config.OTP_MAX_ATTEMPTS - row.attempts };
}

/** Who brought it, and null for all callers but one: a code is used once. */
export async function useCode({ em, now }: Pick<Scope, 'em' | 'now'>, otpId: string): Promise<Brought | null> {
  const [used] = await rows<Brought>(
    em,
    sql`update phone_otps set used_at = ${now} where id = ${otpId} and used_at is null returning driver, provider_id`,
  );
  return used ?? null;
}

/** Nulls while it is being sent, and of test codes. */
interface Brought {
  driver: string | null;
  provider_id: string | null;
}

/** A burnt code is told as such, so that the user asks for another; everything else is alike. */
async function refusalOf({ em, now, config }: Scope, { phone, isStaff }: Given): Promise<AppError> {
  const [newest] = await rows<{ burnt: boolean }>(
    em,
    sql`select used_at is null and attempts >= ${config.OTP_MAX_ATTEMPTS} and expires_at > ${now} as burnt
        from phone_otps where phone = ${phone} and (purpose = 'admin_login') = ${isStaff} order by created_at desc, id desc limit 1`,
  );
  return newest?.burnt ? new AppError('otp_attempts_exceeded') : new AppError('otp_invalid', { attempts_left: 0 });
}
