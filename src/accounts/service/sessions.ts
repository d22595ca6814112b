import { randomBytes } from 'node:crypto';
import { LockMode } from '@mikro-orm/core';
import { sql } from 'kysely';
import type { z } from 'zod';
import { signAccess } from '../../common/auth.ts';
import type { Actor, Context, ProcedureContext } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { AppError } from '../../common/errors.ts';
import { newId } from '../../common/ids.ts';
import { relaxed } from '../../common/limits.ts';
import type { Input, Output } from '../../common/operations.ts';
import type { RevokeReason } from '../../common/session.ts';
import type { Config } from '../../config.ts';
import type { Device, TokenPair, Tokens } from '../contract/shapes.ts';
import { facts, type operations } from '../contract.ts';
import { Session, User } from '../entities.ts';
import { take, usedUp } from '../otp-limits.ts';
import { isRefreshOf, knownDevice, makeDeviceToken, makeRefresh, readRefresh } from '../tokens.ts';
import { audit } from './audit.ts';
import { presentUser } from './users.ts';

const REFRESHES_A_MINUTE = 30;

type Pair = z.output<typeof TokenPair>;
type Anyone = Context<Actor | null>;

type Method = 'otp' | 'pwd';

export interface Login {
  user: User;
  isNew: boolean;
  /** What was proven just now; nothing, where a live session alone was enough. */
  amr: readonly Method[];
  device: Device | undefined;
}

/** A new session, or the caller's own renewed when the same user proves again who they are. */
export async function openSession(ctx: Anyone, { user, isNew, amr, device }: Login): Promise<Tokens> {
  const session =
    ctx.actor?.userId === user.id
      ? await renew(ctx, user, ctx.actor.sessionId, amr)
      : await begin(ctx, user, amr, device);
  if (!isNew && session.id !== ctx.actor?.sessionId && knownDevice(ctx, user.reachablePhone(), device) === null)
    ctx.emit(facts.loggedIn, { userId: user.id, device: device?.name ?? ctx.userAgent });
  user.activeAt = ctx.now;
  audit(ctx, {
    action: 'login',
    resource: 'sessions',
    objectId: session.id,
    actorId: user.id,
    after: { amr: [...amr] },
  });
  await ctx.em.flush();
  await endLeastRecentlyUsed(ctx, user.id);
  return {
    ...presentPair(ctx, session, user),
    device_token: makeDeviceToken(ctx.config, user.reachablePhone()),
    is_new_user: isNew,
    has_password: user.passwordHash != null,
    user: await presentUser(ctx, user),
  };
}

/** Sliding from the last refresh (staff: a short idle limit), and absolute from the login. */
function sessionEnd(config: Config, { role }: User, createdAt: Date, now: Date): Date {
  const slidingSec = role === 'user' ? config.REFRESH_TTL : config.ADMIN_IDLE_TTL;
  return new Date(
    Math.min(now.getTime() + slidingSec * 1000, createdAt.getTime() + config.SESSION_ABSOLUTE_TTL * 1000),
  );
}

async function begin(ctx: Anyone, user: User, amr: readonly Method[], device: Device | undefined): Promise<Session> {
  const { em, now, config } = ctx;
  const session = em.create(Session, {
    ...{ id: newId(), user: user.id, salt: randomBytes(32), counter: 0, amr: [...amr] },
    ...{ authAt: now, createdAt: now, refreshedAt: now },
    expiresAt: sessionEnd(config, user, now, now),
    ...{ deviceId: device?.device_id, deviceName: device?.name, platform: device?.platform },
    ...{ ip: ctx.ip, userAgent: ctx.userAgent },
  });
  em.persist(session);
  return session;
}

/** Throws session_revoked. Its row is locked, so that a refresh at the same moment goes before or after it. */
async function renew(
  { em, now, config }: Anyone,
  user: User,
  sessionId: string,
  amr: readonly Method[],
): Promise<Session> {
  const lock = { lockMode: LockMode.PESSIMISTIC_WRITE, refresh: true } as const;
  const session = await em.findOne(Session, { id: sessionId, revokedAt: null }, lock);
  if (!session) throw new AppError('session_revoked');
  session.counter += 1;
  session.refreshedAt = now;
  session.expiresAt = sessionEnd(config, user, session.createdAt, now);
  // Both methods in one token are the mark of the staff's login; proofs given apart do not add up to it.
  const isOfStaffLogin = session.amr.length > 1;
  if (amr.length > 0) Object.assign(session, { authAt: now, amr: isOfStaffLogin ? session.amr : [...amr] });
  return session;
}

async function endLeastRecentlyUsed(ctx: Anyone, userId: string): Promise<void> {
  const surplus = await rows<{ id: string }>(
    ctx.em,
    sql`select id from sessions where user_id = ${userId} and revoked_at is null and expires_at > ${ctx.now}
        order by refreshed_at desc, id desc offset ${ctx.config.MAX_SESSIONS}`,
  );
  await endSessions(
    ctx,
    userId,
    surplus.map(({ id }) => id),
    'logout',
  );
}

