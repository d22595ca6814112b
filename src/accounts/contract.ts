import { z } from 'zod';
import { anyId, anyMoment, command, fact, moment, plainText, procedure, query } from '../common/operations.ts';
import type { RevokeReason } from '../common/session.ts';
import { slot } from '../common/slots.ts';
import { sessionsOperations } from './contract/sessions.ts';
import {
  type Badge,
  type CodePurpose,
  codeInput,
  Device,
  Locale,
  type ProfileState,
  Purpose,
  passwordInput,
  phoneInput,
  RoleName,
  TokenPair,
  Tokens,
  type Unread,
  User,
} from './contract/shapes.ts';
import { StaffActionOutput, staffActionInput } from './contract/staff-actions.ts';
import type { UsedCode } from './notifiers/notifier.ts';

export const operations = {
  requestOtp: procedure({
    summary: 'Sends a one-time code to a phone; answers alike for known and unknown numbers.',
    http: 'POST /api/auth/request-otp/',
    access: 'public',
    input: z.object({
      phone: phoneInput,
      purpose: Purpose.default('login'),
      channel: z.enum(['auto', 'sms', 'telegram']).default('auto'),
      captcha_token: plainText.max(4096).optional(),
      device: Device.pick({ token: true })
        .optional()
        .describe('A known device gets codes while strangers have locked the number.'),
    }),
    output: z.object({
      otp_id: z.uuid(),
      phone: z.string(),
      channel: z.enum(['auto', 'sms', 'telegram']),
      code_length: z.int(),
      expires_in: z.int().describe('Seconds.'),
      resend_in: z.int().describe('Seconds until another may be asked for.'),
      dev_code: z.string().optional().describe('The code itself, only with DEV_OTP.'),
    }),
    errors: [
      'invalid_phone',
      'phone_not_supported',
      'captcha_required',
      'otp_cooldown',
      'otp_locked',
      'otp_unavailable',
    ],
  }),
  verifyOtp: procedure({
    summary:
      'Checks a code: logs in (an unknown phone registers; with the token of a live session of the same user it renews that), or gives a verification token for another purpose.',
    http: 'POST /api/auth/verify-otp/',
    isSecret: true,
    access: 'lenient',
    limits: [{ name: 'otp-verify', by: 'ip', points: 60, windowSec: 3_600 }],
    input: z.object({
      phone: phoneInput,
      code: codeInput,
      otp_id: anyId.optional(),
      password: passwordInput.optional().describe('Needed where `password_required` was answered.'),
      device: Device.optional(),
    }),
    output: z.union([
      Tokens,
      z.object({ verification_token: z.string(), verification_expires_in: z.int(), purpose: Purpose }),
    ]),
    errors: [
      'invalid_phone',
      'phone_not_supported',
      'otp_invalid',
      'otp_attempts_exceeded',
      'otp_locked',
      'account_blocked',
      'password_required',
      'invalid_credentials',
      'login_locked',
      'server_busy',
    ],
  }),
  setPassword: procedure({
    summary: 'Sets or resets the password and gives a fresh pair of tokens; by default other sessions end.',
    http: 'POST /api/auth/set-password/',
    isSecret: true,
    access: 'optional',
    limits: [
      { name: 'set-password', by: 'user', points: 10, windowSec: 3_600 },
      { name: 'set-password-ip', by: 'ip', points: 60, windowSec: 3_600 },
    ],
    input: z.object({
      password: passwordInput,
      password_confirm: passwordInput.optional(),
      verification_token: plainText.max(2048).optional().describe('From verify-otp with the purpose `reset_password`.'),
      current_password: passwordInput.optional(),
      logout_others: z.boolean().default(true),
    }),
    output: Tokens,
    errors: [
      'weak_password',
      'password_mismatch',
      'verification_invalid',
      'current_password_invalid',
      'reauth_required',
      'account_blocked',
      'server_busy',
    ],
  }),
  login: procedure({
    summary: 'Logs in with phone and password; with the token of a live session of the same user it renews that.',
    http: 'POST /api/auth/login/',
    isSecret: true,
    access: 'lenient',
    limits: [{ name: 'login', by: 'ip', points: 50, windowSec: 900 }],
    input: z.object({ phone: phoneInput, password: passwordInput, device: Device.optional() }),
    output: Tokens,
    errors: [
      'invalid_phone',
      'phone_not_supported',
      'invalid_credentials',
      'login_locked',
      'account_blocked',
      'server_busy',
    ],
  }),
  refreshTokens: procedure({
    summary: 'Gives the next pair of tokens; asked again within 30 s it gives the same one.',
    http: 'POST /api/auth/token/refresh/',
    isSecret: true,
    access: 'public',
    limits: [{ name: 'refresh', by: 'ip', points: 300, windowSec: 60 }],
    input: z.object({ refresh: plainText.max(300) }),
    output: TokenPair,
    errors: [
      'refresh_invalid',
      'refresh_reused',
      'session_expired',
      'session_revoked',
      'account_blocked',
      'rate_limited',
    ],
  }),
  logout: command({
    summary: 'Ends this session, all others, or all.',
    http: 'POST /api/auth/logout/',
    query: ['scope'],
    status: 204,
    input: z.object({ scope: z.enum(['current', 'others', 'all']).default('current') }),
    output: z.object({}),
  }),
  getMe: query({
    summary: 'Who I am.',
    http: 'GET /api/auth/me/',
    input: z.object({}),
    output: User,
  }),
  updateMe: command({
    summary: 'Changes my name, language or picture.',
    http: 'PATCH /api/auth/me/',
    limits: [{ name: 'me', by: 'user', points: 30, windowSec: 3_600 }],
    input: z.object({
      full_name: plainText.trim().min(1).max(80).optional(),
      locale: Locale.optional(),
      avatar_upload_id: anyId
        .nullable()
        .optional()
        .describe('My upload with the purpose `avatar`; null takes the picture away.'),
    }),
    output: User,
    errors: ['not_found'],
  }),
  deleteMe: command({
    summary: 'Deletes my account: sessions end now, everything personal is purged 30 days later.',
    http: 'DELETE /api/auth/me/',
    status: 202,
    input: z.object({ confirm: z.literal('DELETE') }),
    output: z.object({ purge_after: moment }),
    errors: ['reauth_required'],
  }),
  changePhone: procedure({
    summary: 'Gives my account the number that a code with the purpose change_phone was sent to.',
    http: 'POST /api/auth/change-phone/',
    input: z.object({ verification_token: plainText.max(2048) }),
    output: User,
    errors: ['reauth_required', 'verification_invalid', 'phone_taken'],
  }),
  ...sessionsOperations,
  adminLogin: procedure({
    summary: 'Staff: checks phone and password and sends a code.',
    http: 'POST /api/admin/login/',
    isSecret: true,
    access: 'public',
    limits: [{ name: 'login', by: 'ip', points: 50, windowSec: 900 }],
    input: z.strictObject({ phone: phoneInput, password: passwordInput, device: Device.optional() }),
    output: z.object({ otp_id: z.uuid(), expires_in: z.int(), resend_in: z.int(), dev_code: z.string().optional() }),
    errors: [
      'permission_denied',
      'invalid_phone',
      'phone_not_supported',
      'invalid_credentials',
      'login_locked',
      'account_blocked',
      'otp_cooldown',
      'otp_locked',
      'otp_unavailable',
      'server_busy',
    ],
  }),
  adminVerify: procedure({
    summary: 'Staff: checks the code and logs in.',
    http: 'POST /api/admin/login/verify/',
    isSecret: true,
    access: 'public',
    limits: [{ name: 'otp-verify', by: 'ip', points: 60, windowSec: 3_600 }],
    input: z.strictObject({ otp_id: anyId, code: codeInput, device: Device.optional() }),
    output: Tokens,
    errors: ['permission_denied', 'otp_invalid', 'otp_attempts_exceeded', 'otp_locked', 'account_blocked'],
  }),
  actOnUsers: command({
    summary: 'Staff: blocks, unblocks, logs out, unlocks or raises users; each one is answered by itself.',
    http: 'POST /api/admin/users/actions/{action}/',
    access: 'staff',
    input: staffActionInput(
      ['block', 'unblock', 'revoke_sessions', 'set_role', 'unlock_otp', 'unlock_login', 'reattach'],
      { until: anyMoment.optional(), role: RoleName.optional() },
    ),
    output: StaffActionOutput,
    errors: ['permission_denied', 'not_found'],
  }),
  actOnSessions: command({
    summary: 'Staff: ends sessions of users; each one is answered by itself.',
    http: 'POST /api/admin/sessions/actions/{action}/',
    access: 'staff',
    input: staffActionInput(['end'], {}),
    output: StaffActionOutput,
  }),
  actOnOtpLog: command({
    summary: 'Staff: sends no codes to the numbers around a logged one, or from its address, or does so again.',
    http: 'POST /api/admin/otp-log/actions/{action}/',
    access: 'staff',
    input: staffActionInput(['block_prefix', 'block_ip', 'unblock_prefix', 'unblock_ip'], {
      until: anyMoment.optional().describe('Default: for a day.'),
    }),
    output: StaffActionOutput,
  }),
};

