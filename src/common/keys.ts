import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { Config } from '../config.ts';

export type KeyPurpose = 'access' | 'refresh' | 'otp' | 'verification' | 'cursor' | 'device';

/** A key of its own for every purpose: HKDF-SHA256 of SECRET_KEY without salt, `info` = `parthub/<purpose>`. */
export function deriveKey(secret: string, purpose: KeyPurpose): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `parthub/${purpose}`, 32));
}

const derived = new WeakMap<Config, Map<KeyPurpose, Buffer[]>>();

/** The present key first, then those of SECRET_KEY_FALLBACKS, older or next ones, which are good for reading only. */
export function keysFor(config: Config, purpose: KeyPurpose): Buffer[] {
  const known = derived.get(config) ?? new Map<KeyPurpose, Buffer[]>();
  derived.set(config, known);
  let keys = known.get(purpose);
  if (!keys) {
    keys = [config.SECRET_KEY, ...config.SECRET_KEY_FALLBACKS].map(secret => deriveKey(secret, purpose));
    known.set(purpose, keys);
  }
  return keys;
}

export function currentKey(config: Config, purpose: KeyPurpose): Buffer {
  return keysFor(config, purpose)[0]!;
}

export function hmac(key: Buffer, ...parts: string[]): Buffer {
  return createHmac('sha256', key).update(parts.join('\u0000')).digest();
}

/** Compares without telling by its time where two values differ. */
export function sameBytes(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