function presentPair(
  { config, now }: Pick<Anyone, 'config' | 'now'>,
  session: Session,
  user: Pick<User, 'id' | 'role'>,
): Pair {
  const { id, amr, authAt, counter, expiresAt } = session;
  const claims = { sub: user.id, sid: id, role: user.role, amr, auth_time: Math.floor(authAt.getTime() / 1000) };
  return {
    access: signAccess(config, claims, now),
    refresh: makeRefresh(config, session, counter),
    token_type: 'Bearer',
    expires_in: config.ACCESS_TTL,
    refresh_expires_in: Math.floor((expiresAt.getTime() - now.getTime()) / 1000),
    session_id: id,
  };
}

/** Ends sessions of a user and announces it, so that their sockets are cut. */
export async function endSessions(
  ctx: Pick<Anyone, 'em' | 'now' | 'emit'>,
  userId: string,
  sessionIds: readonly string[],
  reason: RevokeReason,
): Promise<void> {
  if (sessionIds.length === 0) return;
  const ended = await rows<{ id: string }>(
    ctx.em,
    sql`update sessions set revoked_at = ${ctx.now}, revoke_reason = ${reason}
        where user_id = ${userId} and id = any(${sessionIds}::uuid[]) and revoked_at is null returning id`,
  );
  if (ended.length > 0) ctx.emit(facts.sessionsEnded, { userId, sessionIds: ended.map(({ id }) => id), reason });
}

/** Ids of the user's live sessions, without one of them if it is named. A login under way comes before or after it. */
export async function liveSessions({ em }: Pick<Anyone, 'em'>, userId: string, except?: string): Promise<string[]> {
  await rows(em, sql`select 1 from users where id = ${userId} for no key update`);
  const live = await rows<{ id: string }>(
    em,
    sql`select id from sessions where user_id = ${userId} and revoked_at is null`,
  );
  return live.map(({ id }) => id).filter(id => id !== except);
}

/** Ends the caller's session, all their others, or all. */
export async function logout(
  ctx: Context,
  { scope }: Input<typeof operations.logout>,
): Promise<Output<typeof operations.logout>> {
  const { userId, sessionId } = ctx.actor;
  const ids =
    scope === 'current' ? [sessionId] : await liveSessions(ctx, userId, scope === 'others' ? sessionId : undefined);
  await endSessions(ctx, userId, ids, scope === 'current' ? 'logout' : 'logout_all');
  audit(ctx, { action: 'logout', resource: 'sessions', objectId: sessionId, after: { scope } });
  return {};
}

/**
 * The next pair of tokens. One UPDATE rotates the counter, so of parallel callers one rotates; the others, and whoever lost
 * the answer, get the same successor for REFRESH_LEEWAY seconds. An older token means that it was copied: the session ends.
 * Throws refresh_invalid, refresh_reused, session_expired, session_revoked, account_blocked, rate_limited (30 a minute).
 */
export async function refreshTokens(
  ctx: ProcedureContext<Actor | null>,
  { refresh }: Input<typeof operations.refreshTokens>,
): Promise<Pair> {
  const given = readRefresh(refresh);
  if (!given) throw new AppError('refresh_invalid');
  const pair = await ctx.transaction(async tx => {
    const session = await tx.em.findOne(Session, { id: given.sessionId });
    if (!session || !isRefreshOf(ctx.config, session, given.counter, refresh)) throw new AppError('refresh_invalid');
    const user = await tx.em.findOneOrFail(User, { id: session.user });
    ensureUsable(session, user, tx.now);
    const refreshes = `refresh:${session.id}`;
    if (!(await take(tx, refreshes, relaxed(tx.config, REFRESHES_A_MINUTE), 60_000)))
      throw await usedUp(tx, refreshes, 60_000);
    await rotate(tx, { session, user }, given.counter);
    await tx.em.refresh(session);
    ensureUsable(session, user, tx.now);
    if (isSuccessor(tx, session, given.counter)) return presentPair(tx, session, user);
    await endSessions(tx, user.id, [session.id], 'reused');
    audit(tx, { action: 'refresh_reused', resource: 'sessions', objectId: session.id, actorId: user.id });
    return null;
  });
  if (!pair) throw new AppError('refresh_reused');
  return pair;
}

function ensureUsable(session: Session, user: User, now: Date): void {
  if (user.isBlocked(now)) throw new AppError('account_blocked');
  if (session.revokedAt) throw new AppError('session_revoked');
  if (session.expiresAt <= now) throw new AppError('session_expired');
}

async function rotate(
  { em, now, config }: Anyone,
  { session, user }: { session: Session; user: User },
  counter: number,
): Promise<void> {
  const expiresAt = sessionEnd(config, user, session.createdAt, now);
  user.activeAt = now;
  await em.flush(); // the user before the session, as logins and whatever ends sessions lock them
  await rows(
    em,
    sql`update sessions set counter = counter + 1, refreshed_at = ${now}, expires_at = ${expiresAt}
        where id = ${session.id} and counter = ${counter} and revoked_at is null`,
  );
}

function isSuccessor({ now, config }: Anyone, session: Session, counter: number): boolean {
  const ageMs = now.getTime() - session.refreshedAt.getTime();
  return !session.revokedAt && session.counter === counter + 1 && ageMs <= config.REFRESH_LEEWAY * 1000;
}
