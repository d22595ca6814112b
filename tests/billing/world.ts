import { randomUUID } from 'node:crypto';
import { beforeAll, expect } from 'vitest';
import { facts } from '../../src/billing/contract.ts';
import { Plan, type SubscriptionStatus } from '../../src/billing/entities.ts';
import { seedPlans } from '../../src/billing/service/plans.ts';
import { setSubscription } from '../../src/billing/service/subscriptions.ts';
import { newId } from '../../src/common/ids.ts';
import { DAY } from '../support/accounts.ts';
import { type Reply, type TestApp, type TestUser, useApp } from '../support/app.ts';
import { asStaff } from '../support/worlds.ts';

/** When the stories of these tests begin; noon of a day in Tashkent. */
export const BEGIN = new Date('2025-11-10T07:00:00.000Z');
export const dayOf = (days: number): Date => new Date(BEGIN.getTime() + days * DAY);
export const iso = (days: number): string => dayOf(days).toISOString();
export const at = (moment: Date): Record<string, string> => ({ 'x-test-now': moment.toISOString() });

interface Told {
  userId: string;
  planCode: string;
  until: string;
}
interface Terms {
  params?: object;
  reason?: string;
}
interface Subscriber {
  plan?: string;
  status?: SubscriptionStatus;
  days?: number;
}

export interface Billing {
  app: TestApp;
  /** All facts of one user, in order: what was told, of which plan, until when. */
  heard(who: TestUser): [name: string, plan: string, until: string][];
  // biome-ignore lint/suspicious/noExplicitAny: tests look into any answer
  me(who: TestUser, moment?: Date): Promise<any>;
  request(who: TestUser, plan: string, moment?: Date, more?: object): Promise<Reply>;
  cancel(who: TestUser, body?: object, moment?: Date): Promise<Reply>;
  /** What staff do to the newest subscription of a user. */
  act(staff: TestUser, action: string, whose: TestUser, terms?: Terms, moment?: Date): Promise<Reply>;
  /** What staff do to a plan. */
  actOnPlan(staff: TestUser, action: string, id: string, params?: object): Promise<Reply>;
  /** A user with a subscription that began at BEGIN. */
  subscriber(wish?: Subscriber): Promise<TestUser>;
  /** A plan of the test's own. */
  buildPlan(more?: Partial<Plan>): Promise<{ id: string; code: string }>;
  newestId(whose: TestUser): Promise<string>;
  /** States of all a user's subscriptions, the oldest first. */
  states(whose: TestUser): Promise<string[]>;
  // biome-ignore lint/suspicious/noExplicitAny: rows of any form
  auditOf(objectId: string): Promise<any[]>;
}

export function useBilling(env: Record<string, string> = {}): Billing {
  const app = useApp(env);
  const told: { name: string; payload: Told }[] = [];
  beforeAll(async () => {
    await asStaff(app, seedPlans);
    for (const [name, fact] of Object.entries(facts))
      app.listeners.afterCommit(fact, payload => void told.push({ name, payload: payload as Told }));
  });
  const post = (who: TestUser, path: string, body: object, moment: Date, headers = {}) =>
    app.post(app.tokenOf(who, moment), path, body, { ...at(moment), ...headers });
  // biome-ignore lint/suspicious/noExplicitAny: rows of any table
  const sql = (query: string, value: string): Promise<any[]> => app.orm.em.fork().execute(query, [value]);

  const billing: Billing = {
    app,
    heard: who =>
      told
        .filter(({ payload }) => payload.userId === who.id)
        .map(({ name, payload }) => [name, payload.planCode, payload.until]),
    me: async (who, moment = BEGIN) => (await app.get(app.tokenOf(who, moment), '/api/billing/me/', at(moment))).body,
    request: (who, plan, moment = BEGIN, more = {}) =>
      post(who, '/api/billing/subscriptions/', { plan, ...more }, moment, { 'idempotency-key': randomUUID() }),
    cancel: (who, body = {}, moment = BEGIN) => post(who, '/api/billing/cancel/', body, moment),
    async act(staff, action, whose, terms = {}, moment = BEGIN) {
      const ids = [await billing.newestId(whose)];
      return post(staff, `/api/admin/subscriptions/actions/${action}/`, { ids, ...terms }, moment);
    },
    actOnPlan: (staff, action, id, params = {}) =>
      app.post(staff, `/api/admin/plans/actions/${action}/`, { ids: [id], params }),
    async subscriber({ plan = 'basic', status = 'active', days = 30 } = {}) {
      const user = await app.buildUser();
      await asStaff(app, ctx => setSubscription(ctx, { userId: user.id, planCode: plan, status, days }), BEGIN);
      return user;
    },
    async buildPlan(more = {}) {
      const em = app.orm.em.fork();
      const code = `plan-${randomUUID().slice(0, 8)}`;
      const entitlements = {
        posts_per_month: 7,
        max_images_per_post: 1,
        saved_searches: 1,
        contact_reveals_per_day: 1,
      };
      const plan = em.create(Plan, {
        ...{ id: newId(), code, name: 'Own', entitlements, sortOrder: 99, createdAt: BEGIN },
        ...more,
      });
      await em.flush();
      return { id: plan.id, code };
    },
    newestId: async whose =>
      (await sql('select id from subscriptions where user_id = ? order by id desc limit 1', whose.id))[0].id,
    states: async whose =>
      (await sql('select status from subscriptions where user_id = ? order by id', whose.id)).map(row => row.status),
    auditOf: objectId => sql('select * from audit_log where object_id = ? order by id', objectId),
  };
  return billing;
}

/** What is answered of an action on one record. */
export async function ok(reply: Promise<Reply>): Promise<void> {
  expect((await reply).body.results).toMatchObject([{ ok: true }]);
}

export async function refused(reply: Promise<Reply>, code: string): Promise<void> {
  expect((await reply).body.results).toMatchObject([{ ok: false, code }]);
}
