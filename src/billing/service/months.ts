/** A billing month: `YYYY-MM` where it is lived, and the moment it ends. */
export interface Month {
  period: string;
  endsAt: Date;
}

/** The month that `now` falls into in a time zone: in Tashkent November 2025 ends at 2025-11-30T19:00:00.000Z. */
export function monthOf(now: Date, timeZone: string): Month {
  const local = now.toTemporalInstant().toZonedDateTimeISO(timeZone);
  const next = local.with({ day: 1 }).add({ months: 1 }).startOfDay();
  return { period: local.toPlainDate().toPlainYearMonth().toString(), endsAt: new Date(next.epochMilliseconds) };
}
