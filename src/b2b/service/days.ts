/** The day that `now` falls into in a time zone, as `YYYY-MM-DD`, and the moment it ends. */
export function dayOf(now: Date, timeZone: string): { day: string; endsAt: Date } {
  const local = now.toTemporalInstant().toZonedDateTimeISO(timeZone);
  const next = local.add({ days: 1 }).startOfDay();
  return { day: local.toPlainDate().toString(), endsAt: new Date(next.epochMilliseconds) };
}
