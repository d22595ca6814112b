import { AppError } from './errors.ts';

interface Revised {
  rev: number;
}

/** The strong tag of a revision, as a header of the answer. */
export function etagOf({ rev }: Revised): { ETag: string } {
  return { ETag: `"${rev}"` };
}

/**
 * Refuses a change of what the caller has not seen (RFC 9110, 13.1.1). Called on the locked row, so that nothing changes
 * in between; a weak tag never matches. Throws conflict with the present state.
 */
export async function ensureMatch(
  ifMatch: string | undefined,
  { rev }: Revised,
  present: () => unknown,
): Promise<void> {
  if (ifMatch === undefined) return;
  const held = ifMatch.split(',').map(tag => tag.trim());
  if (!held.includes('*') && !held.includes(`"${rev}"`)) throw new AppError('conflict', { current: await present() });
}
