import { z } from 'zod';
import { fact, moment, query } from '../common/operations.ts';
import { slot } from '../common/slots.ts';

export const Entitlements = z
  .object({
    posts_per_month: z.int().nullable().describe('null: unlimited.'),
    max_images_per_post: z.int(),
    saved_searches: z.int(),
    contact_reveals_per_day: z.int(),
  })
  .meta({ id: 'Entitlements' });

export const Plan = z
  .object({
    code: z.string(),
    name: z.string(),
    description: z.string(),
    price: z.string().meta({ example: '150000.00' }),
    currency: z.string(),
    interval: z.literal('month'),
    trial_days: z.int(),
    sort_order: z.int(),
    entitlements: Entitlements,
  })
  .meta({ id: 'Plan' });

const PlanName = z.object({ code: z.string(), name: z.string() });

export const Subscription = z
  .object({
    id: z.uuid(),
    plan: PlanName,
    status: z.enum(['pending', 'trialing', 'active', 'past_due', 'expired', 'canceled']),
    current_period_start: moment.nullable(),
    current_period_end: moment.nullable(),
    trial_end: moment.nullable(),
    grace_until: moment.nullable().describe('While past_due: the rights last until then.'),
    cancel_at_period_end: z.boolean(),
    next_plan: PlanName.nullable(),
  })
  .meta({ id: 'Subscription' });
export type Subscription = z.output<typeof Subscription>;

export const Usage = z
  .object({
    period: z.string().meta({ example: '2025-11' }),
    timezone: z.string().describe('Where the month begins and ends.'),
    posts_used: z.int(),
    posts_limit: z.int().nullable().describe('null: unlimited.'),
    posts_remaining: z.int().nullable(),
    resets_at: moment,
  })
  .meta({ id: 'Usage' });
export type Usage = z.output<typeof Usage>;

export const Blocker = z.enum(['b2b_not_enabled', 'subscription_required', 'post_limit_reached']);

export const operations = {
  listPlans: query({
    summary: 'The plans one can subscribe to.',
    http: 'GET /api/billing/plans/',
    access: 'public',
    input: z.object({}),
    output: z.object({ results: z.array(Plan) }),
  }),
  getBilling: query({
    summary: 'My subscription, what I used of it, and what keeps me from posting.',
    http: 'GET /api/billing/me/',
    input: z.object({}),
    output: z.object({
      subscription: Subscription.nullable(),
      usage: Usage,
      entitlements: Entitlements,
      can_post: z.boolean(),
      blockers: z.array(Blocker),
    }),
  }),
};

export interface OfSubscription {
  userId: string;
  planCode: string;
  planName: string;
  until: string;
}

export const facts = {
  subscriptionActivated: fact<OfSubscription>('billing.subscription-activated'),
  /** Its period ends within three days; told once for a period. */
  subscriptionExpiring: fact<OfSubscription>('billing.subscription-expiring'),
  /** The grace after its period is over too. */
  subscriptionExpired: fact<OfSubscription>('billing.subscription-expired'),
  /** The rights last until `until`, which may be now. */
  subscriptionCanceled: fact<OfSubscription>('billing.subscription-canceled'),
};

/** Whether the user's business profile is enabled, by user id; filled by b2b. */
export const isBusinessEnabled = slot<boolean>('billing.business-enabled', false);
