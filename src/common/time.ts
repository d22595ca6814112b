export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

export function daysAfter(moment: Date, days: number): Date {
  return new Date(moment.getTime() + days * DAY_MS);
}

/** What the work gives, or after the limit what `late` gives, which may throw. The work itself goes on. */
export function within<T>(limitMs: number, work: Promise<T>, late: () => T | Promise<T>): Promise<T> {
  // Every call of either door waits here: one promise, where a race with a clean-up makes six.
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(Promise.try(late)), limitMs);
    work.then(resolve, reject).then(() => clearTimeout(timer));
  });
}

export function isTimeZone(name: string): boolean {
  try {
    new Date(0).toTemporalInstant().toZonedDateTimeISO(name);
    return true;
  } catch {
    return false;
  }
}
