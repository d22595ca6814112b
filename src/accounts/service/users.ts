import { sql } from 'kysely';
import type { Context } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { AppError } from '../../common/errors.ts';
import { newId } from '../../common/ids.ts';
import type { Input } from '../../common/operations.ts';
import type { PublicUser, User as UserView } from '../contract/shapes.ts';
import { badgeOf, type Company, companyOf, facts, type operations, unreadOf } from '../contract.ts';
import { User } from '../entities.ts';

type Scope = Pick<Context, 'em' | 'now' | 'slot'>;

interface Named {
  id: string;
  fullName: string | null;
}

function displayName({ id, fullName }: Named, company: Company | null | undefined): string {
  return fullName ?? company?.company_name ?? `User ${id.slice(-4)}`;
}

/** What others see of users, in bulk; ids that do not exist are left out. */
export async function presentPublicUsers(scope: Scope, ids: readonly string[]): Promise<Map<string, PublicUser>> {
  const unique = [...new Set(ids)];
  if (unique.length === 0) return new Map();
  const found = await rows<{ id: string; full_name: string | null; avatar_url: string | null }>(
    scope.em,
    sql`select id, full_name, avatar_url from users where id = any(${unique}::uuid[])`,
    { isHot: true },
  );
  const companies = await scope.slot(companyOf, unique);
  return new Map(
    found.map(({ id, full_name, avatar_url }) => {
      const company = companies.get(id) ?? null;
      return [
        id,
        {
          id,
          display_name: displayName({ id, fullName: full_name }, company),
          company_name: company?.company_name ?? null,
          avatar_url: avatar_url ?? company?.logo_url ?? null,
          is_verified: company?.is_verified ?? false,
        },
      ];
    }),
  );
}

/** What users see of themselves. */
export async function presentUser(scope: Scope, user: User): Promise<UserView> {
  const ids = [user.id];
  const company = (await scope.slot(companyOf, ids)).get(user.id) ?? null;
  return {
    id: user.id,
    phone: user.reachablePhone(),
    full_name: user.fullName ?? null,
    display_name: displayName({ id: user.id, fullName: user.fullName ?? null }, company),
    locale: user.locale as UserView['locale'],
    role: user.role,
    is_staff: user.role !== 'user',
    has_password: user.passwordHash != null,
    avatar_url: user.avatarUrl ?? company?.logo_url ?? null,
    created_at: user.createdAt.toISOString(),
    b2b: company && { is_enabled: company.is_enabled, status: company.status, company_name: company.company_name },
    unread: (await scope.slot(unreadOf, ids)).get(user.id)!,
    badge: (await scope.slot(badgeOf, ids)).get(user.id)!,
  };
}

/**
 * The user, if there is one, as the last change has left it. Until the end of the transaction nobody else changes it, logs in
 * to its account or ends its sessions, so whoever comes second sees what the first has done. Rows that refer to it still come.
 */
export async function lockUser(
  { em }: Pick<Context, 'em'>,
  by: { id: string } | { phone: string },
): Promise<User | null> {
  const is = 'id' in by ? sql`id = ${by.id}` : sql`phone = ${by.phone}`;
  const [locked] = await rows<{ id: string }>(em, sql`select id from users where ${is} for no key update`);
  return locked ? em.findOneOrFail(User, { id: locked.id }, { refresh: true }) : null;
}

/** The caller, as by `lockUser`. Throws session_revoked: the account was deleted while the call was under way. */
export async function lockCaller(ctx: Pick<Context, 'em' | 'actor'>): Promise<User> {
  const user = await lockUser(ctx, { id: ctx.actor.userId });
  if (!user || user.deletedAt) throw new AppError('session_revoked');
  return user;
}

/**
 * Until the commit nobody deletes the account, so that its deletion finds what is written here; nobody else keeps it either
 * where that is asked for. Throws session_revoked: it was deleted while the call was under way.
 */
export async function keepAccount(
  { em }: Pick<Context, 'em'>,
  userId: string,
  mode: 'shared' | 'exclusive' = 'shared',
): Promise<void> {
  const lock = sql.raw(mode === 'shared' ? 'for share' : 'for update');
  const kept = await rows(em, sql`select 1 from users where id = ${userId} and deleted_at is null ${lock}`);
  if (kept.length === 0) throw new AppError('session_revoked');
}

/** The user of a phone, made when there is none and locked like by `lockUser`; two requests at once make one. */
export async function findOrCreateUser(
  ctx: Pick<Context, 'em' | 'now' | 'emit'>,
  phone: string,
): Promise<{ user: User; isNew: boolean }> {
  const id = newId();
  const [found] = await rows<{ id: string }>(
    ctx.em,
    sql`insert into users as u (id, phone, role, created_at) values (${id}, ${phone}, 'user', ${ctx.now})
        on conflict (phone) do update set active_at = u.active_at returning id`,
  );
  const user = await ctx.em.findOneOrFail(User, { id: found!.id }, { refresh: true });
  const isNew = user.id === id;
  if (isNew) ctx.emit(facts.userRegistered, { userId: user.id });
  return { user, isNew };
}

/** Who asks. */
export async function getMe(ctx: Context): Promise<UserView> {
  return presentUser(ctx, await ctx.em.findOneOrFail(User, { id: ctx.actor.userId }));
}

/** Makes an upload of the user their picture, null takes it away; returns its address. Throws not_found. */
export type SetAvatar = (
  ctx: Pick<Context, 'em' | 'config'>,
  userId: string,
  uploadId: string | null,
) => Promise<string | null>;

/**
 * Changes the caller's name, language or picture. Throws not_found for an upload that is not theirs or used already, and
 * session_revoked.
 */
export function updateMe(setAvatar: SetAvatar) {
  return async (ctx: Context, input: Input<typeof operations.updateMe>): Promise<UserView> => {
    const user = await lockCaller(ctx);
    if (input.full_name !== undefined) user.fullName = input.full_name;
    if (input.locale !== undefined) {
      user.locale = input.locale;
      ctx.emit(facts.localeChanged, { sessionId: ctx.actor.sessionId });
    }
    if (input.avatar_upload_id !== undefined) user.avatarUrl = await setAvatar(ctx, user.id, input.avatar_upload_id);
    await ctx.em.flush();
    return presentUser(ctx, user);
  };
}
