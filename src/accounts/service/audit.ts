import { isDeepStrictEqual } from 'node:util';
import { sql } from 'kysely';
import type { Actor, Context } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { newId } from '../../common/ids.ts';
import { maskPhones } from '../../common/log.ts';
import { AuditEntry } from '../entities.ts';

export interface Audited {
  action: string;
  resource: string;
  objectId?: string | null | undefined;
  before?: Record<string, unknown>;
  after?: Record<string, unknown>;
  reason?: string | undefined;
  /** Who did it, where that is not the caller: a login has no session yet. */
  actorId?: string | undefined;
}

/** A `code` is that of a plan or a region: codes of logins are in no audited row. */
const secretNames = /password|token|secret|salt|hash|hmac|otp/i;

/** What a change made different; numbers are told by their ends alone, since no row of the audit can be purged. */
function maskedDiff(
  fields: Record<string, unknown> | undefined,
  other: Record<string, unknown> | undefined,
): Record<string, unknown> | null {
  if (!fields) return null;
  const isSame = (name: string, value: unknown) => other !== undefined && isDeepStrictEqual(value, other[name]);
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([name, value]) => !isSame(name, value))
      .map(([name, value]) => [name, masked(name, value)]),
  );
}

function masked(name: string, value: unknown): unknown {
  if (secretNames.test(name) && value != null) return '***';
  if (typeof value === 'string') return maskPhones(value);
  if (Array.isArray(value)) return value.map(one => masked(name, one));
  return isPlain(value)
    ? Object.fromEntries(Object.entries(value).map(([part, one]) => [part, masked(part, one)]))
    : value;
}

const isPlain = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/** Writes a row of the audit in the transaction of what it tells of. It can never be changed or removed (a trigger). */
export function audit(
  ctx: Pick<Context<Actor | null>, 'em' | 'now' | 'actor' | 'ip' | 'requestId'>,
  { action, resource, objectId, actorId, before, after, reason }: Audited,
): void {
  const { em, now, actor, ip, requestId } = ctx;
  em.persist(
    em.create(AuditEntry, {
      ...{ id: newId(), at: now, ip, requestId, action, resource },
      actorId: actorId ?? actor?.userId ?? null,
      actorRole: actor?.role ?? null,
      objectId: objectId ? maskPhones(objectId) : null,
      before: maskedDiff(before, after),
      after: maskedDiff(after, before),
      reason: reason ? maskPhones(reason) : null,
    }),
  );
}

/** A wrong code or password: told of the account it was tried on, or of the number where there is none. */
export async function auditFailure(tx: Context<Actor | null>, phone: string): Promise<void> {
  const [user] = await rows<{ id: string }>(tx.em, sql`select id from users where phone = ${phone}`);
  const tried = user ? { resource: 'users', objectId: user.id } : { resource: 'phone', objectId: phone };
  audit(tx, { action: 'login_failed', ...tried });
}
