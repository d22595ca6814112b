import { z } from 'zod';
import { Badge, PublicUser } from '../../accounts/contract/shapes.ts';
import { moment } from '../../common/operations.ts';

export const notificationTypes = [
  'chat_message',
  'post_approved',
  'post_rejected',
  'post_hidden',
  'post_expiring',
  'post_expired',
  'b2b_enabled',
  'b2b_rejected',
  'b2b_suspended',
  'subscription_activated',
  'subscription_expiring',
  'subscription_expired',
  'subscription_canceled',
  'search_match',
  'contact_revealed',
  'security_login',
  'security_changed',
  'announcement',
] as const;
export const NotificationType = z.enum(notificationTypes).meta({ id: 'NotificationType' });
export type NotificationType = z.output<typeof NotificationType>;

/** Whoever took over an account must not be able to keep its owner from hearing of it. */
export const isSecurity = (type: NotificationType): boolean => type.startsWith('security_');

export const Notification = z
  .object({
    id: z.uuid(),
    type: NotificationType,
    group_key: z
      .string()
      .nullable()
      .describe('Unread notes of one group share a row: `thread:<id>`, `search:<id>`, `contact:<post id>`.'),
    count: z.int().describe('How many the row stands for.'),
    title: z.string(),
    body: z.string(),
    actors: z.array(PublicUser).max(3).describe('Who caused it, the latest first.'),
    data: z
      .object({
        thread_id: z.uuid(),
        message_id: z.uuid().describe('The message that `body` shows.'),
        post_id: z.uuid(),
        search_id: z.uuid(),
        plan: z.string(),
        until: moment,
        reason: z.string(),
        what: z.enum(['password', 'phone']),
      })
      .partial(),
    read_at: moment.nullable(),
    created_at: moment,
    updated_at: moment,
    rev: z.int().describe('Rises with every change of the row.'),
  })
  .meta({ id: 'Notification' });
export type Notification = z.output<typeof Notification>;

/** What every push about a row says. */
export const Pushed = z.object({
  notification: Notification,
  badge: Badge.describe('Absolute: replaces what the client shows.'),
  alert: z
    .boolean()
    .describe(
      'false: show it without sound (read already, muted, looked at on a device, quiet hours, or switched off for its type).',
    ),
});

const time = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, { error: 'invalid_time' });

export const QuietHours = z
  .object({
    tz: z.string().max(64).refine(isTimeZone, { error: 'unknown_time_zone' }).describe('IANA name: `Asia/Tashkent`.'),
    days: z
      .array(z.int().min(1).max(7))
      .min(1)
      .max(7)
      .refine(days => new Set(days).size === days.length, { error: 'duplicate' })
      .describe('1 is Monday. The day on which they begin: Friday 22:00–08:00 ends on Saturday.'),
    from: time.meta({ example: '22:00' }),
    to: time.meta({ example: '08:00' }).describe('Not above `from`: on the next day.'),
  })
  .meta({ id: 'QuietHours' });
export type QuietHours = z.output<typeof QuietHours>;

function isTimeZone(name: string): boolean {
  try {
    new Date(0).toTemporalInstant().toZonedDateTimeISO(name);
    return true;
  } catch {
    return false;
  }
}

export const TypePreference = z
  .object({
    enabled: z.boolean().describe('false: no notification of this type is written.'),
    alert: z.boolean().describe('false: it comes without sound and web push.'),
  })
  .meta({ id: 'TypePreference' });
export type TypePreference = z.output<typeof TypePreference>;

function ofEveryType<Value extends z.ZodType>(value: Value) {
  return z.object(Object.fromEntries(notificationTypes.map(type => [type, value])) as Record<NotificationType, Value>);
}

export const Preferences = z
  .object({
    types: ofEveryType(TypePreference),
    quiet_hours: QuietHours.nullable(),
    read_receipts: z.boolean().describe('false: nobody sees what I have read, and I do not see what others have.'),
  })
  .meta({ id: 'NotificationPreferences' });
export type Preferences = z.output<typeof Preferences>;

export const PreferencesChange = z.object({
  types: ofEveryType(TypePreference).partial().optional(),
  quiet_hours: QuietHours.nullable().optional(),
  read_receipts: z.boolean().optional(),
});
