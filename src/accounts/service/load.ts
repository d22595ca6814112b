import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { signAccess } from '../../common/auth.ts';
import type { Context } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { newId } from '../../common/ids.ts';
import { loadId } from '../../common/load-ids.ts';
import type { Config } from '../../config.ts';
import { makeRefresh } from '../tokens.ts';

export interface LoadUser {
  n: number;
  user_id: string;
  phone: string;
  access: string;
  refresh: string;
  session_id: string;
}

/** Numbers of a prefix that exists, in a range that nobody is given. */
const phoneOf = (n: number) => `+99820${String(n).padStart(7, '0')}`;

/** Users for a load test, each with a new session; the same numbers are the same users. No code is sent. */
export async function seedLoadUsers(
  ctx: Pick<Context, 'em' | 'now' | 'config'>,
  numbers: readonly number[],
  tokenTtlSec: number,
): Promise<LoadUser[]> {
  const { em, now } = ctx;
  const config: Config = { ...ctx.config, ACCESS_TTL: tokenTtlSec };
  const users = numbers.map(n => ({
    n,
    user_id: loadId('user', n),
    phone: phoneOf(n),
    session_id: newId(),
    salt: randomBytes(32),
  }));
  await rows(
    em,
    sql`insert into users (id, phone, full_name, created_at)
        select id, phone, 'Load user ' || n, ${now} from unnest(${users.map(u => u.user_id)}::uuid[], ${users.map(u => u.phone)}::text[],
          ${numbers}::int[]) as given (id, phone, n) on conflict (phone) do nothing`,
  );
  const ids = new Map(
    (
      await rows<{ id: string; phone: string }>(
        em,
        sql`select id, phone from users where phone = any(${users.map(u => u.phone)}::text[])`,
      )
    ).map(({ id, phone }) => [phone, id]),
  );
  const sessions = users.map(user => ({ ...user, user_id: ids.get(user.phone)! }));
  const expiresAt = new Date(now.getTime() + config.REFRESH_TTL * 1000);
  await rows(
    em,
    sql`insert into sessions (id, user_id, salt, counter, amr, auth_at, created_at, refreshed_at, expires_at)
        select id, user_id, decode(salt, 'hex'), 0, '{otp}', ${now}, ${now}, ${now}, ${expiresAt}
        from unnest(${sessions.map(s => s.session_id)}::uuid[], ${sessions.map(s => s.user_id)}::uuid[], ${sessions.map(s => s.salt.toString('hex'))}::text[])
          as given (id, user_id, salt)`,
  );
  const claims = { role: 'user' as const, amr: ['otp'], auth_time: Math.floor(now.getTime() / 1000) };
  return sessions.map(({ salt, ...user }) => ({
    ...user,
    access: signAccess(config, { ...claims, sub: user.user_id, sid: user.session_id }, now),
    refresh: makeRefresh(config, { id: user.session_id, salt }, 0),
  }));
}
