import { defineEntity, p } from '@mikro-orm/core';
import type { Role } from '../common/context.ts';
import { AppError } from '../common/errors.ts';

const UserSchema = defineEntity({
  name: 'User',
  tableName: 'users',
  indexes: [
    { name: 'users_staff', expression: "create index users_staff on users (role, id) where role <> 'user'" },
    { name: 'users_blocked', expression: 'create index users_blocked on users (id) where blocked_at is not null' },
    { name: 'users_names', expression: 'create index users_names on users using gin (full_name gin_trgm_ops)' },
    { name: 'users_phones', expression: 'create index users_phones on users using gin (phone gin_trgm_ops)' },
  ],
  properties: {
    id: p.uuid().primary(),
    /** null once the account is deleted or set aside: the number may belong to somebody else. */
    phone: p.string().length(16).nullable().unique(),
    formerPhone: p.string().length(16).nullable(),
    fullName: p.string().length(80).nullable(),
    avatarUrl: p.text().nullable(),
    locale: p.string().length(8).default('uz'),
    role: p.string().length(16).$type<Role>().default('user'),
    passwordHash: p.text().nullable(),
    blockedAt: p.datetime(3).nullable(),
    blockedUntil: p.datetime(3).nullable(),
    blockReason: p.text().nullable(),
    /** The last login or refresh: tells recycled numbers. */
    activeAt: p.datetime(3).nullable(),
    /** Deleted by its owner; purged 30 days later. */
    deletedAt: p.datetime(3).nullable(),
    setAsideAt: p.datetime(3).nullable(),
    createdAt: p.datetime(3),
  },
});
/** A person, known by one phone number (E.164). */
export class User extends UserSchema.class {
  /**
   * Whoever is logged in has a number; deleted accounts and those set aside have none, and no session either: who still asks
   * was let in a moment before. Throws session_revoked.
   */
  reachablePhone(): string {
    if (!this.phone) throw new AppError('session_revoked');
    return this.phone;
  }

  isBlocked(now: Date): boolean {
    return this.blockedAt != null && (this.blockedUntil == null || this.blockedUntil > now);
  }
}
UserSchema.setClass(User);

const SessionSchema = defineEntity({
  name: 'Session',
  tableName: 'sessions',
  properties: {
    id: p.uuid().primary(),
    user: () => p.manyToOne(User).mapToPk().deleteRule('cascade').index(),
    /** Random bytes that only this session's refresh tokens are made with. */
    salt: p.blob(),
    counter: p.integer().default(0),
    amr: p.array(),
    authAt: p.datetime(3),
    createdAt: p.datetime(3),
    refreshedAt: p.datetime(3),
    expiresAt: p.datetime(3),
    revokedAt: p.datetime(3).nullable(),
    revokeReason: p.string().length(32).nullable(),
    deviceId: p.string().length(100).nullable(),
    deviceName: p.string().length(100).nullable(),
    platform: p.string().length(50).nullable(),
    ip: p.string().length(64).nullable(),
    userAgent: p.string().length(300).nullable(),
  },
});
/** One login on one device. */
export class Session extends SessionSchema.class {}
SessionSchema.setClass(Session);

const PhoneOtpSchema = defineEntity({
  name: 'PhoneOtp',
  tableName: 'phone_otps',
  indexes: [{ properties: ['phone', 'createdAt'] }],
  properties: {
    id: p.uuid().primary(),
    phone: p.string().length(16),
    purpose: p.string().length(20),
    codeHmac: p.blob(),
    attempts: p.integer().default(0),
    expiresAt: p.datetime(3),
    usedAt: p.datetime(3).nullable(),
    createdAt: p.datetime(3),
    isTest: p.boolean().default(false),
    /** Who brought it, under which id of theirs, and what became of it. */
    driver: p.string().length(20).nullable(),
    providerId: p.string().length(100).nullable(),
    cost: p.decimal().precision(12).scale(4).nullable(),
    deliveryStatus: p.string().length(30).nullable(),
  },
});
/** A one-time code; only its HMAC is kept. */
export class PhoneOtp extends PhoneOtpSchema.class {}
PhoneOtpSchema.setClass(PhoneOtp);

