import { z } from 'zod';
import { StaffActionOutput, staffActionInput } from '../accounts/contract/staff-actions.ts';
import { anyMoment, command, fact, moment, plainText, query } from '../common/operations.ts';
import { slot } from '../common/slots.ts';

export const Entitlements = z
  .object({
    posts_per_month: z.int().nullable().describe('null: unlimited.'),
    max_images_per_post: z.int(),
    saved_searches: z.int(),
    contact_reveals_per_day: z.int(),
  })
  .meta({ id: 'Entitlements' });
export type Entitlements = z.output<typeof Entitlements>;

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

const planCode = plainText.min(1).max(40);
/** Far below what a counter of the database holds. */
const amount = z.int().min(0).max(1_000_000);

/** What staff may write of a plan. */
const planChanges = {
  name: plainText.trim().min(1).max(80).optional(),
  description: plainText.max(2_000).optional(),
  price: z
    .string()
    .regex(/^\d{1,12}(\.\d{1,2})?$/)
    .optional()
    .meta({ example: '150000.00' }),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/)
    .optional()
    .describe('ISO 4217.'),
  trial_days: z.int().min(0).max(365).optional(),
  sort_order: z.int().min(0).max(10_000).optional(),
  entitlements: z
    .strictObject({
      posts_per_month: amount.nullable().describe('null: unlimited.'),
      max_images_per_post: z.int().min(0).max(50),
      saved_searches: amount,
      contact_reveals_per_day: amount,
    })
    .partial()
    .optional()
    .describe('Those that are missing stay as they are; subscribers have them at once.'),
  is_active: z.boolean().optional().describe('Whether users may ask for it.'),
};

export const Blocker = z.enum(['b2b_not_enabled', 'subscription_required', 'post_limit_reached']);

export const operations = {
  listPlans: query({
    isTagged: true,
    summary: 'The plans one can subscribe to.',
    http: 'GET /api/billing/plans/',
    access: 'lenient',
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
  requestSubscription: command({
    summary:
      'Asks for a plan: pending until staff activate it; while another one runs, it becomes its next plan. The running plan itself takes a cancellation or another next plan back.',
    http: 'POST /api/billing/subscriptions/',
    needsKey: true,
    status: 201,
    isRepeat: ({ subscription }) => subscription.status !== 'pending',
    input: z.object({ plan: planCode, provider: z.literal('manual').default('manual') }),
    output: z.object({ subscription: Subscription }),
    errors: ['not_found', 'already_subscribed', 'invalid_state'],
  }),
  cancelSubscription: command({
    summary: 'Cancels my subscription at the end of its period, or at once; a pending one ends at once.',
    http: 'POST /api/billing/cancel/',
    input: z.object({ at_period_end: z.boolean().default(true) }),
    output: z.object({ subscription: Subscription }),
    errors: ['invalid_state'],
  }),
  actOnSubscriptions: command({
    summary:
      'Staff: activates (one that runs: its next plan, from the end of the period on), extends, changes the plan of, or cancels subscriptions; each one is answered by itself.',
    http: 'POST /api/admin/subscriptions/actions/{action}/',
    access: 'staff',
    input: staffActionInput(['activate', 'extend', 'change_plan', 'cancel'], {
      plan: planCode.optional().describe('activate: default what was asked for; change_plan: needed.'),
      until: anyMoment
        .optional()
        .describe("activate: default the plan's trial, else a month; extend: the new end of the period."),
      days: z.int().min(1).max(3_650).optional().describe('extend: so much later, instead of `until`.'),
    }),
    output: StaffActionOutput,
    errors: ['permission_denied'],
  }),
  actOnPlans: command({
    summary: 'Staff: edits plans, or takes them off the list; each one is answered by itself.',
    http: 'POST /api/admin/plans/actions/{action}/',
    access: 'staff',
    input: staffActionInput(['edit', 'deactivate'], planChanges),
    output: StaffActionOutput,
    errors: ['permission_denied'],
  }),
};

export interface OfSubscription {
  userId: string;
  planCode: string;
  planName: string;
  until: string;
}

export const facts = {
  subscriptionMoved: fact<{ from: Subscription['status'] | 'none'; to: Subscription['status'] }>(
    'billing.subscription-moved',
  ),
  subscriptionActivated: fact<OfSubscription>('billing.subscription-activated'),
  /** Its period ends within three days, and nobody has decided how it goes on; told once for a period. */
  subscriptionExpiring: fact<OfSubscription>('billing.subscription-expiring'),
  /** The grace after its period is over too. */
  subscriptionExpired: fact<OfSubscription>('billing.subscription-expired'),
  /** The rights last until `until`, which may be now. */
  subscriptionCanceled: fact<OfSubscription>('billing.subscription-canceled'),
};

/** Whether the user's business profile is enabled, by user id; filled by b2b. */
export const isBusinessEnabled = slot<boolean>('billing.business-enabled', false);
