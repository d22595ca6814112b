import { z } from 'zod';
import { command, plainText } from '../../common/operations.ts';

const endpoint = plainText.min(1).max(1_000).describe('https, at one of the makers of browsers.');
/** Base64url: the point of an uncompressed P-256 key is 65 bytes, the secret 16. */
const keys = z.object({
  p256dh: z
    .string()
    .regex(/^B[\w-]{86}=?$/, { error: 'invalid_key' })
    .meta({ example: 'BIPUL12DLfytvTajnryr2PRdAgXS3HGKiLqndGcJGabyhHheJYlNGCeXl1dn18gSJ1WAkAPIxr4gK0_dQds4yiI' }),
  auth: z
    .string()
    .regex(/^[\w-]{22}={0,2}$/, { error: 'invalid_key' })
    .meta({ example: 'FPssNDTKnInHVndSTdbKFw' }),
});

export const pushOperations = {
  subscribePush: command({
    summary: 'Lets this session be told by web push, as the browser gave it; again for the same endpoint replaces it.',
    http: 'POST /api/notifications/push-subscriptions/',
    status: 201,
    limits: [{ name: 'push-subscriptions', by: 'user', points: 60, windowSec: 3_600 }],
    input: z.object({ endpoint, keys }),
    output: z.object({ id: z.uuid() }),
    errors: ['invalid_state'],
  }),
  unsubscribePush: command({
    summary: 'Ends a web push subscription of mine; of others nothing is told.',
    http: 'DELETE /api/notifications/push-subscriptions/',
    status: 204,
    input: z.object({ endpoint }),
    output: z.object({}),
  }),
};
