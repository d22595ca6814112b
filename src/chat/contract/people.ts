import { z } from 'zod';
import { anyId, command } from '../../common/operations.ts';
import { clientId, humanText } from './shapes.ts';

const Reason = z.enum(['spam', 'fraud', 'abuse', 'other']);
const comment = humanText(1_000).optional();
const Reported = z.object({ report_id: z.uuid() });
const Blocked = z.object({ user_id: z.uuid(), blocked: z.boolean() });

export const peopleOperations = {
  blockUser: command({
    summary: 'Nobody of the two can write to the other any more; both keep the history.',
    socket: 'user:block',
    input: z.object({ user_id: anyId }),
    output: Blocked,
    errors: ['not_found'],
  }),
  unblockUser: command({
    summary: "Takes back the caller's own block.",
    socket: 'user:unblock',
    input: z.object({ user_id: anyId }),
    output: Blocked,
    errors: ['not_found'],
  }),
  createReport: command({
    summary: 'Reports something to the moderators, who get a copy of it as it is now; at most 20 times in 24 hours.',
    socket: 'report:create',
    input: z.object({
      client_id: clientId,
      target: z.object({ type: z.enum(['message', 'thread', 'user', 'post']), id: anyId }),
      reason: Reason,
      comment,
    }),
    output: Reported,
    errors: ['not_found', 'own_post', 'invalid_state', 'already_reported', 'idempotency_conflict', 'b2b_not_enabled'],
  }),
  reportPost: command({
    summary: 'Reports a post to the moderators; all reports together at most 20 times in 24 hours.',
    http: 'POST /api/b2b/posts/{post_id}/report/',
    input: z.object({
      post_id: anyId,
      reason: Reason,
      comment,
      client_id: clientId.optional(),
    }),
    generated: ['client_id'],
    output: Reported,
    status: 201,
    errors: ['not_found', 'own_post', 'already_reported', 'idempotency_conflict', 'b2b_not_enabled'],
  }),
};
