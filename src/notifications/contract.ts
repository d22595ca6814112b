import { z } from 'zod';
import { Badge, PublicUser } from '../accounts/contract/shapes.ts';
import { command, cursor, event, fact, moment, nextCursor, pageLimit, plainText } from '../common/operations.ts';
import type { WrittenNote } from './service/message-notes.ts';

export const namespace = '/notifications';

export const NotificationType = z.enum([
  'chat_message',
  'b2b_enabled',
  'b2b_suspended',
  'subscription_activated',
  'security_login',
  'security_changed',
]);
export type NotificationType = z.output<typeof NotificationType>;

export const Notification = z
  .object({
    id: z.uuid(),
    type: NotificationType,
    group_key: z.string().nullable().describe('Unread notes of one group share a row; `thread:<id>` for messages.'),
    count: z.int().describe('How many the row stands for.'),
    title: z.string(),
    body: z.string(),
    actors: z.array(PublicUser).max(3).describe('Who caused it, the latest first.'),
    data: z
      .object({ thread_id: z.uuid(), post_id: z.uuid(), plan: z.string(), what: z.enum(['password', 'phone']) })
      .partial(),
    read_at: moment.nullable(),
    created_at: moment,
    updated_at: moment,
    rev: z.int().describe('Rises with every change of the row.'),
  })
  .meta({ id: 'Notification' });
export type Notification = z.output<typeof Notification>;

const ids = z.array(z.uuid()).min(1).max(200);
const Changed = z.object({ updated: z.int().describe('Rows that were unread until now.'), badge: Badge });

export const operations = {
  listNotifications: command({
    summary: 'My notifications, latest first; the first page counts as seen.',
    http: 'GET /api/notifications/',
    socket: 'notification:list',
    paged: true,
    input: z.object({
      unread_only: z.boolean().default(false),
      types: z.array(NotificationType).max(30).optional(),
      limit: pageLimit(100),
      cursor,
    }),
    output: z.object({ results: z.array(Notification), next_cursor: nextCursor, badge: Badge }),
    errors: ['invalid_cursor'],
  }),
  readNotifications: command({
    summary: 'Marks notifications as read; ids of others are not counted.',
    http: 'POST /api/notifications/read/',
    socket: 'notification:read',
    input: z.union([
      z.object({ ids }),
      z.object({ id: z.uuid() }).transform(({ id }) => ({ ids: [id] })),
      z.object({ group_key: plainText.min(1).max(80) }),
    ]),
    output: Changed,
  }),
  readAllNotifications: command({
    summary: 'Marks all as read that were there at a moment; what arrives meanwhile stays unread.',
    http: 'POST /api/notifications/read-all/',
    socket: 'notification:read-all',
    input: z.object({ before: z.iso.datetime({ offset: true }).optional().describe('Default: now.') }),
    output: Changed,
  }),
};

const Pushed = z.object({
  notification: Notification,
  badge: Badge.describe('Absolute: replaces what the client shows.'),
  alert: z.boolean().describe('false: show it without sound (muted, or looked at on a device).'),
});

export const events = {
  created: event('notification:created', Pushed, 'A new row.'),
  updated: event('notification:updated', Pushed, 'A row has changed: one more of its group, or read.'),
  badge: event('badge:updated', z.object({ badge: Badge }), 'Only the numbers have changed.'),
};

export const facts = {
  /** Notes of messages were written together with them; heard after the commit. */
  notesWritten: fact<WrittenNote[]>('notifications.notes-written'),
};
