import type { Actor, Context } from '../../common/context.ts';
import { newId } from '../../common/ids.ts';
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

const secretNames = /password|code|token|secret|salt|hash/i;

function masked(fields: Record<string, unknown> | undefined): Record<string, unknown> | null {
  if (!fields) return null;
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, secretNames.test(name) && value != null ? '***' : value]),
  );
}

/** Writes a row of the audit in the transaction of what it tells of. It can never be changed or removed (a trigger). */
export function audit(
  ctx: Pick<Context<Actor | null>, 'em' | 'now' | 'actor' | 'ip' | 'requestId'>,
  entry: Audited,
): void {
  const { em, now, actor, ip, requestId } = ctx;
  em.persist(
    em.create(AuditEntry, {
      ...{ id: newId(), at: now, ip, requestId, action: entry.action, resource: entry.resource },
      actorId: entry.actorId ?? actor?.userId ?? null,
      actorRole: actor?.role ?? null,
      objectId: entry.objectId ?? null,
      before: masked(entry.before),
      after: masked(entry.after),
      reason: entry.reason ?? null,
    }),
  );
}
