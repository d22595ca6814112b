import { z } from 'zod';
import { StaffActionOutput, staffActionInput } from '../../accounts/contract/staff-actions.ts';
import { anyId, command, moment } from '../../common/operations.ts';
import { Message, seq } from './shapes.ts';

const report_id = anyId.describe('An open report about this thread; without one nobody of the staff reads it.');

/** Why a participant has no access any more. */
export const REMOVED_BY_STAFF = 'moderation';

const ReportedThread = z.object({
  id: z.uuid(),
  post_title: z.string(),
  buyer_id: z.uuid(),
  buyer_name: z.string(),
  seller_id: z.uuid(),
  seller_name: z.string(),
  is_locked: z.boolean(),
  last_seq: z.int(),
  created_at: moment,
});

export const staffOperations = {
  actOnReports: command({
    summary: 'Staff: takes reports over, or closes them with what was done.',
    http: 'POST /api/admin/reports/actions/{action}/',
    access: 'staff',
    input: staffActionInput(['assign', 'resolve'], {
      assignee_id: anyId.optional().describe('A moderator; by default the caller.'),
    }),
    output: StaffActionOutput,
  }),
  actOnThreads: command({
    summary: 'Staff: locks, unlocks a reported thread, or takes a participant out of it.',
    http: 'POST /api/admin/threads/actions/{action}/',
    access: 'staff',
    input: staffActionInput(['lock', 'unlock', 'remove_participant'], {
      report_id,
      user_id: anyId.optional().describe('Who is taken out.'),
    }),
    output: StaffActionOutput,
  }),
  listReportedThreads: command({
    summary: 'Staff: the thread of an open report; leaves a row in the audit.',
    http: 'GET /api/admin/threads/',
    access: 'staff',
    input: z.strictObject({ report_id }),
    output: z.object({ results: z.array(ReportedThread), count: z.int(), page: z.int() }),
    errors: ['not_found', 'invalid_state'],
  }),
  getReportedThread: command({
    summary: 'Staff: the thread of an open report with its messages; leaves a row in the audit.',
    http: 'GET /api/admin/threads/{id}/',
    access: 'staff',
    input: z.strictObject({
      id: anyId,
      report_id,
      before_seq: seq.optional(),
      limit: z.int().min(1).max(100).default(50),
    }),
    output: ReportedThread.extend({ messages: z.array(Message), has_more_before: z.boolean() }),
    errors: ['not_found', 'invalid_state'],
  }),
};
