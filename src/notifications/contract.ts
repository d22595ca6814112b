import { z } from 'zod';
import { Badge } from '../accounts/contract/shapes.ts';
import {
  anyId,
  anyMoment,
  command,
  cursor,
  event,
  fact,
  nextCursor,
  pageLimit,
  plainText,
  query,
} from '../common/operations.ts';
import { broadcastOperations } from './contract/broadcast.ts';
import { pushOperations } from './contract/push.ts';
import { Notification, NotificationType, Preferences, PreferencesChange, Pushed } from './contract/shapes.ts';
import type { WrittenNote } from './service/notes.ts';

export type { Notification, NotificationType } from './contract/shapes.ts';

export const namespace = '/notifications';

const ids = z.array(anyId).min(1).max(200);
const Changed = z.object({ updated: z.int().describe('Rows that were unread until now.'), badge: Badge });

export const operations = {
  listNotifications: command({
    summary: 'My notifications, latest first; with the first page all of the types asked for count as seen.',
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
    summary: 'Marks notifications as read, and with those of messages their threads; ids of others are not counted.',
    http: 'POST /api/notifications/read/',
    socket: 'notification:read',
    input: z.union([
      z.object({ ids }),
      z.object({ id: anyId }).transform(({ id }) => ({ ids: [id] })),
      z.object({ group_key: plainText.min(1).max(80) }),
    ]),
    output: Changed,
  }),
  readAllNotifications: command({
    summary: 'Marks all as read that were there at a moment; what arrives meanwhile stays unread.',
    http: 'POST /api/notifications/read-all/',
    socket: 'notification:read-all',
    input: z.object({ before: anyMoment.optional().describe('Default: now.') }),
    output: Changed,
  }),
  getPreferences: query({
    summary: 'What I want to be told, and when.',
    http: 'GET /api/notifications/preferences/',
    socket: 'preferences:get',
    input: z.object({}),
    output: Preferences,
  }),
  setPreferences: command({
    summary: 'Changes what I want to be told; what is not given stays. `security_*` cannot be switched off.',
    http: 'PUT /api/notifications/preferences/',
    socket: 'preferences:set',
    limits: [{ name: 'preferences', by: 'user', points: 60, windowSec: 60 }],
    input: PreferencesChange,
    output: Preferences,
  }),
  ...pushOperations,
  ...broadcastOperations,
};

export const events = {
  created: event('notification:created', Pushed, 'A new row.'),
  updated: event('notification:updated', Pushed, 'A row has changed: one more of its group, read, or another text.'),
  removed: event('notification:removed', Pushed, 'A row is gone: what it told of does not exist any more.'),
  badge: event('badge:updated', z.object({ badge: Badge }), 'Only the numbers have changed.'),
};

export const facts = {
  /** Rows were written, changed or removed; told to the devices of their users after the commit. */
  notesWritten: fact<readonly WrittenNote[]>('notifications.notes-written'),
  /** Only the numbers of these users have changed. */
  badgesChanged: fact<readonly string[]>('notifications.badges-changed'),
  /** An announcement waits to be sent, or the rest of it. */
  broadcastWaits: fact<{ id: string }>('notifications.broadcast-waits'),
};
