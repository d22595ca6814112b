import { z } from 'zod';
import { anyId, command, plainText } from '../../common/operations.ts';

function everyLanguage(most: number) {
  const text = plainText.trim().min(1).max(most);
  return z.strictObject({
    uz: text,
    ru: text,
    en: text,
    'uz-Cyrl': text.optional().describe('Default: made of `uz`.'),
  });
}

export const Announcement = z.strictObject({ title: everyLanguage(120), body: everyLanguage(1_000) });
export type Announcement = z.output<typeof Announcement>;

export const broadcastOperations = {
  broadcast: command({
    summary:
      'Staff: announces something to many users. Without `confirm` it only counts them; with the number that was counted it is sent, once for an `id`.',
    http: 'POST /api/admin/notifications/actions/broadcast/',
    access: 'staff',
    input: z.strictObject({
      params: Announcement.extend({
        id: anyId.describe('Chosen by the caller; a repeat is answered, not sent again.'),
        audience: z.enum(['all', 'businesses']).default('all').describe('Everybody, or enabled business profiles.'),
        confirm: z.int().min(0).optional().describe('`count` of the preview.'),
      }),
      reason: plainText.trim().min(1).max(1_000).optional().describe('Kept in the audit.'),
    }),
    output: z.object({
      id: z.uuid(),
      state: z.enum(['preview', 'sending', 'sent']),
      count: z.int().describe('Users it is for.'),
      sent: z.int().describe('Users who have it already.'),
    }),
    errors: ['permission_denied', 'conflict', 'idempotency_conflict'],
  }),
};
