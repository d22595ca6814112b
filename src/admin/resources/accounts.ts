import { sql } from 'kysely';
import { z } from 'zod';
import { operations } from '../../accounts/contract.ts';
import { plainText } from '../../common/operations.ts';
import { actionsOf, flag, is, madeWithin, nameOf, oneOf, type Resource } from '../registry.ts';

const roles = ['user', 'moderator', 'billing', 'support', 'auditor', 'superuser'];
const support = ['support'] as const;
const readers = ['support', 'auditor'] as const;
const locales = ['uz', 'uz-Cyrl', 'ru', 'en'] as const;
const isBlocked = sql`(t.blocked_at is not null and (t.blocked_until is null or t.blocked_until > now()))`;

const users: Resource = {
  name: 'users',
  table: 'users',
  title: 'full_name',
  view: readers,
  columns: {
    full_name: { type: 'text' },
    phone: { type: 'phone', for: support },
    role: { type: 'choice', choices: roles },
    company_name: { type: 'text', sql: sql`(select company_name from b2b_profiles p where p.user_id = t.id)` },
    is_blocked: { type: 'boolean', sql: isBlocked },
    blocked_until: { type: 'moment', detail: true },
    block_reason: { type: 'text', detail: true },
    locale: { type: 'choice', choices: locales, detail: true },
    has_password: { type: 'boolean', sql: sql`t.password_hash is not null`, detail: true },
    former_phone: { type: 'phone', for: support, detail: true },
    active_at: { type: 'moment' },
    deleted_at: { type: 'moment', detail: true },
    set_aside_at: { type: 'moment', detail: true },
    created_at: { type: 'moment', order: 'id' },
  },
  filters: {
    role: {
      ...oneOf('role', roles),
      // The index holds staff alone: nearly everybody is a user.
      where: (value: never) => (value === 'user' ? sql`t.role = 'user'` : sql`t.role <> 'user' and t.role = ${value}`),
    },
    is_staff: flag(sql`t.role <> 'user'`, sql`t.role = 'user'`),
    is_blocked: flag(sql`t.blocked_at is not null and ${isBlocked}`, sql`not ${isBlocked}`),
    phone: is('text', 'phone', { for: support }),
    ...madeWithin(),
  },
  search: ['full_name', 'phone'],
  fields: {
    full_name: { type: 'text', schema: plainText.trim().min(1).max(80).nullable() },
    locale: { type: 'choice', choices: locales, schema: z.enum(locales) },
  },
  edit: support,
  // As with every action: only a superuser touches staff.
  guarded: sql`t.role <> 'user'`,
  actions: actionsOf(operations.actOnUsers, {
    block: { for: support, params: ['until'], needsReason: true },
    unblock: { for: support },
    revoke_sessions: { for: support },
    unlock_otp: { for: support },
    unlock_login: { for: support },
    reattach: { for: support },
    set_role: { for: [], params: ['role'] },
  }),
};

const sessions: Resource = {
  name: 'sessions',
  table: 'sessions',
  title: 'device_name',
  view: readers,
  columns: {
    user_id: { type: 'id', refers: 'users' },
    user_name: nameOf('user_id'),
    device_name: { type: 'text' },
    platform: { type: 'text' },
    ip: { type: 'text', for: support },
    is_live: { type: 'boolean', sql: sql`t.revoked_at is null and t.expires_at > now()` },
    amr: { type: 'list', detail: true },
    user_agent: { type: 'text', detail: true },
    refreshed_at: { type: 'moment' },
    expires_at: { type: 'moment', detail: true },
    revoked_at: { type: 'moment', detail: true },
    revoke_reason: { type: 'text', detail: true },
    created_at: { type: 'moment', order: 'id' },
  },
  filters: { user_id: is('id', 'user_id'), ...madeWithin() },
  actions: actionsOf(operations.actOnSessions, { end: { for: support } }),
};

const outcomes = ['sent', 'otp_cooldown', 'otp_locked', 'otp_unavailable', 'rate_limited', 'captcha_required'];
const purposes = ['login', 'reset_password', 'change_phone', 'admin_login'];
const ofCode = (column: string) => sql`(select ${sql.ref(`o.${column}`)} from phone_otps o where o.id = t.otp_id)`;

const otpLog: Resource = {
  name: 'otp-log',
  table: 'otp_request_log',
  title: 'phone',
  view: readers,
  columns: {
    at: { type: 'moment', order: 'id' },
    phone: { type: 'phone', for: support },
    purpose: { type: 'choice', choices: purposes },
    outcome: { type: 'text' },
    ip: { type: 'text', for: support },
    driver: { type: 'text', sql: ofCode('driver') },
    delivery_status: { type: 'text', sql: ofCode('delivery_status') },
    used_at: { type: 'moment', sql: ofCode('used_at') },
    cost: { type: 'money', sql: ofCode('cost') },
  },
  filters: {
    phone: is('text', 'phone', { for: support }),
    ip: is('text', 'ip', { for: support }),
    outcome: oneOf('outcome', outcomes),
    ...madeWithin(),
  },
  actions: actionsOf(operations.actOnOtpLog, {
    block_prefix: { for: support, params: ['until'], needsReason: true },
    block_ip: { for: support, params: ['until'], needsReason: true },
    unblock_prefix: { for: support },
    unblock_ip: { for: support },
  }),
};

const audit: Resource = {
  name: 'audit',
  table: 'audit_log',
  title: 'action',
  view: ['auditor'],
  tellsOfOthers: true,
  columns: {
    at: { type: 'moment', order: 'id' },
    actor_id: { type: 'id', refers: 'users' },
    actor_name: nameOf('actor_id'),
    actor_role: { type: 'choice', choices: roles },
    action: { type: 'text' },
    resource: { type: 'text' },
    object_id: { type: 'text' },
    reason: { type: 'text' },
    before: { type: 'json', detail: true },
    after: { type: 'json', detail: true },
    ip: { type: 'text', detail: true },
    request_id: { type: 'text', detail: true },
  },
  filters: {
    actor_id: is('id', 'actor_id'),
    resource: is('text', 'resource'),
    object_id: is('text', 'object_id'),
    action: is('text', 'action'),
    ...madeWithin(),
  },
};

export const accountsResources = [users, sessions, otpLog, audit];
