import { defineEntity, p } from '@mikro-orm/core';
import type { Announcement } from './contract/broadcast.ts';
import type { QuietHours } from './contract/shapes.ts';

const NotificationSchema = defineEntity({
  name: 'Notification',
  tableName: 'notifications',
  indexes: [
    // Unread notes of no group do not collide: their key is null.
    {
      name: 'notifications_unread_groups',
      expression:
        'create unique index notifications_unread_groups on notifications (user_id, group_key) where read_at is null',
    },
    // No index has what every message changes (`updated_at`, `count` …): an update in place costs no index entry (HOT).
    { name: 'notifications_by_user', properties: ['userId', 'id'] },
    {
      name: 'notifications_read',
      expression: 'create index notifications_read on notifications (read_at) where read_at is not null',
    },
  ],
  properties: {
    id: p.uuid().primary(),
    userId: p.uuid(),
    type: p.string().length(40),
    /** Unread notes of one group share a row, `count` says how many they are. */
    groupKey: p.string().length(80).nullable(),
    count: p.integer().default(1),
    title: p.text(),
    body: p.text(),
    actorIds: p.array(),
    data: p.json<Record<string, unknown>>(),
    rev: p.integer().default(1),
    seenAt: p.datetime(3).nullable(),
    readAt: p.datetime(3).nullable(),
    /** The last time that a web push was sent of it. */
    pushedAt: p.datetime(3).nullable(),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
  },
});
/** A stored note to one user. */
export class Notification extends NotificationSchema.class {}
NotificationSchema.setClass(Notification);

const NotificationPreferencesSchema = defineEntity({
  name: 'NotificationPreferences',
  tableName: 'notification_preferences',
  properties: {
    userId: p.uuid().primary(),
    /** Types of which nothing is written, and those that come without sound. */
    disabledTypes: p.array().default([]),
    quietTypes: p.array().default([]),
    quietHours: p.json<QuietHours>().nullable(),
    readReceipts: p.boolean().default(true),
  },
});
/** What a user wants to be told; whoever has no row wants everything. */
export class NotificationPreferences extends NotificationPreferencesSchema.class {}
NotificationPreferencesSchema.setClass(NotificationPreferences);

const PushSubscriptionSchema = defineEntity({
  name: 'PushSubscription',
  tableName: 'push_subscriptions',
  indexes: [{ name: 'push_subscriptions_by_user', properties: ['userId', 'id'] }],
  properties: {
    id: p.uuid().primary(),
    userId: p.uuid(),
    /** It ends with the session: whoever has logged out is told nothing on that device. */
    sessionId: p.uuid().index(),
    endpoint: p.string().length(1000).unique(),
    p256dh: p.string().length(100),
    auth: p.string().length(40),
    createdAt: p.datetime(3),
  },
});
/** A browser that is told by web push while none of its user's devices is connected. */
export class PushSubscription extends PushSubscriptionSchema.class {}
PushSubscriptionSchema.setClass(PushSubscription);

const BroadcastSchema = defineEntity({
  name: 'Broadcast',
  tableName: 'broadcasts',
  indexes: [
    {
      name: 'broadcasts_unfinished',
      expression: 'create index broadcasts_unfinished on broadcasts (id) where finished_at is null',
    },
  ],
  properties: {
    id: p.uuid().primary(),
    actorId: p.uuid(),
    text: p.json<Announcement>(),
    audience: p.string().length(16).$type<'all' | 'businesses'>(),
    /** Users that it was for when it was confirmed, and how many have it. */
    count: p.integer(),
    sent: p.integer().default(0),
    /** The last user who has it: batches go by the ids of users. */
    reachedUserId: p.uuid().nullable(),
    createdAt: p.datetime(3),
    finishedAt: p.datetime(3).nullable(),
  },
});
/** An announcement of staff to many users, written in batches. */
export class Broadcast extends BroadcastSchema.class {}
BroadcastSchema.setClass(Broadcast);

export const notificationsEntities = [Notification, NotificationPreferences, PushSubscription, Broadcast];
