import { sql } from 'kysely';
import { ensureStaff } from '../../accounts/service/staff-actions.ts';
import type { Context } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import type { Output } from '../../common/operations.ts';
import type { operations } from '../contract.ts';
import { firstIdOf } from '../registry.ts';
import { staffRoles } from './home.ts';

type Day = Output<typeof operations.adminCharts>['results'][number];

const DAYS = 30;

/**
 * Registrations, posts, messages and codes of the last 30 days. They are counted over ranges of their UUIDv7 ids, which needs
 * no index of its own. Throws permission_denied.
 */
export async function adminCharts(ctx: Context): Promise<Output<typeof operations.adminCharts>> {
  ensureStaff(ctx.actor, staffRoles);
  const days = lastDays(ctx.now, ctx.config.BILLING_TZ);
  const within = (column: string) => sql`${sql.ref(column)} >= d.first and ${sql.ref(column)} < d.behind`;
  const results = await rows<Day>(
    ctx.em,
    sql`select d.day,
          (select count(*)::int from users t where ${within('t.id')}) as registrations,
          (select count(*)::int from posts t where ${within('t.id')}) as posts,
          (select count(*)::int from messages t where ${within('t.id')}) as messages,
          o.otp_sent, o.otp_used, o.otp_cost
        from unnest(${days.map(({ day }) => day)}::text[], ${days.map(({ first }) => first)}::uuid[],
          ${days.map(({ behind }) => behind)}::uuid[]) as d (day, first, behind),
          lateral (select count(*)::int as otp_sent, count(used_at)::int as otp_used,
            coalesce(sum(cost), 0)::float8 as otp_cost from phone_otps t where not t.is_test and ${within('t.id')}) o
        order by d.day`,
  );
  return { results };
}

/** Each day as a range of ids, in the time zone where it is lived. */
function lastDays(now: Date, timeZone: string): { day: string; first: string; behind: string }[] {
  const today = now.toTemporalInstant().toZonedDateTimeISO(timeZone).toPlainDate();
  return Array.from({ length: DAYS }, (_, ago) => {
    const day = today.subtract({ days: ago });
    const idAt = (date: Temporal.PlainDate) => firstIdOf(new Date(date.toZonedDateTime(timeZone).epochMilliseconds));
    return { day: day.toString(), first: idAt(day), behind: idAt(day.add({ days: 1 })) };
  });
}
