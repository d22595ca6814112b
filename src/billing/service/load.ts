import { sql } from 'kysely';
import type { Context } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { AppError } from '../../common/errors.ts';
import { newId } from '../../common/ids.ts';
import { daysAfter } from '../../common/time.ts';
import { Plan } from '../entities.ts';

/** Gives users of a load test a plan for a year; who has one that has not ended keeps it. Throws not_found. */
export async function seedLoadSubscriptions(
  { em, now }: Pick<Context, 'em' | 'now'>,
  userIds: readonly string[],
  planCode: string,
): Promise<void> {
  const plan = await em.findOne(Plan, { code: planCode });
  if (!plan) throw new AppError('not_found', { plan: planCode });
  const until = daysAfter(now, 365);
  await rows(
    em,
    sql`insert into subscriptions (id, user_id, plan_id, status, current_period_start, current_period_end, created_at, updated_at)
        select id, user_id, ${plan.id}::uuid, 'active', ${now}, ${until}, ${now}, ${now}
        from unnest(${userIds.map(newId)}::uuid[], ${userIds}::uuid[]) as given (id, user_id)
        on conflict (user_id) where status in ('pending', 'trialing', 'active', 'past_due') do nothing`,
  );
}
