import { LockMode } from '@mikro-orm/core';
import { sql } from 'kysely';
import { rows } from '../../common/database.ts';
import { daysAfter } from '../../common/time.ts';
import { facts, type OfSubscription } from '../contract.ts';
import { Subscription } from '../entities.ts';
import { announce, settle, type Writing } from './subscriptions.ts';

/** What one transaction holds; the rest waits a minute, while reads compute by dates. */
const MOST = 1_000;
const WARNED_DAYS = 3;

/**
 * Writes down what time has made of subscriptions, and tells their users; a job's work. Those that somebody is changing
 * just now are left for the next run.
 */
export async function moveSubscriptions(ctx: Writing): Promise<{ moved: number; warned: number }> {
  const { em, now, config } = ctx;
  const due = await em.find(
    Subscription,
    {
      $or: [
        { status: { $in: ['trialing', 'active'] }, currentPeriodEnd: { $lte: now } },
        { status: 'past_due', currentPeriodEnd: { $lte: daysAfter(now, -config.GRACE_DAYS) } },
      ],
    },
    { orderBy: { currentPeriodEnd: 'asc' }, limit: MOST, lockMode: LockMode.PESSIMISTIC_PARTIAL_WRITE },
  );
  const told = due.map(subscription => ({ subscription, news: settle(ctx, subscription) }));
  await em.flush();
  await announce(ctx, told);
  return { moved: due.length, warned: await warnOfEnd(ctx) };
}

interface WarnedRow {
  user_id: string;
  code: string;
  name: string;
  current_period_end: Date;
}

/** Once for a period, and only where nobody has decided yet how it goes on. */
async function warnOfEnd({ em, now, emit }: Writing): Promise<number> {
  const warned = await rows<WarnedRow>(
    em,
    sql`update subscriptions s set warned_of_end = s.current_period_end from plans p
        where p.id = s.plan_id and s.id in (
          select id from subscriptions where status in ('trialing', 'active') and current_period_end > ${now}
            and current_period_end <= ${daysAfter(now, WARNED_DAYS)} and warned_of_end is distinct from current_period_end
            and not cancel_at_period_end and next_period_end is null
          order by current_period_end limit ${MOST} for update skip locked)
        returning s.user_id, p.code, p.name, s.current_period_end`,
  );
  for (const { user_id: userId, code: planCode, name: planName, current_period_end } of warned) {
    const told: OfSubscription = { userId, planCode, planName, until: new Date(current_period_end).toISOString() };
    emit(facts.subscriptionExpiring, told);
  }
  return warned.length;
}
