import { namedId } from './ids.ts';

/** The same id for the same name: `seed:load` makes the same world again. */
export function loadId(kind: string, n: number): string {
  return namedId(`load/${kind}/${n}`);
}

/** 1…count in slices, so that one statement stays below a few megabytes. */
export function* slices(count: number, size = 5_000): Generator<number[]> {
  for (let first = 1; first <= count; first += size)
    yield Array.from({ length: Math.min(size, count - first + 1) }, (_, index) => first + index);
}
