export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

export function daysAfter(moment: Date, days: number): Date {
  return new Date(moment.getTime() + days * DAY_MS);
}

/** What the work gives, or after the limit what `late` gives, which may throw. The work itself goes on. */
export async function within<T>(limitMs: number, work: Promise<T>, late: () => T | Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<T>(resolve => {
    timer = setTimeout(() => resolve(Promise.try(late)), limitMs);
  });
  return Promise.race([work, limit]).finally(() => clearTimeout(timer));
}
