import { daysAfter } from '../../common/time.ts';
import type { Config } from '../../config.ts';
import type { Subscription, SubscriptionStatus } from '../entities.ts';

/** These entitle to what the plan allows. */
export const running: readonly SubscriptionStatus[] = ['trialing', 'active', 'past_due'];
/** A user has at most one of these (`subscriptions_one_not_ended`). */
export const notEnded: readonly SubscriptionStatus[] = ['pending', ...running];

/** Where a subscription stands at a moment. */
export type Standing = Pick<
  Subscription,
  | 'id'
  | 'plan'
  | 'status'
  | 'currentPeriodStart'
  | 'currentPeriodEnd'
  | 'trialEnd'
  | 'cancelAtPeriodEnd'
  | 'nextPlan'
  | 'nextPeriodEnd'
>;

/** The fact that tells its user what has become of it. */
export type News = 'subscriptionActivated' | 'subscriptionExpired' | 'subscriptionCanceled';

export interface Clock {
  now: Date;
  config: Pick<Config, 'GRACE_DAYS'>;
}

interface Step {
  change: Partial<Standing>;
  news?: News;
}

export interface Now {
  standing: Standing;
  /** It stands elsewhere than it was written. */
  hasMoved: boolean;
  news: News | null;
}

export function graceEnd(periodEnd: Date, { config }: Pick<Clock, 'config'>): Date {
  return daysAfter(periodEnd, config.GRACE_DAYS);
}

/**
 * What time alone has made of a subscription since it was written. Reads show it and the job writes it down, so a late job
 * changes nobody's rights. Of several steps that were missed the last one is news.
 */
export function standingAt(written: Standing, clock: Clock): Now {
  const { id, plan, status, currentPeriodStart, currentPeriodEnd, trialEnd } = written;
  const { cancelAtPeriodEnd, nextPlan, nextPeriodEnd } = written;
  let standing: Standing = {
    ...{ id, plan, status, currentPeriodStart, currentPeriodEnd, trialEnd },
    ...{ cancelAtPeriodEnd, nextPlan, nextPeriodEnd },
  };
  let hasMoved = false;
  let news: News | null = null;
  for (let step = nextStep(standing, clock); step; step = nextStep(standing, clock)) {
    standing = { ...standing, ...step.change };
    hasMoved = true;
    news = step.news ?? news;
  }
  return { standing, hasMoved, news };
}

function nextStep(standing: Standing, clock: Clock): Step | null {
  const { status, currentPeriodEnd: end, nextPlan, nextPeriodEnd } = standing;
  if (!end || !running.includes(status) || clock.now < end) return null;
  if (standing.cancelAtPeriodEnd) return { change: { status: 'canceled' }, news: 'subscriptionCanceled' };
  if (nextPlan && nextPeriodEnd) {
    const period = { currentPeriodStart: end, currentPeriodEnd: nextPeriodEnd, nextPlan: null, nextPeriodEnd: null };
    return { change: { plan: nextPlan, status: 'active', ...period }, news: 'subscriptionActivated' };
  }
  if (clock.now >= graceEnd(end, clock)) return { change: { status: 'expired' }, news: 'subscriptionExpired' };
  return status === 'past_due' ? null : { change: { status: 'past_due' } };
}
