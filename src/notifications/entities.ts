import { defineEntity, p } from '@mikro-orm/core';

const NotificationSchema = defineEntity({
  name: 'Notification',
  tableName: 'notifications',
  indexes: [
    {
      name: 'notifications_one_unread_per_group',
      expression:
        'create unique index notifications_one_unread_per_group on notifications (user_id, group_key) where read_at is null and group_key is not null',
    },
    { name: 'notifications_by_user', properties: ['userId', 'updatedAt', 'id'] },
    {
      name: 'notifications_unread',
      expression: 'create index notifications_unread on notifications (user_id) where read_at is null',
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
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
  },
});
/** A stored note to one user. */
export class Notification extends NotificationSchema.class {}
NotificationSchema.setClass(Notification);

export const notificationsEntities = [Notification];
