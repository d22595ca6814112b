import jwt from 'jsonwebtoken';
import { AppError } from '../common/errors.ts';
import { isUuid, newId } from '../common/ids.ts';
import { currentKey, hmac, keysFor, sameBytes } from '../common/keys.ts';
import type { Config } from '../config.ts';
import type { Device, Purpose } from './contract/shapes.ts';

/**
 * Refresh tokens are made and not stored: `prt_<sid>.<counter>.<hmac>`, with a key of the session's own salt under the
 * server's key. Neither a dump of the database nor the environment alone makes one.
 */
export function makeRefresh(config: Config, session: { id: string; salt: Uint8Array }, counter: number): string {
  return refreshFor(currentKey(config, 'refresh'), session, counter);
}

function refreshFor(key: Buffer, { id, salt }: { id: string; salt: Uint8Array }, counter: number): string {
  const sessionKey = hmac(key, Buffer.from(salt).toString('base64'));
  return `prt_${id}.${counter}.${hmac(sessionKey, id, String(counter)).toString('base64url')}`;
}

/** The session and counter a refresh token speaks of, not checked yet; null for what is no such token. */
export function readRefresh(token: string): { sessionId: string; counter: number } | null {
  const [, sessionId, counter] = /^prt_([0-9a-f-]{36})\.(\d{1,9})\.[\w-]{43}$/.exec(token) ?? [];
  return isUuid(sessionId) ? { sessionId, counter: Number(counter) } : null;
}

export function isRefreshOf(
  config: Config,
  session: { id: string; salt: Uint8Array },
  counter: number,
  token: string,
): boolean {
  return keysFor(config, 'refresh').some(key =>
    sameBytes(Buffer.from(refreshFor(key, session, counter)), Buffer.from(token)),
  );
}

/** Kept by a device: it once logged in with this number. */
export function makeDeviceToken(config: Config, phone: string): string {
  const id = newId();
  return `pdt_${id}.${hmac(currentKey(config, 'device'), id, phone).toString('base64url')}`;
}

/** The device that once logged in with this phone, by its token; null for one of another phone, or none of ours. */
export function knownDevice(
  { config }: { config: Config },
  phone: string,
  device: Pick<Device, 'token'> | undefined,
): string | null {
  const [, id, mac] = /^pdt_([0-9a-f-]{36})\.([\w-]{43})$/.exec(device?.token ?? '') ?? [];
  if (!isUuid(id) || !mac) return null;
  const given = Buffer.from(mac, 'base64url');
  return keysFor(config, 'device').some(key => sameBytes(hmac(key, id, phone), given)) ? id : null;
}

export interface Verification {
  jti: string;
  phone: string;
  purpose: Purpose;
  expiresAt: Date;
}

export const VERIFICATION_TTL_SEC = 600;
const verificationType = 'vt+jwt';

/** Says that a code of this phone and purpose was right; good once, for 10 minutes. */
export function signVerification(config: Config, phone: string, purpose: Purpose, now: Date): string {
  const iat = Math.floor(now.getTime() / 1000);
  return jwt.sign(
    { jti: newId(), phone, purpose, iat, exp: iat + VERIFICATION_TTL_SEC },
    currentKey(config, 'verification'),
    {
      header: { alg: 'HS256', typ: verificationType },
    },
  );
}

/** Throws verification_invalid for a foreign, forged or expired token, or one of another purpose. */
export function readVerification(config: Config, token: string, purpose: Purpose, now: Date): Verification {
  const { typ, ...header } = jwt.decode(token, { complete: true })?.header ?? {};
  if (typ !== verificationType || 'crit' in header) throw new AppError('verification_invalid');
  for (const key of keysFor(config, 'verification')) {
    try {
      const claims = jwt.verify(token, key, {
        algorithms: ['HS256'],
        clockTimestamp: Math.floor(now.getTime() / 1000),
      }) as {
        jti: string;
        phone: string;
        purpose: Purpose;
        exp: number;
      };
      if (claims.purpose !== purpose) break;
      return { jti: claims.jti, phone: claims.phone, purpose, expiresAt: new Date(claims.exp * 1000) };
    } catch {} // another key may fit
  }
  throw new AppError('verification_invalid');
}
