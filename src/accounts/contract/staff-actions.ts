import { z } from 'zod';
import { anyId, plainText } from '../../common/operations.ts';

/** `POST /api/admin/{resource}/actions/{action}/`: one thing done to up to 200 objects, each answered by itself. */
export function staffActionInput<
  const Actions extends readonly [string, ...string[]],
  Params extends z.core.$ZodLooseShape,
>(actions: Actions, params: Params) {
  return z.strictObject({
    action: z.enum(actions),
    ids: z.array(anyId).min(1).max(200),
    params: z.strictObject(params).prefault({} as never),
    reason: plainText.trim().min(1).max(1_000).optional().describe('Kept in the audit.'),
  });
}

export const StaffActionOutput = z.object({
  results: z.array(z.object({ id: z.uuid(), ok: z.boolean(), code: z.string().optional() })),
});
export type StaffActionOutput = z.output<typeof StaffActionOutput>;
