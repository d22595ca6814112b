import { z } from 'zod';
import { RoleName } from '../accounts/contract/shapes.ts';
import { event, moment, query } from '../common/operations.ts';
import { resourceOperations } from './contract/resources.ts';
import { resources } from './resources.ts';

/** `queues:updated` goes to staff with a socket of this namespace. */
export const namespace = '/notifications';

const Labelled = z.object({ name: z.string(), label: z.string() });
const Choice = z.object({ id: z.string(), label: z.string() });
const Type = z.enum(['id', 'text', 'long', 'phone', 'number', 'money', 'boolean', 'moment', 'choice', 'list', 'json']);
const Typed = Labelled.extend({
  type: Type,
  choices: z.array(Choice).optional(),
  refers: z.string().optional().describe('The resource that the id leads to.'),
});
const Column = Typed.extend({
  sortable: z.boolean(),
  detail: z.boolean().describe('Shown on the page of the record alone.'),
});
const Field = Typed.extend({
  within: z.string().optional().describe('The object that it is a part of.'),
  part: z.string().optional().describe('Its name there.'),
  required: z.boolean(),
  once_only: z.boolean(),
  preset: z.unknown().optional(),
});
const Action = Labelled.extend({
  path: z.string(),
  needs_reason: z.boolean(),
  params: z.array(
    Typed.extend({
      required: z.boolean(),
      lookup: z.object({ resource: z.string(), value: z.string(), title: z.string() }).optional(),
      among: z
        .array(z.object({ value: z.string(), title: z.string() }))
        .optional()
        .describe('It is one of these columns of the record; `title` names it.'),
    }),
  ),
});
export const Queues = z.object({
  b2b_profiles: z.int(),
  subscriptions: z.int(),
  posts: z.int(),
  reports: z.int(),
});
export const AdminResource = Labelled.extend({
  key: z.string(),
  title: z.string().describe('The column that names a record.'),
  ordering: z.string(),
  columns: z.array(Column),
  filters: z.array(Typed),
  searchable: z.boolean(),
  fields: z.array(Field),
  actions: z.array(Action),
  preview: z
    .string()
    .nullable()
    .describe(
      'Where a record is made: a first call counts whom it is for, one with that number in `confirm` makes it.',
    ),
  needs: z.array(z.string()).describe('Query parameters without which nothing is listed.'),
  queue: z.object({ name: z.string(), filter: z.record(z.string(), z.string()) }).nullable(),
  permissions: z.object({ create: z.boolean(), edit: z.boolean(), remove: z.boolean(), export: z.boolean() }),
}).meta({ id: 'AdminResource' });

export const operations = {
  adminHome: query({
    summary: 'Staff: what I may see and do, the set-up checklist, and what waits for somebody.',
    http: 'GET /api/admin/',
    access: 'staff',
    input: z.strictObject({}),
    output: z.object({
      role: RoleName,
      resources: z.array(AdminResource),
      checklist: z.array(
        z.object({ step: z.enum(['plans', 'b2b_profile', 'subscription']), done: z.boolean(), label: z.string() }),
      ),
      queues: Queues,
    }),
  }),
  adminCharts: query({
    summary: 'Staff: the last 30 days, in the time zone of billing.',
    http: 'GET /api/admin/charts/',
    access: 'staff',
    input: z.strictObject({}),
    output: z.object({
      results: z.array(
        z.object({
          day: z.iso.date(),
          registrations: z.int(),
          posts: z.int(),
          messages: z.int(),
          otp_sent: z.int(),
          otp_used: z.int(),
          otp_cost: z.number(),
        }),
      ),
    }),
  }),
  ...resourceOperations(resources),
};

export const events = {
  queuesUpdated: event(
    'queues:updated',
    z.object({ queues: Queues, at: moment }),
    'To staff: how much waits for somebody has changed.',
  ),
};
