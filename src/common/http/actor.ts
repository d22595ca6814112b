import type { Authenticate } from '../auth.ts';
import type { Actor } from '../context.ts';
import { AppError, errorCatalogue } from '../errors.ts';
import type { Operation } from '../operations.ts';

/** Who asks, by the `Authorization` header; null for nobody, where the operation allows it. */
export async function actorOf(
  authenticate: Authenticate,
  { access = 'user' }: Pick<Operation, 'access'>,
  header: string | undefined,
  now: Date,
): Promise<Actor | null> {
  const mayLack = access === 'optional' || access === 'lenient';
  if (access === 'public' || (mayLack && !header)) return null;
  if (!header) throw new AppError('auth_required');
  const token = /^Bearer +(\S+)$/i.exec(header)?.[1];
  if (!token && access !== 'lenient') throw new AppError('token_invalid');
  const actor = authenticate(token ?? '', now).catch(tellNoBan);
  return access === 'lenient' ? actor.catch(passOver) : actor;
}

/** S-28: a ban has ended the session, as a logout has. That it was one is told to logins, refreshes and sockets. */
function tellNoBan(error: unknown): never {
  throw error instanceof AppError && error.code === 'account_blocked' ? new AppError('session_revoked') : error;
}

/** A client may send its old token along with a new login. */
function passOver(error: unknown): null {
  if (error instanceof AppError && errorCatalogue[error.code].status < 500) return null;
  throw error;
}
