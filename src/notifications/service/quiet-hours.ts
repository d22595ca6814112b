import type { QuietHours } from '../contract/shapes.ts';

/** Whether a moment falls into quiet hours where the user lives, over midnight and changes of the clock. */
export function isQuiet({ tz, days, from, to }: QuietHours, at: Date): boolean {
  const local = at.toTemporalInstant().toZonedDateTimeISO(tz);
  const time = local.toPlainTime().toString({ smallestUnit: 'minute' });
  const today = days.includes(local.dayOfWeek);
  if (from < to) return today && time >= from && time < to;
  const yesterday = days.includes(local.subtract({ days: 1 }).dayOfWeek);
  return (today && time >= from) || (yesterday && time < to);
}
