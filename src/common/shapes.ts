import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';

/** In tests every answer and push must be exactly what its contract says: no field more, none less. */
export function ensureShape(schema: z.ZodType, value: unknown, where: string): void {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new Error(`${where} breaks its contract: ${parsed.error.message}`);
  if (!isDeepStrictEqual(onTheWire(parsed.data), onTheWire(value)))
    throw new Error(`${where} says more than its contract: ${JSON.stringify(value)}`);
}

const onTheWire = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
