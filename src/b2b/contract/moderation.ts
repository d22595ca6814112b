import { z } from 'zod';
import { StaffActionOutput, staffActionInput } from '../../accounts/contract/staff-actions.ts';
import { anyId, command, plainText } from '../../common/operations.ts';

const reason = plainText.trim().min(1).max(1_000).optional().describe('Kept in the audit.');

export const BannedWord = z.object({ id: z.uuid(), word: z.string() }).meta({ id: 'BannedWord' });
export type BannedWord = z.output<typeof BannedWord>;

export const moderationOperations = {
  actOnProfiles: command({
    summary: 'Staff: enables, rejects, suspends or verifies business profiles, by the ids of their users.',
    http: 'POST /api/admin/b2b-profiles/actions/{action}/',
    access: 'staff',
    input: staffActionInput(['enable', 'reject', 'suspend', 'verify'], {}),
    output: StaffActionOutput,
    errors: ['permission_denied', 'not_found'],
  }),
  actOnPosts: command({
    summary: 'Staff: approves, rejects, hides or restores posts; each one is answered by itself.',
    http: 'POST /api/admin/posts/actions/{action}/',
    access: 'staff',
    input: staffActionInput(['approve', 'reject', 'hide', 'restore'], {}),
    output: StaffActionOutput,
    errors: ['permission_denied', 'not_found'],
  }),
  addBannedWord: command({
    summary: 'Staff: bans a word or phrase in all its spellings.',
    http: 'POST /api/admin/banned-words/',
    access: 'staff',
    status: 201,
    input: z.strictObject({
      word: plainText.trim().min(2).max(60).describe('`*` at its end stands for any ending.'),
      reason,
    }),
    output: BannedWord,
    errors: ['permission_denied'],
  }),
  removeBannedWord: command({
    summary: 'Staff: allows a word again.',
    http: 'DELETE /api/admin/banned-words/{id}/',
    access: 'staff',
    status: 204,
    query: ['reason'],
    input: z.strictObject({ id: anyId, reason }),
    output: z.object({}),
    errors: ['permission_denied', 'not_found'],
  }),
};
