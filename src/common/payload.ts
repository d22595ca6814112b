const MAX_DEPTH = 20;
const MAX_KEYS = 1_000;

/**
 * True for JSON that nests deeper than 20 or has more than 1,000 keys and items: refused before anything recursive
 * sees it. Walks with a list of its own, since a deep value would overflow the stack. Objects in a list are alike, and its
 * schema says how many there may be: each of them may have so many keys, which count for it alone.
 */
export function isTooComplex(value: unknown): boolean {
  let level: unknown[] = [value];
  let keys = 0;
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX_DEPTH) return true;
    const next: unknown[] = [];
    for (const item of level) {
      if (typeof item !== 'object' || item === null) continue;
      const children = Object.values(item);
      keys += children.length;
      if (keys > MAX_KEYS || children.length > MAX_KEYS) return true;
      for (const child of children) {
        if (typeof child !== 'object' || child === null) continue;
        next.push(child);
        // They are added when its turn comes.
        if (Array.isArray(item) && !Array.isArray(child)) keys -= Object.keys(child).length;
      }
    }
    level = next;
  }
  return false;
}

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
