import { createHash } from 'node:crypto';

/** The same id for the same name, in the form of a UUIDv7: `seed:load` makes the same world again. */
export function loadId(kind: string, n: number): string {
  const hex = createHash('sha256').update(`parthub/load/${kind}/${n}`).digest('hex');
  const variant = '89ab'[Number.parseInt(hex[16]!, 16) % 4];
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** 1…count in slices, so that one statement stays below a few megabytes. */
export function* slices(count: number, size = 5_000): Generator<number[]> {
  for (let first = 1; first <= count; first += size)
    yield Array.from({ length: Math.min(size, count - first + 1) }, (_, index) => first + index);
}
