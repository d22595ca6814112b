import { createHash, createSecretKey, type KeyObject } from 'node:crypto';
import jwt from 'jsonwebtoken';
import type { Config } from '../config.ts';
import type { Actor, Role } from './context.ts';
import { AppError } from './errors.ts';
import { isUuid, newId } from './ids.ts';
import { currentKey, keysFor } from './keys.ts';
import type { Locale } from './messages.ts';

const ISSUER = 'parthub';
const AUDIENCE = 'parthub-api';
const TOLERANCE_SEC = 30;

export interface AccessClaims {
  sub: string;
  sid: string;
  role: Role;
  amr: string[];
  auth_time: number;
}

/** What the token's session is worth now; accounts answers it from its rows. */
export interface SessionState {
  userId: string;
  role: Role;
  locale: Locale;
  /** Why it may not be used any more. */
  refusal: 'session_revoked' | 'session_expired' | 'account_blocked' | null;
}

export type FindSession = (sessionId: string, now: Date) => Promise<SessionState | null>;

/** Token → who asks; throws token_invalid, token_expired, session_revoked, session_expired or account_blocked. */
export type Authenticate = (token: string, now: Date) => Promise<Actor>;

/** Names the key without telling anything of it. */
function keyId(key: Buffer): string {
  return createHash('sha256').update('parthub/kid').update(key).digest('hex').slice(0, 16);
}

/** Access tokens (rest.md, section 2): HS256, `typ: at+jwt`, ACCESS_TTL seconds. */
export function signAccess(config: Config, claims: AccessClaims, now: Date): string {
  const key = currentKey(config, 'access');
  const iat = Math.floor(now.getTime() / 1000);
  return jwt.sign({ ...claims, jti: newId(), iat, nbf: iat, exp: iat + config.ACCESS_TTL }, key, {
    algorithm: 'HS256',
    issuer: ISSUER,
    audience: AUDIENCE,
    header: { alg: 'HS256', typ: 'at+jwt', kid: keyId(key) },
  });
}

export function createAuthenticate(config: Config, findSession: FindSession): Authenticate {
  // As objects: of bytes the library tries first whether they are a public key, which takes longer than all the rest.
  const keys = new Map(keysFor(config, 'access').map(key => [keyId(key), createSecretKey(key)]));
  return async (token, now) => {
    const claims = verifyAccess(keys, token, now);
    const session = await findSession(claims.sid, now);
    if (!session || session.userId !== claims.sub) throw new AppError('session_revoked');
    if (session.refusal) throw new AppError(session.refusal);
    return {
      userId: session.userId,
      sessionId: claims.sid,
      role: session.role,
      locale: session.locale,
      isStaff: session.role !== 'user',
      authAt: new Date(claims.auth_time * 1000),
      amr: claims.amr,
      tokenExpiresAt: new Date(claims.exp * 1000),
    };
  };
}

function verifyAccess(keys: ReadonlyMap<string, KeyObject>, token: string, now: Date): AccessClaims & { exp: number } {
  try {
    const header = jwt.decode(token, { complete: true })?.header;
    const key = header && keys.get(header.kid ?? '');
    // `typ` and critical extensions are not looked at by the library.
    if (!key || header.typ !== 'at+jwt' || 'crit' in header) throw new AppError('token_invalid');
    const claims = jwt.verify(token, key, {
      algorithms: ['HS256'], // without it HS384 of the same secret passes too
      issuer: ISSUER,
      audience: AUDIENCE,
      clockTolerance: TOLERANCE_SEC,
      clockTimestamp: Math.floor(now.getTime() / 1000),
    }) as AccessClaims & { exp: number };
    if (!isUuid(claims.sid) || !isUuid(claims.sub)) throw new AppError('token_invalid');
    return claims;
  } catch (error) {
    throw new AppError(error instanceof jwt.TokenExpiredError ? 'token_expired' : 'token_invalid');
  }
}
