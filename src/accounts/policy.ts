import type { Actor, Role } from '../common/context.ts';
import { AppError } from '../common/errors.ts';

/** How long a login counts as proof for what changes the account itself. */
const FRESH_MS = 600_000;

/** Throws reauth_required. */
export function ensureFresh({ authAt }: Actor, now: Date): void {
  if (now.getTime() - authAt.getTime() > FRESH_MS) throw new AppError('reauth_required');
}

/** Staff of one of these roles who logged in with password and code; a superuser may everything. Throws permission_denied. */
export function ensureStaff({ role, amr }: Actor, roles: readonly Role[]): void {
  const isProven = amr.includes('otp') && amr.includes('pwd');
  if (!isProven || !(role === 'superuser' || roles.includes(role))) throw new AppError('permission_denied');
}
