import { randomUUID } from 'node:crypto';
import { enableProfile } from '../../src/b2b/service/profiles.ts';
import { seedPlans } from '../../src/billing/service/plans.ts';
import { setSubscription } from '../../src/billing/service/subscriptions.ts';
import type { Context } from '../../src/common/context.ts';
import type { TestApp, TestUser } from './app.ts';

/** Does what staff would do, in one transaction with its listeners. */
export function asStaff<T>(app: TestApp, work: (ctx: Context<null>) => Promise<T>, now = new Date()): Promise<T> {
  return app.executor.transaction({ now, requestId: 'staff', ip: '', userAgent: null }, work);
}

export interface DealerOptions {
  plan?: string | null;
  companyName?: string;
  isEnabled?: boolean;
}

/** A user whose business is enabled and who has a plan. */
export async function buildDealer(app: TestApp, options: DealerOptions = {}): Promise<TestUser> {
  const { plan = 'premium', companyName = 'Chilonzor Ehtiyot Qismlar', isEnabled = true } = options;
  const user = await app.buildUser();
  await asStaff(app, async ctx => {
    await enableProfile(ctx, { userId: user.id, isEnabled, companyName });
    if (plan === null) return;
    await seedPlans(ctx);
    await setSubscription(ctx, { userId: user.id, planCode: plan, status: 'active', days: 30 });
  });
  return user;
}

/** A post unlike any other: the same twice would be refused. */
export function postInput(more: object = {}): object {
  return {
    title: `Tormoz kolodkasi Cobalt ${randomUUID().slice(0, 8)}`,
    part_number: `90919-${randomUUID().slice(0, 8)}`,
    brand: 'Bosch',
    price: '450000.00',
    currency: 'UZS',
    ...more,
  };
}

/** What a member of staff is answered about one object. */
export async function act(
  app: TestApp,
  staff: TestUser | null,
  path: `${string}/${string}`,
  id: string,
  more: object = {},
): Promise<{ id: string; ok: boolean; code?: string }> {
  const [resource, action] = path.split('/');
  const { body } = await app.post(staff, `/api/admin/${resource}/actions/${action}/`, { ids: [id], ...more });
  return body.results?.[0] ?? body;
}
