import { sql } from 'kysely';
import { z } from 'zod';
import type { Context, ProcedureContext } from '../../common/context.ts';
import { rows, violates } from '../../common/database.ts';
import { AppError } from '../../common/errors.ts';
import { relaxed } from '../../common/limits.ts';
import type { Input, Output } from '../../common/operations.ts';
import { type CursorScope, cutPage, readCursor, writeCursor } from '../../common/paging.ts';
import { DAY_MS, daysAfter } from '../../common/time.ts';
import type { User as UserView } from '../contract/shapes.ts';
import { facts, type operations } from '../contract.ts';
import type { Notifier } from '../notifiers/notifier.ts';
import { take, usedUp } from '../otp-limits.ts';
import { ensureFresh } from '../policy.ts';
import { readVerification } from '../tokens.ts';
import { audit } from './audit.ts';
import { useVerification } from './passwords.ts';
import { endSessions, liveSessions } from './sessions.ts';
import { lockCaller, presentUser } from './users.ts';

const PURGE_DAYS = 30;
const CHANGES_A_DAY = 3;

const Position = z.tuple([z.string(), z.uuid()]);

type Listed = Output<typeof operations.listSessions>;

/** The caller's live sessions, the latest used first. Throws invalid_cursor. */
export async function listSessions(
  ctx: Context,
  { limit, cursor }: Input<typeof operations.listSessions>,
): Promise<Listed> {
  const { em, now, actor } = ctx;
  const scope: CursorScope = ['sessions', actor.userId];
  const after = readCursor(ctx, scope, cursor, Position);
  const found = await rows<Omit<Listed['results'][number], 'current'>>(
    em,
    sql`select id, device_name, platform, ip, user_agent, created_at, refreshed_at as last_seen_at, expires_at from sessions
        where user_id = ${actor.userId} and revoked_at is null and expires_at > ${now}
          ${after ? sql`and (refreshed_at, id) < (${after[0]}::timestamptz, ${after[1]}::uuid)` : sql``}
        order by refreshed_at desc, id desc limit ${limit + 1}`,
  );
  const time = (value: string) => new Date(value).toISOString();
  const { page, last } = cutPage(found, limit);
  return {
    results: page.map(({ created_at, last_seen_at, expires_at, ...session }) => ({
      ...session,
      current: session.id === actor.sessionId,
      ...{ created_at: time(created_at), last_seen_at: time(last_seen_at), expires_at: time(expires_at) },
    })),
    next_cursor: last && writeCursor(ctx, scope, [time(last.last_seen_at), last.id]),
  };
}

/** Ends one of the caller's sessions. Throws not_found. */
export async function endSession(
  ctx: Context,
  { session_id }: Input<typeof operations.endSession>,
): Promise<Output<typeof operations.endSession>> {
  const own = await liveSessions(ctx, ctx.actor.userId);
  if (!own.includes(session_id)) throw new AppError('not_found');
  await endSessions(ctx, ctx.actor.userId, [session_id], 'logout');
  audit(ctx, { action: 'end_session', resource: 'sessions', objectId: session_id });
  return {};
}

/**
 * The caller's live sessions, this one among them: whatever ended it at the same moment, a deletion, a ban or a logout, has come
 * first. Until the end of the transaction nothing else does. Throws session_revoked.
 */
async function ownSessions(ctx: Context): Promise<string[]> {
  const live = await liveSessions(ctx, ctx.actor.userId);
  if (!live.includes(ctx.actor.sessionId)) throw new AppError('session_revoked');
  return live;
}

/**
 * Deletes the caller's account: sessions end and the number is free at once, the rest is purged 30 days later.
 * Throws reauth_required, session_revoked.
 */
