import { sql } from 'kysely';
import type { Actor, Context } from '../common/context.ts';
import { rows } from '../common/database.ts';
import { AppError } from '../common/errors.ts';
import { relaxed } from '../common/limits.ts';
import { senderOf } from '../common/networks.ts';
import { DAY_MS, HOUR_MS } from '../common/time.ts';
import type { CodePurpose } from './contract/shapes.ts';

type Scope = Pick<Context<Actor | null>, 'em' | 'now' | 'config' | 'reportLimit'>;

interface Budget {
  last_sent_at: string | null;
  hour_started_at: string;
  hour_count: number;
  day_started_at: string;
  day_count: number;
}

/**
 * Spends one code of a budget (a number's, or that of its staff login): one per OTP_COOLDOWN, OTP_PHONE_HOURLY an hour,
 * OTP_PHONE_DAILY a day. It is one conditional statement, so of parallel requests one wins.
 * Throws otp_cooldown or rate_limited.
 */
export async function spendCode(scope: Scope, subject: string): Promise<void> {
  const { em, now, config } = scope;
  if (config.RATE_LIMITS === 'off') return;
  const cooldownEnd = new Date(now.getTime() - config.OTP_COOLDOWN * 1000);
  const hourAgo = new Date(now.getTime() - HOUR_MS);
  const dayAgo = new Date(now.getTime() - DAY_MS);
  const [spent] = await rows<Budget>(
    em,
    sql`insert into phone_budgets as b (subject, last_sent_at, hour_started_at, hour_count, day_started_at, day_count)
        values (${subject}, ${now}, ${now}, 1, ${now}, 1)
        on conflict (subject) do update set
          last_sent_at = ${now},
          hour_started_at = case when b.hour_started_at <= ${hourAgo} then ${now} else b.hour_started_at end,
          hour_count = case when b.hour_started_at <= ${hourAgo} then 1 else b.hour_count + 1 end,
          day_started_at = case when b.day_started_at <= ${dayAgo} then ${now} else b.day_started_at end,
          day_count = case when b.day_started_at <= ${dayAgo} then 1 else b.day_count + 1 end
        where (b.last_sent_at is null or b.last_sent_at <= ${cooldownEnd})
          and (b.hour_started_at <= ${hourAgo} or b.hour_count < ${config.OTP_PHONE_HOURLY})
          and (b.day_started_at <= ${dayAgo} or b.day_count < ${config.OTP_PHONE_DAILY})
        returning *`,
  );
  if (!spent) throw await refusalOf(scope, subject);
  for (const window of windowsOf(scope, spent)) report(scope, window);
}

interface Window {
  points: number;
  lengthMs: number;
  count: number;
  leftMs: number;
}

const leftOf = (now: Date, startedAt: string, lengthMs: number) =>
  new Date(startedAt).getTime() + lengthMs - now.getTime();

function windowsOf({ now, config }: Scope, budget: Budget): [hour: Window, day: Window] {
  const { hour_started_at, hour_count, day_started_at, day_count } = budget;
  const [hourMs, dayMs] = [leftOf(now, hour_started_at, HOUR_MS), leftOf(now, day_started_at, DAY_MS)];
  return [
    { points: config.OTP_PHONE_HOURLY, lengthMs: HOUR_MS, count: hour_count, leftMs: hourMs },
    { points: config.OTP_PHONE_DAILY, lengthMs: DAY_MS, count: day_count, leftMs: dayMs },
  ];
}

function report({ reportLimit }: Scope, { points, lengthMs, count, leftMs }: Window): void {
  const [spent, resetMs] = leftMs > 0 ? [count, leftMs] : [0, lengthMs];
  const windowSec = lengthMs / 1000;
  const resetSec = Math.ceil(resetMs / 1000);
  reportLimit?.({ name: 'otp-phone', points, windowSec, remaining: points - spent, resetSec });
}

async function refusalOf(scope: Scope, subject: string): Promise<AppError> {
  const { em, now, config } = scope;
  const [budget] = await rows<Budget>(em, sql`select * from phone_budgets where subject = ${subject}`);
  const windows = budget ? windowsOf(scope, budget) : [];
  const full = windows.findLast(({ count, points, leftMs }) => count >= points && leftMs > 0);
  for (const window of full ? [full] : windows) report(scope, window);
  if (full) return new AppError('rate_limited', { retry_after_ms: full.leftMs });
  const cooldownMs = budget?.last_sent_at ? leftOf(now, budget.last_sent_at, config.OTP_COOLDOWN * 1000) : 0;
  return new AppError('otp_cooldown', { retry_after_ms: Math.max(1_000, cooldownMs) });
}

/** Numbers alike but for their last 3 digits: what an attacker walks through. */
export const numbersAround = (phone: string) => phone.slice(0, -3);
const prefixOf = (phone: string) => `prefix:${numbersAround(phone)}`;
const dayOf = (now: Date, whose: 'all' | 'new') => `day:${now.toISOString().slice(0, 10)}:${whose}`;

const PAUSE_AFTER = 20;
const PAUSE_BELOW = 0.2;