export const facts = {
  /** Somebody asked for a code: `sent`, or the code of the refusal. */
  codeRequested: fact<{ purpose: CodePurpose; outcome: string }>('accounts.code-requested'),
  codeTaken: fact<{ driver: string }>('accounts.code-taken'),
  codeTried: fact<{ purpose: CodePurpose; outcome: 'verified' | 'wrong' }>('accounts.code-tried'),
  /** A code that a driver brought was the right one. */
  codeUsed: fact<UsedCode>('accounts.code-used'),
  userDeleted: fact<{ userId: string }>('accounts.user-deleted'),
  /** Nothing personal is kept of accounts that were deleted by then. */
  accountsPurged: fact<{ deletedBy: Date }>('accounts.purged'),
  /** On a device that has not logged in with this number before. */
  loggedIn: fact<{ userId: string; device: string | null }>('accounts.logged-in'),
  securityChanged: fact<{ userId: string; what: 'password' | 'phone' }>('accounts.security-changed'),
  /** What this session is answered in from now on. */
  localeChanged: fact<{ sessionId: string }>('accounts.locale-changed'),
  userRegistered: fact<{ userId: string }>('accounts.user-registered'),
  sessionsEnded: fact<{ userId: string; sessionIds: readonly string[]; reason: RevokeReason }>(
    'accounts.sessions-ended',
  ),
};

export interface Company extends z.output<typeof ProfileState> {
  is_verified: boolean;
  /** Shown where the user has no picture of their own. */
  logo_url: string | null;
}

/** By user id; filled by b2b. */
export const companyOf = slot<Company | null>('accounts.company', null);
/** By user id; filled by chat. */
export const unreadOf = slot<z.output<typeof Unread>>('accounts.unread', { threads: 0, messages: 0 });
/** By user id; filled by notifications. */
export const badgeOf = slot<z.output<typeof Badge>>('accounts.badge', { unread: 0, unseen: 0 });