const PhoneBudgetSchema = defineEntity({
  name: 'PhoneBudget',
  tableName: 'phone_budgets',
  properties: {
    /** The number; `staff <number>` for codes of the staff's login. */
    subject: p.string().length(24).primary(),
    lastSentAt: p.datetime(3).nullable(),
    hourStartedAt: p.datetime(3),
    hourCount: p.integer().default(0),
    dayStartedAt: p.datetime(3),
    dayCount: p.integer().default(0),
  },
});
/** How many codes a number was sent; in the database, so that it survives restarts and holds on all instances. */
export class PhoneBudget extends PhoneBudgetSchema.class {}
PhoneBudgetSchema.setClass(PhoneBudget);

const CounterSchema = defineEntity({
  name: 'Counter',
  tableName: 'otp_counters',
  properties: {
    /** `ip:…`, `prefix:…`, `day:…`: what is counted. */
    key: p.string().length(100).primary(),
    startedAt: p.datetime(3).index(),
    count: p.integer().default(0),
    /** Of a prefix: how many of the codes were used. */
    verified: p.integer().default(0),
  },
});
/** A window of codes per IP address, prefix or day. */
export class Counter extends CounterSchema.class {}
CounterSchema.setClass(Counter);

const FailureBudgetSchema = defineEntity({
  name: 'FailureBudget',
  tableName: 'failure_budgets',
  properties: {
    /** What is guessed and whose: `code:<phone>`, `password-device:<id>` … */
    subject: p.string().length(100).primary(),
    startedAt: p.datetime(3).index(),
    failures: p.integer().default(0),
    lockedUntil: p.datetime(3).nullable(),
    lockLevel: p.integer().default(0),
  },
});
/** Failures that survive resends, restarts and parallel guesses. */
export class FailureBudget extends FailureBudgetSchema.class {}
FailureBudgetSchema.setClass(FailureBudget);

const OtpRequestLogSchema = defineEntity({
  name: 'OtpRequestLog',
  tableName: 'otp_request_log',
  indexes: [{ properties: ['phone', 'at'] }, { properties: ['ip', 'id'] }, { properties: ['outcome', 'id'] }],
  properties: {
    id: p.uuid().primary(),
    at: p.datetime(3).index(),
    phone: p.string().length(16),
    purpose: p.string().length(20),
    ip: p.string().length(64),
    /** `sent`, or the code of the refusal. */
    outcome: p.string().length(32),
    otpId: p.uuid().nullable(),
  },
});
/** Every request for a code; append only, kept for 90 days. */
export class OtpRequestLog extends OtpRequestLogSchema.class {}
OtpRequestLogSchema.setClass(OtpRequestLog);

const AuditSchema = defineEntity({
  name: 'AuditEntry',
  tableName: 'audit_log',
  indexes: [
    { properties: ['resource', 'objectId', 'id'] },
    { properties: ['actorId', 'id'] },
    { properties: ['action', 'id'] },
    { properties: ['objectId', 'id'] },
  ],
  properties: {
    id: p.uuid().primary(),
    at: p.datetime(3),
    actorId: p.uuid().nullable(),
    actorRole: p.string().length(16).nullable(),
    ip: p.string().length(64),
    requestId: p.string().length(64),
    action: p.string().length(60),
    resource: p.string().length(40),
    objectId: p.string().length(80).nullable(),
    before: p.json<Record<string, unknown>>().nullable(),
    after: p.json<Record<string, unknown>>().nullable(),
    reason: p.text().nullable(),
  },
});
/** Who did what and why; a trigger keeps it append-only. */
export class AuditEntry extends AuditSchema.class {}
AuditSchema.setClass(AuditEntry);

const UsedTokenSchema = defineEntity({
  name: 'UsedToken',
  tableName: 'used_tokens',
  properties: {
    jti: p.uuid().primary(),
    expiresAt: p.datetime(3).index(),
  },
});
/** A verification token that was used: it opens nothing twice. */
export class UsedToken extends UsedTokenSchema.class {}
UsedTokenSchema.setClass(UsedToken);

export const accountsEntities = [
  User,
  Session,
  PhoneOtp,
  PhoneBudget,
  Counter,
  FailureBudget,
  OtpRequestLog,
  AuditEntry,
  UsedToken,
];
