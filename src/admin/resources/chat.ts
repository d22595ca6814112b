import { sql } from 'kysely';
import { operations } from '../../chat/contract.ts';
import { actionsOf, flag, is, madeWithin, nameOf, oneOf, type Resource } from '../registry.ts';

const moderator = ['moderator'] as const;
const statuses = ['open', 'assigned', 'resolved'];
const targets = ['message', 'thread', 'user', 'post'];
const sides = ['buyer', 'seller'];
const reasons = ['spam', 'fraud', 'abuse', 'other'];

const reports: Resource = {
  name: 'reports',
  table: 'reports',
  title: 'reason',
  view: ['moderator', 'auditor'],
  columns: {
    status: { type: 'choice', choices: statuses },
    reason: { type: 'choice', choices: reasons },
    target_type: { type: 'choice', choices: targets },
    target_id: { type: 'id', detail: true },
    comment: { type: 'text' },
    subject_id: { type: 'id', refers: 'b2b-profiles' },
    subject_name: nameOf('subject_id'),
    reporter_id: { type: 'id', refers: 'b2b-profiles', detail: true },
    reporter_name: nameOf('reporter_id'),
    thread_id: { type: 'id', detail: true },
    copy: { type: 'json', for: moderator, detail: true },
    assignee_id: { type: 'id', detail: true },
    assignee_name: nameOf('assignee_id'),
    resolution: { type: 'text', detail: true },
    resolved_at: { type: 'moment', detail: true },
    created_at: { type: 'moment', order: 'id' },
  },
  filters: {
    status: oneOf('status', statuses),
    waits: flag(sql`t.status in ('open', 'assigned')`, sql`t.status = 'resolved'`),
    subject_id: is('id', 'subject_id'),
    assignee_id: is('id', 'assignee_id'),
    ...madeWithin(),
  },
  actions: actionsOf(operations.actOnReports, {
    assign: { for: moderator, params: ['assignee_id'] },
    resolve: { for: moderator, needsReason: true },
  }),
  queue: { name: 'reports', filter: { waits: 'true' }, where: sql`t.status in ('open', 'assigned')` },
};

const threads: Resource = {
  name: 'threads',
  table: 'threads',
  title: 'id',
  view: moderator,
  columns: {
    post_title: { type: 'text' },
    buyer_id: { type: 'id', refers: 'b2b-profiles' },
    buyer_name: { type: 'text' },
    seller_id: { type: 'id', refers: 'b2b-profiles' },
    seller_name: { type: 'text' },
    is_locked: { type: 'boolean' },
    last_seq: { type: 'number' },
    messages: { type: 'json', detail: true },
    created_at: { type: 'moment' },
  },
  served: {
    list: operations.listReportedThreads,
    record: operations.getReportedThread,
    needs: ['report_id'],
  },
  actions: actionsOf(operations.actOnThreads, {
    lock: { for: moderator, params: ['report_id'], needsReason: true },
    unlock: { for: moderator, params: ['report_id'] },
    remove_participant: {
      ...{ for: moderator, params: ['report_id', 'user_id'], needsReason: true },
      among: { user_id: sides.map(side => ({ value: `${side}_id`, title: `${side}_name` })) },
    },
  }),
};

export const chatResources = [reports, threads];
