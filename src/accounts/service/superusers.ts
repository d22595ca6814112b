import type { Context, Role } from '../../common/context.ts';
import { ensureStrong, hashPassword } from '../passwords.ts';
import { readPhone } from '../phones.ts';
import { audit } from './audit.ts';
import { endSessions, liveSessions } from './sessions.ts';
import { findOrCreateUser } from './users.ts';

export interface Superuser {
  user_id: string;
  phone: string;
  role: Role;
  created: boolean;
}

type Scope = Pick<Context<null>, 'em' | 'now' | 'emit' | 'config'>;

/**
 * Makes a superuser, or raises the user of that phone; the password is set in both cases, and sessions of before end.
 * Throws invalid_phone, phone_not_supported, weak_password.
 */
export async function createSuperuser(
  ctx: Context<null>,
  given: { phone: string; password: string },
): Promise<Superuser> {
  const phone = readPhone(ctx.config, given.phone);
  ensureStrong(given.password, phone);
  const { user, isNew } = await findOrCreateUser(ctx, phone);
  const before = { role: user.role };
  user.role = 'superuser';
  user.passwordHash = await hashPassword(given.password);
  await endSessions(ctx, user.id, await liveSessions(ctx, user.id), 'admin');
  audit(ctx, { action: 'create_superuser', resource: 'users', objectId: user.id, before, after: { role: user.role } });
  await ctx.em.flush();
  return { user_id: user.id, phone, role: user.role, created: isNew };
}

/** The user of a phone as staff type it, made when missing. Throws invalid_phone, phone_not_supported. */
export async function reachUserByPhone(ctx: Scope, typed: string): Promise<{ id: string; phone: string }> {
  const { user } = await findOrCreateUser(ctx, readPhone(ctx.config, typed));
  return { id: user.id, phone: user.reachablePhone() };
}
