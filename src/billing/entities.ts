import { defineEntity, p } from '@mikro-orm/core';
import { User } from '../accounts/entities.ts';
import type { Entitlements, Subscription as SubscriptionView } from './contract.ts';

export type { Entitlements };
export type SubscriptionStatus = SubscriptionView['status'];

const PlanSchema = defineEntity({
  name: 'Plan',
  tableName: 'plans',
  properties: {
    id: p.uuid().primary(),
    code: p.string().length(40).unique(),
    name: p.string().length(80),
    description: p.text().default(''),
    price: p.decimal().precision(14).scale(2).default('0'),
    currency: p.string().length(3).default('UZS'),
    trialDays: p.integer().default(0),
    sortOrder: p.integer().default(0),
    entitlements: p.json<Entitlements>(),
    isActive: p.boolean().default(true),
    createdAt: p.datetime(3),
  },
});
/** A price and what it entitles to. */
export class Plan extends PlanSchema.class {}
PlanSchema.setClass(Plan);

const SubscriptionSchema = defineEntity({
  name: 'Subscription',
  tableName: 'subscriptions',
  checks: [
    {
      name: 'subscriptions_running_has_period',
      expression:
        "status in ('pending', 'canceled') or (current_period_start is not null and current_period_end is not null)",
    },
    { name: 'subscriptions_paid_plan_is_named', expression: 'next_period_end is null or next_plan_id is not null' },
  ],
  indexes: [
    { name: 'subscriptions_by_status', properties: ['status', 'id'] },
    {
      name: 'subscriptions_running_by_end',
      expression:
        "create index subscriptions_running_by_end on subscriptions (current_period_end) where status in ('trialing', 'active', 'past_due')",
    },
    {
      name: 'subscriptions_one_not_ended',
      expression:
        "create unique index subscriptions_one_not_ended on subscriptions (user_id) where status in ('pending', 'trialing', 'active', 'past_due')",
    },
  ],
  properties: {
    id: p.uuid().primary(),
    user: () => p.manyToOne(User).mapToPk().deleteRule('cascade').index(),
    plan: () => p.manyToOne(Plan).mapToPk(),
    status: p.string().length(16).$type<SubscriptionStatus>(),
    currentPeriodStart: p.datetime(3).nullable(),
    currentPeriodEnd: p.datetime(3).nullable(),
    trialEnd: p.datetime(3).nullable(),
    cancelAtPeriodEnd: p.boolean().default(false),
    /** What the user asked for after this period. */
    nextPlan: () => p.manyToOne(Plan).mapToPk().nullable(),
    /** Staff alone set it: the next plan takes over by itself, until then. */
    nextPeriodEnd: p.datetime(3).nullable(),
    /** The period's end that its user was warned of. */
    warnedOfEnd: p.datetime(3).nullable(),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
  },
});
/** A user's plan with its state and dates; at most one that is not ended per user. */
export class Subscription extends SubscriptionSchema.class {}
SubscriptionSchema.setClass(Subscription);

const MonthlyUsageSchema = defineEntity({
  name: 'MonthlyUsage',
  tableName: 'monthly_usage',
  properties: {
    user: () => p.manyToOne(User).mapToPk().deleteRule('cascade').primary(),
    /** `YYYY-MM` in BILLING_TZ. */
    period: p.string().length(7).primary(),
    used: p.integer(),
  },
});
/** Posts that a user published first in a month. */
export class MonthlyUsage extends MonthlyUsageSchema.class {}
MonthlyUsageSchema.setClass(MonthlyUsage);

export const billingEntities = [Plan, Subscription, MonthlyUsage];
