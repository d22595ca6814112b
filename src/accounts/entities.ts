import { defineEntity, p } from '@mikro-orm/core';
import type { Role } from '../common/context.ts';

const UserSchema = defineEntity({
  name: 'User',
  tableName: 'users',
  properties: {
    id: p.uuid().primary(),
    phone: p.string().length(16).unique(),
    fullName: p.string().length(80).nullable(),
    locale: p.string().length(8).default('uz'),
    role: p.string().length(16).$type<Role>().default('user'),
    passwordHash: p.text().nullable(),
    blockedAt: p.datetime(3).nullable(),
    createdAt: p.datetime(3),
  },
});
/** A person, known by one phone number (E.164). */
export class User extends UserSchema.class {}
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
  },
});
/** A one-time code; only its HMAC is kept. */
export class PhoneOtp extends PhoneOtpSchema.class {}
PhoneOtpSchema.setClass(PhoneOtp);

const PhoneBudgetSchema = defineEntity({
  name: 'PhoneBudget',
  tableName: 'phone_budgets',
  properties: {
    phone: p.string().length(16).primary(),
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

export const accountsEntities = [User, Session, PhoneOtp, PhoneBudget, UsedToken];