/** Takes one of `most` within a window; false when there is none left. One statement, so parallel calls cannot pass it. */
export async function take(
  { em, now }: Pick<Scope, 'em' | 'now'>,
  key: string,
  most: number,
  lengthMs: number,
): Promise<boolean> {
  if (most === Number.POSITIVE_INFINITY) return true;
  const start = new Date(now.getTime() - lengthMs);
  const taken = await rows(
    em,
    sql`insert into otp_counters as c (key, started_at, count) select ${key}, ${now}, 1 where ${most} >= 1
        on conflict (key) do update set
          count = case when c.started_at <= ${start} then 1 else c.count + 1 end,
          verified = case when c.started_at <= ${start} then 0 else c.verified end,
          started_at = case when c.started_at <= ${start} then ${now} else c.started_at end
        where c.started_at <= ${start} or c.count < ${most} returning key`,
  );
  return taken.length === 1;
}

/** Of a window that has none left: with the time until it is over. */
export async function usedUp({ em, now }: Pick<Scope, 'em' | 'now'>, key: string, lengthMs: number): Promise<AppError> {
  const [counter] = await rows<{ started_at: string }>(em, sql`select started_at from otp_counters where key = ${key}`);
  const leftMs = counter ? leftOf(now, counter.started_at, lengthMs) : 0;
  return new AppError('rate_limited', { retry_after_ms: Math.max(1_000, leftMs) });
}

const ipKey = (ip: string) => `ip:${senderOf(ip)}`;

/** Codes per IP address in an hour. Throws captcha_required where one can be sent along: not with the login of staff; else rate_limited. */
export async function takeFromIp(scope: Scope & { ip: string }, purpose: CodePurpose): Promise<void> {
  const { config, ip } = scope;
  if (await take(scope, ipKey(ip), relaxed(config, config.OTP_IP_HOURLY), HOUR_MS)) return;
  const mayBeSolved = config.CAPTCHA_PROVIDER !== undefined && purpose !== 'admin_login';
  throw mayBeSolved ? new AppError('captcha_required') : await usedUp(scope, ipKey(ip), HOUR_MS);
}

/** The prefix's hour, and a pause for one whose codes nobody uses (S-9, S-11). Throws rate_limited. */
export async function takeFromPrefix(scope: Scope, phone: string): Promise<void> {
  const { em, now, config } = scope;
  if (config.RATE_LIMITS === 'off') return;
  const [paused] = await rows(
    em,
    sql`select 1 from otp_counters where key = ${prefixOf(phone)} and started_at > ${new Date(now.getTime() - HOUR_MS)}
        and count >= ${relaxed(config, PAUSE_AFTER)} and verified < count * ${PAUSE_BELOW}::float`,
  );
  const isFree = !paused && (await take(scope, prefixOf(phone), relaxed(config, config.OTP_PREFIX_HOURLY), HOUR_MS));
  if (!isFree) throw await usedUp(scope, prefixOf(phone), HOUR_MS);
}

/**
 * The daily budget of SMS. New numbers may use a part of it only: an attacker who spends that leaves registered users their
 * codes. Throws otp_unavailable.
 */
export async function takeFromDay(scope: Scope, isRegistered: boolean): Promise<void> {
  const { SMS_DAILY_BUDGET, SMS_RESERVED_SHARE, RATE_LIMITS } = scope.config;
  if (RATE_LIMITS === 'off') return;
  const forNew = Math.floor(SMS_DAILY_BUDGET * (1 - SMS_RESERVED_SHARE));
  const isFree = isRegistered || (await take(scope, dayOf(scope.now, 'new'), forNew, DAY_MS));
  if (!isFree || !(await take(scope, dayOf(scope.now, 'all'), SMS_DAILY_BUDGET, DAY_MS)))
    throw new AppError('otp_unavailable');
}

/** Which budgets a code was taken from. */
export interface Charged {
  budget: string;
  ip: string | null;
  /** The phone, where its prefix was charged. */
  prefixOf: string | null;
  isRegistered: boolean;
}

/** Gives everything back: nothing was sent, so nothing is charged. */
export async function returnCode(
  { em, now }: Pick<Scope, 'em' | 'now'>,
  { budget, ip, prefixOf: phone, isRegistered }: Charged,
): Promise<void> {
  await rows(
    em,
    sql`update phone_budgets set last_sent_at = null, hour_count = greatest(hour_count - 1, 0),
        day_count = greatest(day_count - 1, 0) where subject = ${budget}`,
  );
  const keys = [
    ...(ip === null ? [] : [ipKey(ip)]),
    ...(phone === null ? [] : [prefixOf(phone)]),
    dayOf(now, 'all'),
    ...(isRegistered ? [] : [dayOf(now, 'new')]),
  ];
  await rows(em, sql`update otp_counters set count = greatest(count - 1, 0) where key = any(${keys}::text[])`);
}

/** A code of this prefix was used by somebody: its numbers are real. */
export async function countVerified({ em }: Pick<Scope, 'em'>, phone: string): Promise<void> {
  await rows(em, sql`update otp_counters set verified = verified + 1 where key = ${prefixOf(phone)}`);
}
