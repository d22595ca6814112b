import { z } from 'zod';
import { moment, plainText } from '../../common/operations.ts';

export const Locale = z.enum(['uz', 'uz-Cyrl', 'ru', 'en']);
export const RoleName = z.enum(['user', 'superuser', 'moderator', 'billing', 'support', 'auditor']);

/** What others see of a user: never a phone number. */
export const PublicUser = z
  .object({
    id: z.uuid(),
    display_name: z.string().describe('The full name, else the company, else `User ` and the last 4 of the id.'),
    company_name: z.string().nullable(),
    avatar_url: z.string().nullable(),
    is_verified: z.boolean().describe("An operator checked the company's tax number."),
  })
  .meta({ id: 'PublicUser' });
export type PublicUser = z.output<typeof PublicUser>;

export const Unread = z.object({ threads: z.int(), messages: z.int() });
export const Badge = z.object({ unread: z.int(), unseen: z.int() });
export const ProfileState = z.object({
  is_enabled: z.boolean(),
  status: z.enum(['none', 'pending', 'enabled', 'rejected', 'suspended']),
  company_name: z.string().nullable(),
});

/** What users see of themselves. */
export const User = z
  .object({
    id: z.uuid(),
    phone: z.string().meta({ example: '+998901234567' }),
    full_name: z.string().nullable(),
    display_name: z.string(),
    locale: Locale,
    role: RoleName,
    is_staff: z.boolean(),
    has_password: z.boolean(),
    avatar_url: z.string().nullable(),
    created_at: moment,
    b2b: ProfileState.nullable().describe('The business profile; null before there is one.'),
    unread: Unread.describe('Of chats.'),
    badge: Badge.describe('Of notifications.'),
  })
  .meta({ id: 'User' });
export type User = z.output<typeof User>;

export const TokenPair = z.object({
  access: z.string().describe('For `Authorization: Bearer` and the handshake of sockets.'),
  refresh: z.string().describe('Gives the next pair; each is used once.'),
  token_type: z.literal('Bearer'),
  expires_in: z.int().describe('Seconds.'),
  refresh_expires_in: z.int().describe('Seconds.'),
  session_id: z.uuid(),
});

export const Tokens = TokenPair.extend({
  device_token: z.string().describe('Kept by the device and sent as `device.token` at its next login.'),
  is_new_user: z.boolean(),
  has_password: z.boolean(),
  user: User,
}).meta({ id: 'Tokens' });
export type Tokens = z.output<typeof Tokens>;

export const Purpose = z.enum(['login', 'reset_password', 'change_phone']);
export type Purpose = z.output<typeof Purpose>;
/** Staff log in with a code of their own, which opens nothing else. */
export type CodePurpose = Purpose | 'admin_login';

export const phoneInput = plainText
  .max(64)
  .describe('+998XXXXXXXXX, 998…, 00998… or 9 digits; spaces, brackets, dots and dashes are ignored.');
export const codeInput = plainText.max(16).describe('The 6 digits.');
export const passwordInput = plainText.max(1024).describe('8 to 128 characters; any are allowed.');
export const Device = z.object({
  device_id: plainText.max(100).optional(),
  name: plainText.max(100).optional(),
  platform: plainText.max(50).optional(),
  token: plainText.max(300).optional().describe('`device_token` of an earlier login with this number.'),
});
export type Device = z.output<typeof Device>;
