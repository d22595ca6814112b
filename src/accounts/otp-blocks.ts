import { sql } from 'kysely';
import type { Actor, Context } from '../common/context.ts';
import { rows } from '../common/database.ts';
import { AppError } from '../common/errors.ts';
import { senderOf } from '../common/networks.ts';
import { numbersAround } from './otp-limits.ts';

type Scope = Pick<Context<Actor | null>, 'em' | 'now'>;

/** Whom staff let no codes be sent to: numbers alike but for their last 3 digits, or an IP address (of IPv6 its network). */
export type OtpBlock = `otp-${'prefix' | 'ip'}:${string}`;

export const blockOfPrefix = (phone: string): OtpBlock => `otp-prefix:${numbersAround(phone)}`;
export const blockOfIp = (ip: string): OtpBlock => `otp-ip:${senderOf(ip)}`;

export async function blockOtp({ em, now }: Scope, subject: OtpBlock, until: Date): Promise<void> {
  await rows(
    em,
    sql`insert into failure_budgets (subject, started_at, failures, locked_until) values (${subject}, ${now}, 0, ${until})
        on conflict (subject) do update set started_at = ${now}, locked_until = ${until}`,
  );
}

export async function unblockOtp({ em }: Pick<Scope, 'em'>, subject: OtpBlock): Promise<void> {
  await rows(em, sql`delete from failure_budgets where subject = ${subject}`);
}

/** Throws otp_locked while staff block the number's prefix or the address. */
export async function ensureNoOtpBlock({ em, now }: Scope, phone: string, ip: string): Promise<void> {
  const [block] = await rows<{ until: string }>(
    em,
    sql`select max(locked_until) as until from failure_budgets
        where subject = any(${[blockOfPrefix(phone), blockOfIp(ip)]}::text[]) and locked_until > ${now} having count(*) > 0`,
  );
  if (block) throw new AppError('otp_locked', { retry_after_ms: new Date(block.until).getTime() - now.getTime() });
}
