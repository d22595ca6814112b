import { randomInt } from 'node:crypto';
import type { Reply, TestApp } from './app.ts';

/** A number that no other test uses; the middle is random, so that numbers are not alike but for their last digits. */
export function newPhone(): string {
  return `+99891${String(randomInt(10 ** 7)).padStart(7, '0')}`;
}

export const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });
export const later = (ms: number): Record<string, string> => ({
  'x-test-now': new Date(Date.now() + ms).toISOString(),
});
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export const wrongCode = (code: string): string => String((Number(code) + 1) % 1_000_000).padStart(6, '0');

export function requestCode(
  app: TestApp,
  phone: string,
  more: object = {},
  headers: Record<string, string> = {},
): Promise<Reply> {
  return app.post(null, '/api/auth/request-otp/', { phone, ...more }, headers);
}

export function verify(
  app: TestApp,
  phone: string,
  code: string,
  more: object = {},
  headers: Record<string, string> = {},
): Promise<Reply> {
  return app.post(null, '/api/auth/verify-otp/', { phone, code, ...more }, headers);
}

/** A login by code, at a moment; what verify-otp answered, with the phone. */
export async function logIn(
  app: TestApp,
  phone = newPhone(),
  headers: Record<string, string> = {},
): Promise<Reply & { phone: string }> {
  const { body } = await requestCode(app, phone, {}, headers);
  return { phone, ...(await verify(app, phone, body.dev_code, { otp_id: body.otp_id }, headers)) };
}

/** A user with a password, logged in by code. */
export async function buildMember(
  app: TestApp,
  password = 'correct horse battery',
): Promise<Reply & { phone: string; password: string }> {
  const login = await logIn(app);
  const set = await app.post(null, '/api/auth/set-password/', { password }, bearer(login.body.access));
  return { phone: login.phone, password, ...set };
}