export async function deleteMe(ctx: Context): Promise<Output<typeof operations.deleteMe>> {
  ensureFresh(ctx.actor, ctx.now);
  const user = await lockCaller(ctx);
  await endSessions(ctx, user.id, await ownSessions(ctx), 'logout_all');
  Object.assign(user, { deletedAt: ctx.now, formerPhone: user.phone, phone: null, avatarUrl: null });
  audit(ctx, { action: 'delete_account', resource: 'users', objectId: user.id });
  ctx.emit(facts.userDeleted, { userId: user.id });
  await ctx.em.flush();
  return { purge_after: daysAfter(ctx.now, PURGE_DAYS).toISOString() };
}

/**
 * Gives the account the number that a code was sent to. Other sessions end, the old number is told.
 * Throws reauth_required, verification_invalid, session_revoked (it ended while the call was under way), phone_taken,
 * rate_limited (3 a day).
 */
export function changePhone(notifier: Notifier) {
  return async (
    ctx: ProcedureContext,
    { verification_token }: Input<typeof operations.changePhone>,
  ): Promise<UserView> => {
    ensureFresh(ctx.actor, ctx.now);
    const verification = readVerification(ctx.config, verification_token, 'change_phone', ctx.now);
    const { view, oldPhone } = await ctx.transaction(async tx => {
      const changes = `change:${tx.actor.userId}`;
      if (!(await take(tx, changes, relaxed(tx.config, CHANGES_A_DAY), DAY_MS)))
        throw await usedUp(tx, changes, DAY_MS);
      await useVerification(tx, verification);
      const replaced = await replacePhone(tx, verification.phone);
      await ctx.keep(tx, replaced.view);
      return replaced;
    });
    await notifier.tell(oldPhone).catch(error => ctx.log.warn({ err: error }, 'old number not told'));
    return view;
  };
}

async function replacePhone(tx: Context, phone: string): Promise<{ view: UserView; oldPhone: string }> {
  const user = await lockCaller(tx);
  const live = await ownSessions(tx);
  const oldPhone = user.reachablePhone();
  user.phone = phone;
  await tx.em.flush().catch(error => {
    throw violates(error, 'users_phone_unique') ? new AppError('phone_taken') : error;
  });
  const others = live.filter(id => id !== tx.actor.sessionId);
  await endSessions(tx, user.id, others, 'logout_all');
  audit(tx, {
    action: 'change_phone',
    resource: 'users',
    objectId: user.id,
    before: { phone: oldPhone },
    after: { phone },
  });
  tx.emit(facts.securityChanged, { userId: user.id, what: 'phone' });
  return { view: await presentUser(tx, user), oldPhone };
}

/** What time removes (S-67): names and numbers 30 days after a deletion, logs of codes after 90 days, what is used up. */
export async function purgeAccounts({
  em,
  now,
  emit,
}: Pick<Context, 'em' | 'now' | 'emit'>): Promise<{ purged: number }> {
  const ago = (days: number) => daysAfter(now, -days);
  const purged = await rows(
    em,
    sql`update users set former_phone = null, full_name = null, password_hash = null, block_reason = null
        where deleted_at <= ${ago(PURGE_DAYS)} and (former_phone is not null or full_name is not null or password_hash is not null)
        returning id`,
  );
  emit(facts.accountsPurged, { deletedBy: ago(PURGE_DAYS) });
  await rows(em, sql`delete from otp_request_log where at <= ${ago(90)}`);
  await rows(em, sql`delete from phone_otps where created_at <= ${ago(1)}`);
  await rows(em, sql`delete from phone_budgets where day_started_at <= ${ago(1)}`);
  await rows(em, sql`delete from otp_counters where started_at <= ${ago(2)}`);
  await rows(
    em,
    sql`delete from failure_budgets where started_at <= ${ago(3)} and (locked_until is null or locked_until <= ${now})`,
  );
  await rows(em, sql`delete from used_tokens where expires_at <= ${now}`);
  await rows(em, sql`delete from sessions where coalesce(revoked_at, expires_at) <= ${ago(PURGE_DAYS)}`);
  return { purged: purged.length };
}
