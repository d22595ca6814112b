import type { Actor, Context } from '../../common/context.ts';
import { newId } from '../../common/ids.ts';
import type { Output } from '../../common/operations.ts';
import type { operations } from '../contract.ts';
import { type Entitlements, Plan } from '../entities.ts';

/** What somebody without a subscription may do. */
export const noEntitlements: Entitlements = {
  posts_per_month: 0,
  max_images_per_post: 0,
  saved_searches: 1,
  contact_reveals_per_day: 3,
};

const seeds = [
  [
    'basic',
    'Basic',
    '150000',
    { posts_per_month: 5, max_images_per_post: 3, saved_searches: 3, contact_reveals_per_day: 10 },
  ],
  [
    'pro',
    'Pro',
    '450000',
    { posts_per_month: 50, max_images_per_post: 8, saved_searches: 20, contact_reveals_per_day: 50 },
  ],
  [
    'premium',
    'Premium',
    '1200000',
    { posts_per_month: null, max_images_per_post: 15, saved_searches: 100, contact_reveals_per_day: 200 },
  ],
] as const;

/** The plans one can subscribe to. */
export async function listPlans({ em }: Context<Actor | null>): Promise<Output<typeof operations.listPlans>> {
  const plans = await em.find(Plan, { isActive: true }, { orderBy: { sortOrder: 'asc', code: 'asc' } });
  return {
    results: plans.map(({ code, name, description, price, currency, trialDays, sortOrder, entitlements }) => ({
      ...{ code, name, description, price, currency, interval: 'month' as const },
      ...{ trial_days: trialDays, sort_order: sortOrder, entitlements },
    })),
  };
}

/** Adds basic, pro and premium where they are missing; what exists stays as it is. Returns the codes it added. */
export async function seedPlans({ em, now }: Pick<Context, 'em' | 'now'>): Promise<string[]> {
  const known = new Set((await em.findAll(Plan)).map(plan => plan.code));
  const missing = seeds
    .map(([code, name, price, entitlements], sortOrder) => ({ code, name, price, entitlements, sortOrder }))
    .filter(({ code }) => !known.has(code));
  for (const plan of missing) em.persist(em.create(Plan, { ...plan, id: newId(), createdAt: now }));
  await em.flush();
  return missing.map(({ code }) => code);
}
