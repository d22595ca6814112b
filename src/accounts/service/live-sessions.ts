import { sql } from 'kysely';
import type { FindSession, SessionState } from '../../common/auth.ts';
import type { Role } from '../../common/context.ts';
import { type Orm, rows } from '../../common/database.ts';
import type { Locale } from '../../common/messages.ts';
import type { FindEnded } from '../../common/sockets/sessions.ts';

/** A revocation is noticed on every node within this time, without Redis too (security.md, row 28). */
const CACHE_MS = 1_000;
const MAX_CACHED = 50_000;

interface SessionRow {
  id: string;
  user_id: string;
  role: Role;
  locale: Locale;
  is_revoked: boolean;
  is_blocked: boolean;
  expires_at: string;
}

/** Reads sessions from their rows, at most once a second each; concurrent askers share one query. */
export function createFindSession(orm: Orm): FindSession & { forget(sessionId: string): void } {
  const cache = new Map<string, { at: number; row: Promise<SessionRow | undefined> }>();
  let gathering: { ids: string[]; found: Promise<Map<string, SessionRow>> } | null = null;

  async function loadGathered(ids: readonly string[]): Promise<Map<string, SessionRow>> {
    await new Promise(resolve => setImmediate(resolve));
    gathering = null;
    const found = await rows<SessionRow>(
      orm.em.fork(),
      sql`select s.id, s.user_id, u.role, u.locale, s.expires_at, s.revoked_at is not null as is_revoked,
            (u.blocked_at is not null and (u.blocked_until is null or u.blocked_until > now())) as is_blocked
          from sessions s join users u on u.id = s.user_id where s.id = any(${ids}::uuid[])`,
      { isHot: true },
    );
    return new Map(found.map(row => [row.id, row]));
  }

  /** Those who ask in the same turn of the event loop share a statement: after an outage everybody comes back at once. */
  async function load(sessionId: string): Promise<SessionRow | undefined> {
    if (!gathering) {
      const ids: string[] = [];
      gathering = { ids, found: loadGathered(ids) };
    }
    gathering.ids.push(sessionId);
    return (await gathering.found).get(sessionId);
  }

  function cached(sessionId: string): Promise<SessionRow | undefined> {
    const known = cache.get(sessionId);
    if (known && performance.now() - known.at < CACHE_MS) return known.row;
    if (cache.size >= MAX_CACHED) cache.clear();
    const row = load(sessionId);
    cache.set(sessionId, { at: performance.now(), row });
    row.catch(() => cache.delete(sessionId));
    return row;
  }

  const find: FindSession = async (sessionId, now) => {
    const row = await cached(sessionId);
    return row ? { userId: row.user_id, role: row.role, locale: row.locale, refusal: refusalOf(row, now) } : null;
  };
  return Object.assign(find, { forget: (sessionId: string) => void cache.delete(sessionId) });
}

function refusalOf(row: SessionRow, now: Date): SessionState['refusal'] {
  if (row.is_blocked) return 'account_blocked';
  if (row.is_revoked) return 'session_revoked';
  return new Date(row.expires_at) <= now ? 'session_expired' : null;
}

/** Which of the sessions behind sockets have ended meanwhile, and why. */
export function createFindEnded(orm: Orm): FindEnded {
  return ids =>
    rows(
      orm.em.fork(),
      sql`select id, coalesce(revoke_reason, 'logout_all') as reason from sessions
          where id = any(${ids}::uuid[]) and revoked_at is not null`,
    );
}
