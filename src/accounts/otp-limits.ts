import { sql } from 'kysely';
import type { Actor, Context } from '../common/context.ts';
import { rows } from '../common/database.ts';
import { AppError } from '../common/errors.ts';

type Scope = Pick<Context<Actor | null>, 'em' | 'now' | 'config'>;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

interface Budget {
  last_sent_at: string | null;
  hour_started_at: string;
  hour_count: number;
  day_started_at: string;
  day_count: number;
}

/**
 * Spends one code of a number's budget: one per OTP_COOLDOWN, OTP_PHONE_HOURLY an hour, OTP_PHONE_DAILY a day. It is one
 * conditional statement, so of parallel requests one wins. Throws otp_cooldown or rate_limited.
 */
export async function spendCode({ em, now, config }: Scope, phone: string): Promise<void> {
  const cooldownEnd = new Date(now.getTime() - config.OTP_COOLDOWN * 1000);
  const hourAgo = new Date(now.getTime() - HOUR_MS);
  const dayAgo = new Date(now.getTime() - DAY_MS);
  const spent = await rows(
    em,
    sql`insert into phone_budgets as b (phone, last_sent_at, hour_started_at, hour_count, day_started_at, day_count)
        values (${phone}, ${now}, ${now}, 1, ${now}, 1)
        on conflict (phone) do update set
          last_sent_at = ${now},
          hour_started_at = case when b.hour_started_at <= ${hourAgo} then ${now} else b.hour_started_at end,
          hour_count = case when b.hour_started_at <= ${hourAgo} then 1 else b.hour_count + 1 end,
          day_started_at = case when b.day_started_at <= ${dayAgo} then ${now} else b.day_started_at end,
          day_count = case when b.day_started_at <= ${dayAgo} then 1 else b.day_count + 1 end
        where (b.last_sent_at is null or b.last_sent_at <= ${cooldownEnd})
          and (b.hour_started_at <= ${hourAgo} or b.hour_count < ${config.OTP_PHONE_HOURLY})
          and (b.day_started_at <= ${dayAgo} or b.day_count < ${config.OTP_PHONE_DAILY})
        returning phone`,
  );
  if (spent.length === 0) throw await refusalOf({ em, now, config }, phone);
}

/** Gives the unit back: nothing was sent, so nothing is charged. */
export async function returnCode({ em }: Pick<Scope, 'em'>, phone: string): Promise<void> {
  await rows(
    em,
    sql`update phone_budgets set last_sent_at = null, hour_count = greatest(hour_count - 1, 0),
        day_count = greatest(day_count - 1, 0) where phone = ${phone}`,
  );
}

async function refusalOf({ em, now, config }: Scope, phone: string): Promise<AppError> {
  const [budget] = await rows<Budget>(em, sql`select * from phone_budgets where phone = ${phone}`);
  const until = (start: string | null | undefined, lengthMs: number) =>
    Math.max(1_000, new Date(start ?? now).getTime() + lengthMs - now.getTime());
  const hourIsFull = (budget?.hour_count ?? 0) >= config.OTP_PHONE_HOURLY;
  const dayIsFull = (budget?.day_count ?? 0) >= config.OTP_PHONE_DAILY;
  if (dayIsFull) return new AppError('rate_limited', { retry_after_ms: until(budget?.day_started_at, DAY_MS) });
  if (hourIsFull) return new AppError('rate_limited', { retry_after_ms: until(budget?.hour_started_at, HOUR_MS) });
  return new AppError('otp_cooldown', { retry_after_ms: until(budget?.last_sent_at, config.OTP_COOLDOWN * 1000) });
}
