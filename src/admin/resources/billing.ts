import { sql } from 'kysely';
import { z } from 'zod';
import { operations } from '../../billing/contract.ts';
import { plainText } from '../../common/operations.ts';
import { actionsOf, flag, is, madeWithin, nameOf, oneOf, phoneOf, type Resource } from '../registry.ts';

const billing = ['billing'] as const;
const readers = ['billing', 'auditor'] as const;
const currencies = ['UZS', 'USD'] as const;
const amount = z.int().min(0).max(1_000_000);
const entitlement = (name: string) => sql`(t.entitlements -> ${sql.lit(name)})`;
const price = z.string().regex(/^\d{1,12}(\.\d{1,2})?$/);

const plans: Resource = {
  name: 'plans',
  table: 'plans',
  title: 'name',
  ordering: 'sort_order',
  view: readers,
  columns: {
    code: { type: 'text', order: 'code' },
    name: { type: 'text' },
    price: { type: 'money' },
    currency: { type: 'choice', choices: currencies },
    posts_per_month: { type: 'number', sql: entitlement('posts_per_month') },
    max_images_per_post: { type: 'number', sql: entitlement('max_images_per_post'), detail: true },
    saved_searches: { type: 'number', sql: entitlement('saved_searches'), detail: true },
    contact_reveals_per_day: { type: 'number', sql: entitlement('contact_reveals_per_day'), detail: true },
    trial_days: { type: 'number', detail: true },
    description: { type: 'text', detail: true },
    is_active: { type: 'boolean' },
    sort_order: { type: 'number', order: 'sort_order' },
    created_at: { type: 'moment', order: 'id' },
  },
  filters: { is_active: flag(sql`t.is_active`, sql`not t.is_active`), code: is('text', 'code') },
  fields: {
    code: { type: 'text', schema: z.string().regex(/^[a-z0-9-]{2,40}$/), onceOnly: true },
    name: { type: 'text', schema: plainText.trim().min(1).max(80) },
    price: { type: 'money', schema: price },
    currency: { type: 'choice', choices: currencies, schema: z.enum(currencies).default('UZS') },
    posts_per_month: { type: 'number', schema: amount.nullable().default(null), within: 'entitlements' },
    max_images_per_post: { type: 'number', schema: z.int().min(0).max(50).default(3), within: 'entitlements' },
    saved_searches: { type: 'number', schema: amount.default(3), within: 'entitlements' },
    contact_reveals_per_day: { type: 'number', schema: amount.default(10), within: 'entitlements' },
    trial_days: { type: 'number', schema: z.int().min(0).max(365).default(0) },
    description: { type: 'long', schema: plainText.trim().max(2_000).default('') },
    sort_order: { type: 'number', schema: z.int().min(0).max(10_000).default(0) },
    is_active: { type: 'boolean', schema: z.boolean().default(true) },
  },
  edit: billing,
  create: billing,
  stamps: { create: ['created_at'] },
  actions: actionsOf(operations.actOnPlans, { deactivate: { for: billing } }, ['edit']),
};

const lookups = { plan: { resource: 'plans', value: 'code', title: 'name' } };
const statuses = ['pending', 'trialing', 'active', 'past_due', 'expired', 'canceled'];

const subscriptions: Resource = {
  name: 'subscriptions',
  table: 'subscriptions',
  title: 'user_name',
  view: readers,
  columns: {
    user_id: { type: 'id', refers: 'users' },
    user_name: nameOf('user_id'),
    phone: phoneOf('user_id', billing),
    plan_id: { type: 'id', refers: 'plans', detail: true },
    plan: { type: 'text', sql: sql`(select code from plans p where p.id = t.plan_id)` },
    status: { type: 'choice', choices: statuses },
    current_period_start: { type: 'moment', detail: true },
    current_period_end: { type: 'moment' },
    trial_end: { type: 'moment', detail: true },
    cancel_at_period_end: { type: 'boolean', detail: true },
    next_plan: { type: 'text', sql: sql`(select code from plans p where p.id = t.next_plan_id)`, detail: true },
    created_at: { type: 'moment', order: 'id' },
  },
  filters: { status: oneOf('status', statuses), user_id: is('id', 'user_id'), ...madeWithin() },
  actions: actionsOf(operations.actOnSubscriptions, {
    activate: { for: billing, params: ['plan', 'until'], lookups },
    extend: { for: billing, params: ['days', 'until'] },
    change_plan: { for: billing, params: ['plan'], lookups },
    cancel: { for: billing, needsReason: true },
  }),
  queue: { name: 'subscriptions', filter: { status: 'pending' }, where: sql`t.status = 'pending'` },
};

export const billingResources = [plans, subscriptions];
