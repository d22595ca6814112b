/** A billing month: `YYYY-MM` where it is lived, and the moment it ends. */
export interface Month {
  period: string;
  endsAt: Date;
}

/** The month that `now` falls into in a time zone: in Tashkent November 2025 ends at 2025-11-30T19:00:00.000Z. */
export function monthOf(now: Date, timeZone: string): Month {
  const local = localTime(now, timeZone);
  const next = local.with({ day: 1 }).add({ months: 1 }).startOfDay();
  return { period: local.toPlainDate().toPlainYearMonth().toString(), endsAt: new Date(next.epochMilliseconds) };
}

/** The same day and hour of the next month; its last day where it has no such day. */
export function monthAfter(moment: Date, timeZone: string): Date {
  return new Date(localTime(moment, timeZone).add({ months: 1 }).epochMilliseconds);
}

function localTime(moment: Date, timeZone: string): Temporal.ZonedDateTime {
  return moment.toTemporalInstant().toZonedDateTimeISO(timeZone);
}
